"""Figures of several rounds → estimates and ratios with confidence intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, takewhile
from statistics import median_high, median_low

CONFIDENCE = 0.95

ROUNDING = 1e-9
"""The relative rounding error of a sum of probabilities that equals a level exactly."""

LEAST_SURE = 0.9
"""Coverage below which no interval is returned."""


@dataclass(frozen=True)
class Ratio:
    """A ratio and, with enough rounds, its confidence interval and that interval's coverage."""

    value: float
    low: float | None = None
    high: float | None = None
    coverage: float | None = None


def speedup(baseline_min_s: Sequence[float], min_s: Sequence[float]) -> Ratio:
    """Return how many times faster than the baseline, from both sides' fastest epochs in the same rounds.

    It is the median of the paired ratios, with an interval of at least CONFIDENCE; with 5 rounds their whole
    range, which covers the median with 93.75 %; with fewer rounds there is no interval.

    Raises:
        ValueError: the two don't pair up, or there is no pair.
    """
    ratios = [base_s / own_s for base_s, own_s in zip(baseline_min_s, min_s, strict=True)]
    if not ratios:
        message = "expected at least one round in which both ran, found none"
        raise ValueError(message)
    value = median_ratio(ratios)
    low, high, coverage = median_interval(ratios, (1 - CONFIDENCE) / 2)
    return Ratio(value, low, high, coverage) if coverage >= LEAST_SURE else Ratio(value)


def median_ratio(ratios: Sequence[float]) -> float:
    """Return the median on the logarithmic scale: of an even number, the middle two's geometric mean.

    Without logarithms, whose last digit depends on the processor: reports would differ between machines.
    """
    return math.sqrt(median_low(ratios) * median_high(ratios))


def median_interval(values: Sequence[float], tail: float) -> tuple[float, float, float]:
    """Return the median's distribution-free interval, at most `tail` beyond either end, and its coverage.

    By order statistics (Conover 1999, section 3.2): the k-th smallest of n values is above the median with
    the probability of fewer than k heads in n throws. If n is too small for the tail, it is the whole range.
    """
    ordered, n = sorted(values), len(values)
    k, beyond = outer_rank(n, tail)
    return ordered[k - 1], ordered[n - k], 1 - 2 * beyond


@cache
def outer_rank(n: int, tail: float) -> tuple[int, float]:
    """Return the largest k for which fewer than k heads in n throws are rarer than the tail; also how rare.

    In integers, so that every machine finds the same digits.
    """
    n_orders = accumulate(math.comb(n, n_heads) for n_heads in range(n + 1))  # with at most n_heads heads
    rarer = list(takewhile(lambda beyond: beyond < tail, (orders / 2**n for orders in n_orders)))
    return max(1, len(rarer)), rarer[-1] if rarer else 1 / 2**n
