"""A trend → its change points: the runs at which the level of a case changes."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import UsageError
from benchmarks.stats import median_ratio
from benchmarks.track.trends import Point, Trend

MIN_RUNS = 3
"""Runs that a level must last: one outlier is no change."""

ENOUGH_RUNS = 2 * MIN_RUNS
"""Runs needed to look for a change: a level on either side."""

FALSE_ALARMS = 1e-3
"""Share of the trends without a change in which a change is reported."""

NOISE_FLOOR = 2e-3
"""The least noise that is assumed, because few runs may agree by chance; as the log of a ratio."""

OUTLIER = 3
"""Standard deviations from its neighbours' median at which a run is clipped."""

N_SIMULATED = 10_000

N_RUNS_SIMULATED = 200
"""With more runs the penalty is the same."""

MAD_OF_NORMAL = 0.6745
"""The median absolute deviation of the standard normal distribution."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """Consecutive runs without a change."""

    points: tuple[Point, ...]

    @property
    def ratio(self) -> float:
        """Return the median of the runs' ratios to the baseline."""
        return median_ratio([point.ratio.value for point in self.points])


@dataclass(frozen=True, kw_only=True)
class Change:
    """The end of one level and the begin of the next."""

    before: Level
    after: Level

    @property
    def factor(self) -> float:
        """Return how many times as long an epoch takes after the change."""
        return self.after.ratio / self.before.ratio


@dataclass(frozen=True, kw_only=True)
class Segmentation:
    """A trend, divided into levels."""

    trend: Trend
    levels: tuple[Level, ...]
    noise: float | None  # standard deviation from run to run, of the logarithm; None: too few runs

    @classmethod
    def of(cls, trend: Trend) -> Segmentation:
        """Find the levels.

        Raises:
            UsageError: ruptures is not installed.
        """
        points = trend.points
        log_ratios = np.log([point.ratio.value for point in points])
        starts = change_points(log_ratios)
        return cls(
            trend=trend,
            levels=tuple(
                Level(points=points[start:end])
                for start, end in zip((0, *starts), (*starts, len(points)), strict=True)
            ),
            noise=noise_of(log_ratios) if len(points) >= MIN_RUNS else None,
        )

    @property
    def changes(self) -> list[Change]:
        """Pair each level with the next."""
        return [Change(before=before, after=after) for before, after in pairwise(self.levels)]

    @property
    def visible_factor(self) -> float | None:
        """Return the change halfway through that is found half of the time; None: too few runs."""
        n_runs = len(self.trend.points)
        if self.noise is None or n_runs < ENOUGH_RUNS:
            return None
        weight = n_runs // 2 * -(-n_runs // 2) / n_runs  # of the squared change, at a cut in the middle
        return math.exp(self.noise * math.sqrt(gain_by_chance(n_runs) / weight))


def change_points(y: NDArray[np.float64]) -> list[int]:
    """Return the indices in y (n_runs,) at which a new level begins; empty below ENOUGH_RUNS runs.

    By PELT (Killick, Fearnhead & Eckley 2012, doi:10.1080/01621459.2012.737745): the levels that minimize the
    squared deviations from their means, plus a penalty for each change.

    Raises:
        UsageError: there are enough runs, and ruptures is not installed.
    """
    if len(y) < ENOUGH_RUNS:
        return []  # does not need ruptures, whose import takes three seconds
    try:
        import ruptures  # noqa: PLC0415 - part of an extra
    except ImportError as error:
        install = "with Python 3.13 or earlier, pip install 'perceptron-bench[report]'"
        message = f"finding change points needs ruptures ({error}): {install}"
        raise UsageError(message) from None
    # With the linear kernel the cost is the squared deviations, and PELT runs in C.
    finder = ruptures.KernelCPD(kernel="linear", min_size=MIN_RUNS).fit(_clipped(y))
    return [int(index) for index in finder.predict(pen=gain_by_chance(len(y)) * noise_of(y) ** 2)[:-1]]


def _clipped(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Clip outliers to near their neighbours: the squares would take two or three of them for a level.

    In noise with heavy tails (Student's t of 3 degrees, 80 runs) this reduces false alarms from 11 % to 1 %.
    """
    from scipy.ndimage import median_filter  # noqa: PLC0415 - slow to import, and `track add` needs none

    near = median_filter(y, size=2 * MIN_RUNS - 1, mode="nearest")  # keeps a level of MIN_RUNS as it is
    clipped: NDArray[np.float64] = np.clip(y, near - OUTLIER * noise_of(y), near + OUTLIER * noise_of(y))
    return clipped


def noise_of(y: NDArray[np.float64]) -> float:
    """Estimate the standard deviation of y (n_runs,) from run to run; a few changes hardly affect it.

    It comes from the median absolute first difference, which has √2 times the standard deviation of a run.
    """
    return max(NOISE_FLOOR, float(_noises(y[None, :])[0]))


def _noises(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimate it for each of y (n_series, n_runs)."""
    steps: NDArray[np.float64] = np.median(np.abs(np.diff(y)), axis=1)
    return steps / (MAD_OF_NORMAL * math.sqrt(2))


@functools.cache
def gain_by_chance(n_runs: int) -> float:
    """Compute how much better two levels fit than one by chance, in units of the squared estimated noise.

    This is the penalty of a change: the gain at the best cut that only FALSE_ALARMS of the series of so many
    runs exceed, simulated with independent normal noise. Unlike the usual multiples of log(n_runs), it
    accounts for the poor estimate of the noise from few runs: 98 for 6 runs, 31 for 30, about 20 from 100.
    """
    n = min(n_runs, N_RUNS_SIMULATED)
    y = np.random.default_rng(0).standard_normal((N_SIMULATED, n))
    sums = np.cumsum(y - y.mean(axis=1, keepdims=True), axis=1)[:, MIN_RUNS - 1 : n - MIN_RUNS]
    sizes = np.arange(MIN_RUNS, n - MIN_RUNS + 1)
    gains = sums**2 * n / (sizes * (n - sizes))  # by a cut after so many runs
    return float(np.quantile(gains.max(axis=1) / _noises(y) ** 2, 1 - FALSE_ALARMS))
