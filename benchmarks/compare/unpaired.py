"""Processes of one moment and processes of another → a verdict that allows for drift in between."""

import math
from collections.abc import Sequence
from itertools import count

from benchmarks.compare.decide import classify
from benchmarks.compare.rank_sum import shift_interval
from benchmarks.compare.rule import Category, Decision, Rule
from benchmarks.stats import ROUNDING


def decide_shift(
    base_logs: Sequence[float], new_logs: Sequence[float], rule: Rule, *, n_cases: int
) -> Decision:
    """Judge one of `n_cases` cases by the logarithms of its processes' times at either moment.

    Raises:
        ValueError: one side is empty.
    """
    tail = rule.alpha / n_cases
    shift, low, high, coverage = shift_interval(base_logs, new_logs, tail)
    drift = 1 + rule.drift
    ratio, low, high = math.exp(shift), math.exp(low) / drift, math.exp(high) * drift
    is_sure = (1 - coverage) / 2 <= tail * (1 + ROUNDING)  # else there are too few processes for the interval
    return Decision(
        category=classify(ratio, low, high, rule) if is_sure else Category.UNDECIDED,
        ratio=ratio,
        low=low,
        high=high,
        coverage=coverage,
        detectable=max(rule.threshold, ratio / low - 1) if is_sure else None,
        n_pairs=min(len(base_logs), len(new_logs)),
    )


def rounds_needed(rule: Rule, *, n_cases: int) -> int:
    """Compute the fewest rounds of each record that can decide one of so many cases.

    Of all orders of n values on either side, one in (2n choose n) has all values of one side first.
    """
    return next(n for n in count(1) if 1 / math.comb(2 * n, n) <= rule.alpha / n_cases * (1 + ROUNDING))
