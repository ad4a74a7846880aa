"""What a case's own noise is like: pairs whose two sides are the same, judged again and again, resampled.

What comes of it is an estimate. Drawn in blocks of BLOCK_LENGTH, 40 pairs are but eight independent pieces:
so few can't tell closely how often something rare happens, and nothing of what did not happen meanwhile.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

import numpy as np

from benchmarks.compare.evidence import evidence
from benchmarks.compare.rule import Category, categories_of
from benchmarks.decode import Within

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from benchmarks.compare.rule import Rule

N_RESAMPLES = 1000  # of which shares are shown
N_ALARMS = 10  # to expect among the resamples by which a threshold is chosen
MOST_RESAMPLES = 100_000
SEED = 0
POWER = 0.95  # of an effect that counts as detectable
STEP = 0.005  # in which thresholds and effects are tried
LARGEST = 0.5  # threshold or effect that is tried
BLOCK_LENGTH = (
    5  # pairs in a row that are drawn together, on average: a busy neighbour stays for some of them
)

Ratio: TypeAlias = Annotated[float, Within(1e-21, 1e21)]
Threshold: TypeAlias = Annotated[float, Within(1e-12, 1 - 1e-12)]


@dataclass(frozen=True, kw_only=True)
class CaseCalibration:
    """A case's noise on one machine. Fractions: 0.025 is 2.5 %."""

    ratios: tuple[Ratio, ...]  # second / first process of each pair, both sides being the same
    noise: float  # robust standard deviation of the log-ratios: 1.4826 times their median absolute deviation
    threshold: Threshold  # the smallest from the rule's on with at most alpha / n_cases false alarms
    false_alarms: float  # share of resampled comparisons called slower or faster, at that threshold
    undecided: float  # share called undecided
    detectable: float | None  # the smallest slowdown found in POWER of them; None: beyond what was tried
    n_cases: int  # the most that a comparison may have for the threshold to fit
    alpha: float  # of such a comparison: the largest probability of a false alarm
    max_pairs: int  # the most that such a comparison takes


def calibrate_case(ratios: Sequence[float], rule: Rule, *, n_cases: int = 1) -> CaseCalibration:
    """Judge one of `n_cases` cases by pairs whose two sides are the same, by resampling them."""
    threshold, false_alarms = choose_threshold(ratios, rule, n_cases=n_cases)
    chosen = rule.with_threshold(threshold)
    shares = shares_of(ratios, chosen, n_cases=n_cases)
    logs = np.log(ratios)
    return CaseCalibration(
        ratios=tuple(ratios),
        noise=1.4826 * float(np.median(np.abs(logs - np.median(logs)))),
        threshold=threshold,
        false_alarms=false_alarms,
        undecided=shares[Category.UNDECIDED],
        detectable=_detectable(ratios, chosen, n_cases),
        n_cases=n_cases,
        alpha=rule.alpha,
        max_pairs=rule.max_pairs,
    )


def choose_threshold(ratios: Sequence[float], rule: Rule, *, n_cases: int) -> tuple[float, float]:
    """Give the smallest threshold at which false alarms are rare enough, and the share of them.

    A case may raise its part of alpha, so that all together raise no more (Bonferroni): as one of them all
    and, because fewer pairs must agree then, as a comparison's only one. There are so many resamples that a
    few of them raise a false alarm; where alpha is too small for that, none may.
    """
    most = rule.alpha / n_cases
    n_resamples = min(max(N_RESAMPLES, math.ceil(N_ALARMS / most)), MOST_RESAMPLES)
    drawn = resampled(ratios, (n_resamples, rule.max_pairs))
    limits = [alarm_limits(drawn, rule, n_cases=n) for n in {1, n_cases}]

    def false_alarms(threshold: float) -> float:
        return max(float(np.mean(each > threshold)) for each in limits)

    thresholds = _steps(rule.threshold, LARGEST)
    chosen = _first(thresholds, lambda threshold: false_alarms(threshold) <= most) or thresholds[-1]
    return chosen, false_alarms(chosen)


def alarm_limits(ratios: NDArray[np.float64], rule: Rule, *, n_cases: int) -> NDArray[np.float64]:
    """Return for each row of ratios, a case's pairs, the threshold from which on it is not slower or faster.

    As `conclude` judges it by the rule with any threshold of at least the rule's own; negative where it is
    slower or faster by none.
    """
    limits, ends = np.zeros(len(ratios)), np.full(len(ratios), np.inf)
    for n_pairs in range(rule.min_pairs, rule.max_pairs + 1):
        shown = evidence(ratios[:, :n_pairs], rule, n_cases=n_cases)
        if n_pairs in rule.looks(n_cases):
            limits = np.maximum(limits, np.minimum(shown.changed, ends))
        ends = np.minimum(ends, shown.within)  # above it the rule has stopped: unchanged
    return limits - 1


def shares_of(
    ratios: Sequence[float], rule: Rule, *, n_cases: int, effect: float = 0.0, n_resamples: int = N_RESAMPLES
) -> dict[Category, float]:
    """Say how often the rule gives each category over pairs drawn from these, the new side made slower."""
    drawn = resampled(ratios, (n_resamples, rule.max_pairs)) * (1 + effect)
    found = categories_of(drawn, rule, n_cases=n_cases)
    return {category: found.count(category) / n_resamples for category in Category}


def resampled(ratios: Sequence[float], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Draw rows of pairs, each row a comparison.

    Both sides are the same, so the sample's own median is an accident: it is taken out first (a test's null
    hypothesis, imposed on its bootstrap). What lasts for several pairs stays, by the stationary bootstrap
    (Politis & Romano 1994): blocks of the sample, read in a circle, of geometrically distributed length. The
    seed is fixed.
    """
    logs = np.log(ratios)
    generator = np.random.default_rng(SEED)
    indices = generator.integers(len(logs), size=shape)
    begins = generator.random(shape) < 1 / BLOCK_LENGTH
    for column in range(1, shape[1]):
        following = (indices[:, column - 1] + 1) % len(logs)
        indices[:, column] = np.where(begins[:, column], indices[:, column], following)
    drawn: NDArray[np.float64] = np.exp(logs - np.median(logs))[indices]
    return drawn


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
