"""Samples → one process's summary; summaries of several rounds → estimates, and ratios with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, takewhile
from statistics import median_high, median_low
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


CONFIDENCE = 0.95

ROUNDING = 1e-9
"""By how much, relatively, a sum of probabilities may miss a level that it reaches exactly."""

LEAST_SURE = 0.9
"""Coverage below which no interval is given."""


@dataclass(frozen=True)
class Ratio:
    """A ratio and, where there were rounds enough, its confidence interval and how sure that is."""

    value: float
    low: float | None = None
    high: float | None = None
    coverage: float | None = None


def speedup(baseline_min_s: Sequence[float], min_s: Sequence[float]) -> Ratio:
    """Say how many times faster than the baseline, from both sides' fastest epochs in the same rounds.

    The median of the paired ratios, and its interval of at least CONFIDENCE; of 5 rounds the whole range,
    which covers the median with 93.75 %; of fewer none.

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
    """Give the distribution-free interval of the median, at most `tail` beyond either end, and its coverage.

    By order statistics (Conover 1999, section 3.2): the k-th smallest of n values lies above the median with
    the probability of fewer than k heads in n throws. Where n is too small for the tail, their whole range.
    """
    ordered, n = sorted(values), len(values)
    k, beyond = outer_rank(n, tail)
    return ordered[k - 1], ordered[n - k], 1 - 2 * beyond


@cache
def outer_rank(n: int, tail: float) -> tuple[int, float]:
    """Return the largest k for which fewer than k heads in n throws are rarer than the tail; and how rare.

    In whole numbers, so that every machine finds the same digits.
    """
    n_orders = accumulate(math.comb(n, n_heads) for n_heads in range(n + 1))  # of at most so many heads
    rarer = list(takewhile(lambda beyond: beyond < tail, (orders / 2**n for orders in n_orders)))
    return max(1, len(rarer)), rarer[-1] if rarer else 1 / 2**n


def shift_interval(
    before: Sequence[float], after: Sequence[float], tail: float
) -> tuple[float, float, float, float]:
    """Estimate a shift: give the estimate, its interval's ends with at most `tail` beyond each, its coverage.

    The estimate is Hodges and Lehmann's, the interval the exact one of the rank-sum test (Hollander & Wolfe
    1999, section 4.3). Where there are too few values for the tail, it is the differences' whole range; a
    tail of more than ½ counts as ½.

    Raises:
        ValueError: one side is empty.

    """
    differences = np.sort(np.subtract.outer(np.asarray(after), np.asarray(before)), axis=None)
    if not differences.size:
        message = "expected at least one value on either side, found none"
        raise ValueError(message)
    beyond = np.cumsum(rank_sum_distribution(len(before), len(after)))  # [k]: U of at most k
    at_most = min(tail, 0.5) * (1 + ROUNDING)
    rank = max(1, int(np.searchsorted(beyond, at_most, side="right")))  # from either end
    low, high = differences[rank - 1], differences[-rank]
    return float(np.median(differences)), float(low), float(high), float(1 - 2 * beyond[rank - 1])


@cache
def rank_sum_distribution(n: int, m: int) -> NDArray[np.float64]:
    """Give the probability of each value 0 … n·m of Mann and Whitney's U if nothing differs; read-only.

    U counts the pairs in which the first side's value, one of n, is the larger. By their recurrence (Mann &
    Whitney 1947): the largest of all n + m values is the first side's, and larger than all m others, with
    the probability n / (n + m). Only positive terms are added, so that even the rarest is exact.
    """
    shorter = [np.ones(1) for _ in range(m + 1)]  # [j]: of i - 1 values and j
    for i in range(1, n + 1):
        row = [np.ones(1)]
        for j in range(1, m + 1):
            probabilities = np.zeros(i * j + 1)
            probabilities[j:] += i / (i + j) * shorter[j]
            probabilities[: i * (j - 1) + 1] += j / (i + j) * row[j - 1]
            row.append(probabilities)
        shorter = row
    shorter[m].setflags(write=False)
    return shorter[m]
