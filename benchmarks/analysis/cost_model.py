"""A run's sweeps over batch sizes → the fitted cost model: the time of one step at other batch sizes."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import fsum
from statistics import median

from benchmarks.analysis.cells import si
from benchmarks.analysis.columns import column
from benchmarks.cases.problems import name_of
from benchmarks.records.row import Row
from impls.contract import Problem

MIN_BATCH_SIZES = 3
"""A straight line fits any two points."""


@dataclass(frozen=True, kw_only=True)
class CostModel:
    """The time of one step = fixed_s + per_sample_s · batch size, for one implementation, device and width.

    Each figure is the median of the fits to each round's sweep; low and high are the smallest and the largest
    of these fits.
    """

    implementation: str = column("name of the implementation's file", title="implementation")
    device: str = column("cpu or cuda")
    n_cores: int = column("CPUs that each of its processes was kept to")
    n_ranks: int = column("processes that trained together")
    problem: str = column("the swept problem's name, without its batch size")
    n_features: int = column("D: width of one sample")
    n_batches: int = column("N: steps in one epoch")
    fixed_s: float = column(
        "dispatch, which does not depend on the batch size; each round has a fit: the median of the fits, "
        "with the smallest and the largest in brackets",
        "s",
        title="fixed cost per step",
        cell=lambda model: _with_range(model.fixed_s, model.fixed_low_s, model.fixed_high_s),
    )
    fixed_low_s: float = column("the smallest fit", "s")
    fixed_high_s: float = column("the largest fit", "s")
    per_sample_s: float = column(
        "what a step takes for each sample of its batch, likewise",
        "s",
        title="cost per sample",
        cell=lambda model: _with_range(model.per_sample_s, model.per_sample_low_s, model.per_sample_high_s),
    )
    per_sample_low_s: float = column("the smallest fit", "s")
    per_sample_high_s: float = column("the largest fit", "s")
    max_misfit: float = column(
        "largest relative difference between the model and a measured time; if it is large, a straight line "
        "describes the sweep badly, for example because a batch does not fit into a cache",
        title="misfit",
        priority=1,
        cell=lambda model: f"{model.max_misfit:.0%}",
    )
    batch_sizes: tuple[int, ...] = column(
        "those of the sweep, ascending",
        title="batch sizes",
        priority=2,
        value=lambda model: " ".join(map(str, model.batch_sizes)),
        cell=lambda model: f"{model.batch_sizes[0]:,} to {model.batch_sizes[-1]:,}",
    )


def _with_range(value: float, low: float, high: float) -> str:
    return f"{si(value, 's')} ({si(low, 's')} to {si(high, 's')})"


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """One implementation's rows over ascending batch sizes; everything else is the same."""

    problem: str  # its name, without the batch size
    place: str  # the device, the ranks and the cores: "cpu", "cpu, 2 ranks", "cpu, 2 cores"
    rows: tuple[Row, ...]


def sweeps_of(rows: Sequence[Row]) -> list[Sweep]:
    """Find the sweeps over batch sizes among the timed rows, by problem, device, ranks and cores."""
    found: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.is_timed and row.problem.last_batch_size is None:
            found[sweep_name(row.problem), row.place, row.implementation].append(row)
    return [
        Sweep(problem=problem, place=place, rows=tuple(sorted(rows, key=lambda row: row.problem.batch_size)))
        for (problem, place, _), rows in sorted(found.items(), key=lambda item: item[0])
        if len(rows) >= MIN_BATCH_SIZES
    ]


@lru_cache(maxsize=10_000)  # every table and plot of sweeps needs it for all rows
def sweep_name(problem: Problem) -> str:
    """Return the problem's name without its batch sizes."""
    return name_of(replace(problem, batch_size=1, last_batch_size=None)).replace("B1-", "", 1)


def cost_models(rows: Sequence[Row]) -> list[CostModel]:
    """Fit every sweep over batch sizes among the rows."""
    return [model for sweep in sweeps_of(rows) if (model := _fit(sweep)) is not None]


def _fit(sweep: Sweep) -> CostModel | None:
    first, rest = sweep.rows[0], sweep.rows[0].problem
    step_s = {row.problem.batch_size: row.typical_s / rest.n_batches for row in sweep.rows}
    sizes = list(step_s)
    by_round = [{p.round: p.median_s / rest.n_batches for p in row.processes} for row in sweep.rows]
    rounds = sorted(set.intersection(*(set(times) for times in by_round)))
    if not rounds:
        return None
    fixed, per_sample = zip(*(fit_line(sizes, [times[r] for times in by_round]) for r in rounds), strict=True)
    fixed_s, per_sample_s = median(fixed), median(per_sample)
    return CostModel(
        implementation=first.implementation,
        device=first.device,
        n_cores=first.n_cores,
        n_ranks=first.n_ranks,
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
        max_misfit=max(abs((fixed_s + per_sample_s * size) / step_s[size] - 1) for size in sizes),
    )


def fit_line(sizes: Sequence[float], times_s: Sequence[float]) -> tuple[float, float]:
    """Fit times = a + b · sizes with a, b ≥ 0, minimizing the squares of the relative errors; return a and b.

    The errors are relative because the times span decades. If the best line has a negative a or b, it becomes
    0. The sums are plain: a library's least squares differ in the last digit between processors, and then
    reports would differ too.
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
