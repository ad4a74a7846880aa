"""Samples → one process's summary; summaries of several rounds → estimates, and ratios with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

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
