"""A case's own noise: pairs whose two sides are the same, resampled and judged many times.

The result is an estimate. In blocks of BLOCK_LENGTH, 40 pairs are only eight independent pieces: too few for
a close estimate of rare events, and they contain nothing about events that did not happen meanwhile.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

import numpy as np

from benchmarks.compare.evidence import evidence
from benchmarks.compare.rule import Category, Fraction, categories_of
from benchmarks.decode import Within

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from benchmarks.compare.rule import Rule

N_RESAMPLES = 1000  # for the shares that are shown
N_ALARMS = 10  # expected among the resamples from which a threshold is chosen
MOST_RESAMPLES = 100_000
SEED = 0
POWER = 0.95  # for an effect that counts as detectable
STEP = 0.005  # between the thresholds, or effects, that are tried
LARGEST = 0.5  # threshold or effect that is tried
BLOCK_LENGTH = 5  # pairs in a row drawn together, on average: other programs disturb several pairs

Ratio: TypeAlias = Annotated[float, Within(1e-21, 1e21)]


@dataclass(frozen=True, kw_only=True)
class CaseCalibration:
    """A case's noise on one machine. Fractions: 0.025 is 2.5 %."""

    ratios: tuple[Ratio, ...]  # new / base of each pair, both sides being the same
    noise: float  # robust standard deviation of the log-ratios: 1.4826 times their median absolute deviation
    threshold: Fraction  # the smallest from the rule's on with at most alpha / n_cases false alarms
    false_alarms: float  # share of resampled comparisons called slower or faster, at that threshold
    undecided: float  # share called undecided
    detectable: float | None  # the smallest slowdown found in POWER of them; None: beyond LARGEST
    n_cases: int  # the most that a comparison may have for the threshold to fit
    alpha: float  # of such a comparison: the largest probability of a false alarm
    max_pairs: int  # the most that such a comparison takes


def calibrate_case(ratios: Sequence[float], rule: Rule, *, n_cases: int = 1) -> CaseCalibration:
    """Calibrate one of `n_cases` cases by resampling pairs whose two sides are the same."""
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
    """Return the smallest threshold at which false alarms are rare enough, and their share.

    A case may use its part of alpha (Bonferroni), as one of all cases and also as the only case of a
    comparison, where fewer pairs must agree. There are enough resamples to expect a few false alarms; if
    alpha is too small for that, no resample may raise one.
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

    As `sequential_verdict` judges it by the rule with any threshold of at least the rule's own; negative if
    it is slower or faster by no threshold.
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
    """Compute how often the rule returns each category for resampled pairs, the new side made slower."""
    drawn = resampled(ratios, (n_resamples, rule.max_pairs)) * (1 + effect)
    new_first = np.broadcast_to(np.arange(rule.max_pairs) % 2 == 1, drawn.shape)
    found = categories_of(drawn, new_first, rule, n_cases=n_cases)
    return {category: found.count(category) / n_resamples for category in Category}


def resampled(ratios: Sequence[float], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Draw rows of pairs, each row a comparison.

    Both sides are the same, so the sample's own median is an accident and is removed first: the null
    hypothesis of the test, imposed on its bootstrap. Disturbances that last for several pairs are kept, by
    the stationary bootstrap (Politis & Romano 1994): blocks of the sample, read in a circle, of geometrically
    distributed length. The seed is fixed.
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
    """Return the smallest value for which it holds, and with it for all larger ones; None: for no value.

    It does for thresholds: over the same resampled pairs a larger one raises no other alarm. A larger effect
    is found as often or more often, except in a few resamples where it makes the rule stop early.
    """
    index = bisect_left(ascending, True, key=holds)  # noqa: FBT003 - the value searched for
    return ascending[index] if index < len(ascending) else None
