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

    from benchmarks.decision import Rule

N_RESAMPLES = 1000
SEED = 0
MOST_FALSE_ALARMS = 0.01  # of a case's comparisons, at the threshold that is chosen
POWER = 0.95  # of an effect that counts as detectable
STEP = 0.005  # in which thresholds and effects are tried
LARGEST_EFFECT = 0.5  # that is tried


@dataclass(frozen=True, kw_only=True)
class CaseCalibration:
    """A case's noise on one machine. Fractions: 0.025 is 2.5 %."""

    ratios: tuple[float, ...]  # second / first process of each pair, both sides being the same
    noise: float  # robust standard deviation of the log-ratios: 1.4826 times their median absolute deviation
    threshold: float  # the smallest at which at most MOST_FALSE_ALARMS are raised, and at least the rule's
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

    thresholds = _steps(rule.threshold, 1.0)
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

    A bootstrap (Efron & Tibshirani 1993, chapter 6) with a fixed seed.
    """
    generator = np.random.default_rng(SEED)
    drawn = generator.choice(np.asarray(ratios), (n_resamples, rule.max_pairs)) * (1 + effect)
    found = [conclude(pairs, rule, n_cases=n_cases).category for pairs in drawn.tolist()]
    return {category: found.count(category) / n_resamples for category in Category}


def _alarms(shares: Mapping[Category, float]) -> float:
    return shares[Category.SLOWER] + shares[Category.FASTER]


def _detectable(ratios: Sequence[float], rule: Rule, n_cases: int) -> float | None:
    def is_found(effect: float) -> bool:
        shares = shares_of(ratios, rule, n_cases=n_cases, effect=effect, n_resamples=N_RESAMPLES // 5)
        return shares[Category.SLOWER] >= POWER

    return _first(_steps(rule.threshold, LARGEST_EFFECT), is_found)


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
