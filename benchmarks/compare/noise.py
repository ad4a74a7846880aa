"""A case's own noise: pairs whose two sides are the same, tossed anew and judged many times."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.compare.decide import categories_of
from benchmarks.compare.rule import Category, Rule

N_RESAMPLES = 1000
SEED = 0
POWER = 0.95  # for an effect that counts as detectable
STEP = 0.005  # between the effects that are tried
LARGEST = 0.5  # effect that is tried


@dataclass(frozen=True, kw_only=True)
class CaseNoise:
    """A case's noise on one machine. Fractions: 0.025 is 2.5 %."""

    n_pairs: int
    noise: float  # robust standard deviation of the log-ratios: 1.4826 times their median absolute size
    undecided: float  # share of resampled comparisons of equal sides
    detectable: float | None  # the smallest slowdown found in POWER of them; None: beyond LARGEST


def noise_of(ratios: Sequence[float], rule: Rule, *, n_cases: int = 1) -> CaseNoise:
    """Describe the noise of one of `n_cases` cases by pairs whose two sides are the same."""
    effects: list[float] = np.arange(rule.threshold, LARGEST, STEP).round(6).tolist()

    def found(effect: float) -> float:
        return shares_of(ratios, rule, n_cases=n_cases, effect=effect)[Category.SLOWER]

    index = bisect_left(effects, POWER, key=found)
    return CaseNoise(
        n_pairs=len(ratios),
        noise=1.4826 * float(np.median(np.abs(np.log(ratios)))),
        undecided=shares_of(ratios, rule, n_cases=n_cases)[Category.UNDECIDED],
        detectable=effects[index] if index < len(effects) else None,
    )


def shares_of(
    ratios: Sequence[float], rule: Rule, *, n_cases: int, effect: float = 0.0
) -> dict[Category, float]:
    """Compute how often the rule returns each category for resampled pairs, the new side made slower."""
    drawn, new_first = resampled(ratios, (N_RESAMPLES, rule.max_pairs))
    found = categories_of(drawn * (1 + effect), new_first, rule, n_cases=n_cases)
    return {category: found.count(category) / N_RESAMPLES for category in Category}


def resampled(
    ratios: Sequence[float], shape: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Draw rows of pairs, each row a comparison, and whether the new side goes first in each pair.

    Both sides are the same, so a new toss of the coin only exchanges them, which inverts the ratio. The seed
    is fixed.
    """
    generator = np.random.default_rng(SEED)
    logs, new_first = generator.choice(np.log(ratios), shape), generator.random(shape) < 1 / 2
    return np.exp(np.where(new_first, logs, -logs)), new_first
