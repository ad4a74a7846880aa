"""What a measured run says of other sizes and lengths: the fitted cost model, and break-even points."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from math import fsum
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.cases.problems import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.records.row import Row
    from impls.contract import Device, Problem

MIN_BATCH_SIZES = 3
"""A line fits any two points, however badly it would fit a third."""


@dataclass(frozen=True, kw_only=True)
class CostModel:
    """Time per step = fixed_s + per_sample_s · batch_size, for one implementation, device and width.

    Each figure is the median over the rounds of the fit to that round's sweep; low and high are the smallest
    and the largest of these fits.
    """

    implementation: str
    device: Device
    n_cores: int
    problem: str  # the swept problem's name, its batch size left open
    n_features: int
    n_batches: int
    batch_sizes: tuple[int, ...]
    fixed_s: float
    fixed_low_s: float
    fixed_high_s: float
    per_sample_s: float
    per_sample_low_s: float
    per_sample_high_s: float
    max_misfit: float  # the largest relative difference of the model from a measured time, of either sign


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One implementation's rows over ascending batch sizes, all else alike."""

    problem: str  # its name, the batch size left open
    device: Device
    n_cores: int
    rows: tuple[Row, ...]

    @property
    def place(self) -> str:
        """Name the device and the cores: "cpu", "cpu, 2 cores"."""
        return self.rows[0].place


def sweeps_of(rows: Sequence[Row]) -> list[Sweep]:
    """Find the sweeps over batch sizes among the timed rows, by problem, device and cores."""
    found: dict[tuple[str, Device, int, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.is_timed and row.problem.last_batch_size is None:
            found[sweep_name(row.problem), row.device, row.n_cores, row.implementation].append(row)
    return [
        Sweep(
            problem=problem,
            device=device,
            n_cores=n_cores,
            rows=tuple(sorted(sweep, key=lambda row: row.problem.batch_size)),
        )
        for (problem, device, n_cores, _), sweep in sorted(found.items(), key=lambda item: item[0])
        if len(sweep) >= MIN_BATCH_SIZES
    ]


@lru_cache(maxsize=10_000)  # each table and picture of sweeps asks it of all rows
def sweep_name(problem: Problem) -> str:
    """Name the problem with its batch sizes left open."""
    return name_of(replace(problem, batch_size=1, last_batch_size=None)).replace("B1-", "", 1)


def cost_models(rows: Sequence[Row]) -> list[CostModel]:
    """Fit every sweep over batch sizes that the rows hold."""
    return [model for sweep in sweeps_of(rows) if (model := _fit(sweep)) is not None]


def _fit(sweep: Sweep) -> CostModel | None:
    rest = sweep.rows[0].problem
    sizes = [row.problem.batch_size for row in sweep.rows]
    by_round = [{p.round: p.median_s / rest.n_batches for p in row.processes} for row in sweep.rows]
    rounds = sorted(set.intersection(*(set(times) for times in by_round)))
    if not rounds:
        return None
    fixed, per_sample = zip(*(fit_line(sizes, [times[r] for times in by_round]) for r in rounds), strict=True)
    fixed_s, per_sample_s = median(fixed), median(per_sample)
    typical = [row.typical_s / rest.n_batches for row in sweep.rows]
    return CostModel(
        implementation=sweep.rows[0].implementation,
        device=sweep.device,
        n_cores=sweep.n_cores,
        problem=sweep.problem,
        n_features=rest.n_features,
        n_batches=rest.n_batches,
        batch_sizes=tuple(sizes),
        fixed_s=fixed_s,
        fixed_low_s=min(fixed),
        fixed_high_s=max(fixed),
        per_sample_s=per_sample_s,
        per_sample_low_s=min(per_sample),
        per_sample_high_s=max(per_sample),
        max_misfit=max(
            abs((fixed_s + per_sample_s * size) / time_s - 1)
            for size, time_s in zip(sizes, typical, strict=True)
        ),
    )


def fit_line(sizes: Sequence[float], times_s: Sequence[float]) -> tuple[float, float]:
    """Fit times = a + b · sizes with a, b ≥ 0, minimizing the squares of the relative errors; return a and b.

    Relative, because the times span decades: each point then counts alike. Where the best line has a negative
    a or b, that one is 0. By plain sums, not by a library's least squares: those differ in the last digit
    from one processor to another, and so would reports.
    """
    points = [
        (float(size), time_s, 1 / (time_s * time_s)) for size, time_s in zip(sizes, times_s, strict=True)
    ]
    total = fsum(weight for _, _, weight in points)
    size = fsum(weight * x for x, _, weight in points) / total
    time_s = fsum(weight * t for _, t, weight in points) / total
    slope = fsum(weight * (x - size) * (t - time_s) for x, t, weight in points) / fsum(
        weight * (x - size) * (x - size) for x, _, weight in points
    )
    if slope < 0:
        return time_s, 0.0
    if slope * size > time_s:
        return 0.0, fsum(weight * x * t for x, t, weight in points) / fsum(
            weight * x * x for x, _, weight in points
        )
    return time_s - slope * size, slope
