"""What a measured run says of other sizes and lengths: the fitted cost model, and break-even points."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.problems import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike

    from benchmarks.record import Row
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
    rows: tuple[Row, ...]


def sweeps_of(rows: Sequence[Row]) -> list[Sweep]:
    """Find the sweeps over batch sizes among the timed rows, by problem and device."""
    found: dict[tuple[str, Device, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.is_timed and row.problem.last_batch_size is None:
            found[sweep_name(row.problem), row.device, row.implementation].append(row)
    return [
        Sweep(
            problem=problem,
            device=device,
            rows=tuple(sorted(sweep, key=lambda row: row.problem.batch_size)),
        )
        for (problem, device, _), sweep in sorted(found.items(), key=lambda item: item[0])
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
    sizes = np.array([row.problem.batch_size for row in sweep.rows], dtype=float)
    by_round = [{p.round: p.median_s / rest.n_batches for p in row.processes} for row in sweep.rows]
    rounds = sorted(set.intersection(*(set(times) for times in by_round)))
    if not rounds:
        return None
    fits = np.array([fit_line(sizes, np.array([times[r] for times in by_round])) for r in rounds])
    fixed_s, per_sample_s = np.median(fits, axis=0)
    typical = np.array([row.typical_s / rest.n_batches for row in sweep.rows])
    return CostModel(
        implementation=sweep.rows[0].implementation,
        device=sweep.device,
        problem=sweep.problem,
        n_features=rest.n_features,
        n_batches=rest.n_batches,
        batch_sizes=tuple(int(size) for size in sizes),
        fixed_s=float(fixed_s),
        fixed_low_s=float(fits[:, 0].min()),
        fixed_high_s=float(fits[:, 0].max()),
        per_sample_s=float(per_sample_s),
        per_sample_low_s=float(fits[:, 1].min()),
        per_sample_high_s=float(fits[:, 1].max()),
        max_misfit=float(np.abs((fixed_s + per_sample_s * sizes) / typical - 1).max()),
    )


def fit_line(sizes: ArrayLike, times_s: ArrayLike) -> tuple[float, float]:
    """Fit times = a + b · sizes with a, b ≥ 0, minimizing the squares of the relative errors.

    Relative, because the times span decades: each point then counts alike. Lawson & Hanson's non-negative
    least squares, as scipy.optimize.nnls has it.
    """
    # SciPy takes a second to import, and only a run with a sweep needs it.
    from scipy.optimize import nnls  # noqa: PLC0415 - a second to import

    x, t = np.asarray(sizes, float), np.asarray(times_s, float)
    scale = np.array([1.0, x.max()])  # both columns of a like size
    (a, b), _ = nnls(np.column_stack([np.ones_like(x), x / scale[1]]) / t[:, None], np.ones_like(t))
    return float(a), float(b / scale[1])


@dataclass(frozen=True, kw_only=True)
class BreakEven:
    """The faster implementation costs more at first; from so many epochs on, its training takes less time."""

    problem: str
    device: Device
    faster: str
    slower: str
    n_epochs_cold: int | None  # with empty disk caches; None: never, or not known
    n_epochs_warm: int | None  # with warm ones; None: never


def break_evens(rows: Sequence[Row]) -> list[BreakEven]:
    """Compare each two implementations of a group."""
    groups: dict[tuple[Problem, Device], list[Row]] = defaultdict(list)
    for row in rows:
        if row.is_timed:
            groups[row.problem, row.device].append(row)
    return [
        pair for group in groups.values() for pair in _pairs(sorted(group, key=lambda row: row.typical_s))
    ]


def _pairs(fastest_first: Sequence[Row]) -> Iterator[BreakEven]:
    typical_s = [row.typical_s for row in fastest_first]  # medians: of each row once
    first_s = [row.first_call_s for row in fastest_first]
    for i, faster in enumerate(fastest_first):
        for j, slower in enumerate(fastest_first[i + 1 :], i + 1):
            cold = None
            if faster.costs and slower.costs:
                cold = n_epochs_to_win(
                    (faster.costs.cold_first_call_s, typical_s[i]),
                    (slower.costs.cold_first_call_s, typical_s[j]),
                )
            yield BreakEven(
                problem=name_of(faster.problem),
                device=faster.device,
                faster=faster.implementation,
                slower=slower.implementation,
                n_epochs_cold=cold,
                n_epochs_warm=n_epochs_to_win((first_s[i], typical_s[i]), (first_s[j], typical_s[j])),
            )


def n_epochs_to_win(faster: tuple[float, float], slower: tuple[float, float]) -> int | None:
    """Give the number of epochs from which `faster` has the smaller total; each is (first call, epoch) in s.

    None where that never comes.

    n epochs take first + (n - 1) · epoch, since the first call is an epoch too.
    """
    (first_faster, epoch_faster), (first_slower, epoch_slower) = faster, slower
    if first_faster < first_slower:
        return 1
    if epoch_faster == epoch_slower:
        return None
    return int(np.floor((first_faster - first_slower) / (epoch_slower - epoch_faster))) + 2
