"""Figures of one moment and figures of another → how far they are apart, by the rank-sum test."""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.stats import ROUNDING


def shift_interval(
    before: Sequence[float], after: Sequence[float], tail: float
) -> tuple[float, float, float, float]:
    """Return an estimate of the shift, its interval's ends with at most `tail` beyond each, and its coverage.

    The estimate is Hodges and Lehmann's, the interval the exact one of the rank-sum test (Hollander & Wolfe
    1999, section 4.3). With too few values for the tail, it is the differences' whole range; a tail of more
    than ½ counts as ½.

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
    """Return the probability of each value 0 … n·m of Mann and Whitney's U if nothing differs; read-only.

    U counts the pairs whose larger value is the first side's, which has n. The number of orders with U = u
    is the coefficient of q^u in the product over i = 1 … n of (1 - q^(m + i)) / (1 - q^i), the Gaussian
    binomial coefficient. In integers, so that even the rarest is exact.
    """
    n_orders = [1] + [0] * (n * m)  # [u]: the coefficient of q^u
    for i in range(1, n + 1):
        for u in range(n * m, m + i - 1, -1):
            n_orders[u] -= n_orders[u - m - i]
        for u in range(i, n * m + 1):
            n_orders[u] += n_orders[u - i]
    probabilities = np.array([each / math.comb(n + m, n) for each in n_orders])
    probabilities.setflags(write=False)
    return probabilities
