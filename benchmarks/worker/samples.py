"""The summary of one process's samples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MAX_KEPT = 100
"""Samples stored per process: thousands would add megabytes, not information (they are not independent)."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One process's samples, in seconds: figures computed from all of them, and a few to look at."""

    n_samples: int
    min_s: float
    q1_s: float
    median_s: float
    q3_s: float
    max_s: float
    mean_s: float  # no verdict about speed depends on it: a few slow epochs change it
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
