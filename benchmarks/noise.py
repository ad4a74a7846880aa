"""What a case's own noise is like: pairs whose two sides are the same, judged again and again, resampled."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.decision import Category, conclude
from benchmarks.errors import require_types

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from benchmarks.decision import Rule

N_RESAMPLES = 1000
SEED = 0
MOST_FALSE_ALARMS = 0.01  # of a case's comparisons, at the threshold that is chosen
POWER = 0.95  # of an effect that counts as detectable
STEP = 0.005  # in which thresholds and effects are tried
LARGEST = 0.5  # threshold or effect that is tried
BLOCK_LENGTH = (
    5  # pairs in a row that are drawn together, on average: a busy neighbour stays for some of them
)


@dataclass(frozen=True, kw_only=True)
class CaseCalibration:
    """A case's noise on one machine. Fractions: 0.025 is 2.5 %."""

    ratios: tuple[float, ...]  # second / first process of each pair, both sides being the same
    noise: float  # robust standard deviation of the log-ratios: 1.4826 times their median absolute deviation
    threshold: float  # the smallest at which at most MOST_FALSE_ALARMS are raised, the rule's or more
    false_alarms: float  # share of resampled comparisons called slower or faster, at that threshold
    undecided: float  # share called undecided
    detectable: float | None  # the smallest slowdown found in POWER of them; None: beyond what was tried

    def __post_init__(self) -> None:
        """Refuse what a file that was edited by hand may hold."""
        require_types(self)
        if not 0 < self.threshold < 1:
            message = f"threshold: expected between 0 and 1, found {self.threshold:g}"
            raise ValueError(message)
        if not all(isinstance(ratio, float) and 0 < ratio < math.inf for ratio in self.ratios):
            message = f"ratios: expected positive numbers, found {self.ratios}"
            raise ValueError(message)


def calibrate_case(ratios: Sequence[float], rule: Rule, *, n_cases: int = 1) -> CaseCalibration:
    """Judge a case by pairs whose two sides are the same, by resampling them."""

    def raises_few(threshold: float) -> bool:
        return (
            _alarms(shares_of(ratios, rule.with_threshold(threshold), n_cases=n_cases)) <= MOST_FALSE_ALARMS
        )

    thresholds = _steps(rule.threshold, LARGEST)
    chosen = rule.with_threshold(_first(thresholds, raises_few) or thresholds[-1])
    shares = shares_of(ratios, chosen, n_cases=n_cases)
    logs = np.log(ratios)
    return CaseCalibration(
        ratios=tuple(ratios),
        noise=1.4826 * float(np.median(np.abs(logs - np.median(logs)))),
        threshold=chosen.threshold,
        false_alarms=_alarms(shares),
        undecided=shares[Category.UNDECIDED],
        detectable=_detectable(ratios, chosen, n_cases),
    )


def shares_of(
    ratios: Sequence[float], rule: Rule, *, n_cases: int, effect: float = 0.0, n_resamples: int = N_RESAMPLES
) -> dict[Category, float]:
    """Say how often the rule gives each category over pairs drawn from these, the new side made slower.

    Both sides are the same, so the sample's own median is an accident: it is taken out first (a test's null
    hypothesis, imposed on its bootstrap). What lasts for several pairs stays, by the stationary bootstrap
    (Politis & Romano 1994): blocks of the sample, read in a circle, of geometrically distributed length. The
    seed is fixed.
    """
    logs = np.log(ratios)
    drawn = np.exp(_in_blocks(logs - np.median(logs), (n_resamples, rule.max_pairs))) * (1 + effect)
    found = [conclude(pairs, rule, n_cases=n_cases).category for pairs in drawn.tolist()]
    return {category: found.count(category) / n_resamples for category in Category}


def _in_blocks(values: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Draw rows of the shape."""
    generator = np.random.default_rng(SEED)
    indices = generator.integers(len(values), size=shape)
    begins = generator.random(shape) < 1 / BLOCK_LENGTH
    for column in range(1, shape[1]):
        following = (indices[:, column - 1] + 1) % len(values)
        indices[:, column] = np.where(begins[:, column], indices[:, column], following)
    return values[indices]


def _alarms(shares: Mapping[Category, float]) -> float:
    return shares[Category.SLOWER] + shares[Category.FASTER]


def _detectable(ratios: Sequence[float], rule: Rule, n_cases: int) -> float | None:
    def is_found(effect: float) -> bool:
        shares = shares_of(ratios, rule, n_cases=n_cases, effect=effect, n_resamples=N_RESAMPLES // 5)
        return shares[Category.SLOWER] >= POWER

    return _first(_steps(rule.threshold, LARGEST), is_found)


def _steps(first: float, end: float) -> list[float]:
    steps: list[float] = np.arange(first, end, STEP).round(6).tolist()
    return steps


def _first(ascending: Sequence[float], holds: Callable[[float], bool]) -> float | None:
    """Give the smallest that it holds for, given that it then holds for all larger ones; None: for none.

    It does for thresholds: over the same resampled pairs a larger one raises no other alarm. A larger effect
    is found as often or more, but for the few drawings that it moves to where the rule stops early.
    """
    index = bisect_left(ascending, True, key=holds)  # noqa: FBT003 - what is searched for
    return ascending[index] if index < len(ascending) else None
