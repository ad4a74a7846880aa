"""Samples → one process's summary; summaries of several rounds → estimates, and ratios with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_KEPT = 100
"""Samples stored per process: thousands would add megabytes and no information (they are not independent)."""

CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One process's samples: figures computed from all of them, and a few to look at. In seconds."""

    n_samples: int
    min_s: float
    q1_s: float
    median_s: float
    q3_s: float
    max_s: float
    mean_s: float  # nothing here is judged by it; other tools do
    kept_s: tuple[float, ...]  # ascending, at most MAX_KEPT, evenly spaced in rank from min to max


def summarize(samples_s: Sequence[float]) -> Summary:
    """Summarize at least one sample.

    Raises:
        ValueError: there is none.

    """
    if not samples_s:
        message = "expected at least one sample, found none"
        raise ValueError(message)
    ordered = np.sort(np.asarray(samples_s))
    q1_s, median_s, q3_s = np.quantile(ordered, (0.25, 0.5, 0.75))
    ranks = np.linspace(0, len(ordered) - 1, min(MAX_KEPT, len(ordered))).round().astype(int)
    return Summary(
        n_samples=len(ordered),
        min_s=float(ordered[0]),
        q1_s=float(q1_s),
        median_s=float(median_s),
        q3_s=float(q3_s),
        max_s=float(ordered[-1]),
        mean_s=float(ordered.mean()),
        kept_s=tuple(ordered[ranks].round(10).tolist()),
    )


@dataclass(frozen=True)
class Ratio:
    """A ratio and, where there were rounds enough, its 95 % confidence interval."""

    value: float
    low: float | None = None
    high: float | None = None


def speedup(baseline_min_s: Sequence[float], min_s: Sequence[float]) -> Ratio:
    """Say how many times faster than the baseline, from both sides' fastest epochs in the same rounds.

    The median of the paired log-ratios. The interval is the distribution-free one of order statistics
    (Conover 1999, section 3.2, as scipy.stats.quantile_test computes it); with fewer than 6 rounds no
    interval reaches 95 %, and none is given.

    Raises:
        ValueError: the two don't pair up, or there is no pair.

    """
    log_ratios = np.log(baseline_min_s) - np.log(np.asarray(min_s))  # the sequences' lengths must match
    if not log_ratios.size:
        message = "expected at least one round in which both ran, found none"
        raise ValueError(message)
    value = float(np.exp(np.median(log_ratios)))
    # SciPy takes a second to import, and the worker, which needs summarize alone, starts many times.
    from scipy.stats import quantile_test  # noqa: PLC0415

    test = quantile_test(log_ratios, q=float(np.median(log_ratios)), p=0.5)
    low, high = np.exp(np.asarray(test.confidence_interval(CONFIDENCE))).tolist()
    return Ratio(value) if np.isnan(low) or np.isnan(high) else Ratio(value, low, high)


def shift_interval(
    before: Sequence[float], after: Sequence[float], tail: float
) -> tuple[float, float, float, float]:
    """Estimate a shift: give the estimate, its interval's ends with at most `tail` beyond each, its coverage.

    The estimate is Hodges and Lehmann's, the interval the exact one of the rank-sum test (Hollander & Wolfe
    1999, section 4.3). Where there are too few values for the tail, it is the differences' whole range.

    Raises:
        ValueError: one side is empty.

    """
    differences = np.sort(np.subtract.outer(np.asarray(after), np.asarray(before)), axis=None)
    if not differences.size:
        message = "expected at least one value on either side, found none"
        raise ValueError(message)
    cumulative = np.cumsum(rank_sum_distribution(len(before), len(after)))
    rank = max(1, int(np.searchsorted(cumulative, tail, side="right")))  # from either end
    low, high = differences[rank - 1], differences[-rank]
    return float(np.median(differences)), float(low), float(high), float(1 - 2 * cumulative[rank - 1])


def rank_sum_distribution(n: int, m: int) -> NDArray[np.float64]:
    """Give the probability of each value 0 … n·m of Mann and Whitney's U if nothing differs.

    The coefficients of the Gaussian binomial (Mann & Whitney 1947), by multiplying and dividing polynomials.
    """
    counts = np.array([1.0])
    for i in range(1, m + 1):
        factor = np.zeros(n + i + 1)
        factor[0], factor[-1] = 1, -1
        divisor = np.zeros(i + 1)
        divisor[0], divisor[-1] = 1, -1
        counts = np.polydiv(np.polymul(counts, factor), divisor)[0].round()
    probabilities: NDArray[np.float64] = counts / counts.sum()
    return probabilities
