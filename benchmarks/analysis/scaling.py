"""A run's rows over ranks → what ranks gain on the same batches (strong), and on as many rows each (weak)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from benchmarks.analysis.columns import column
from benchmarks.analysis.cost_model import sweep_name
from benchmarks.analysis.figures import ratio_of
from benchmarks.cases.problems import name_of
from benchmarks.records.caption import cores
from benchmarks.records.process import paired_median_s
from benchmarks.records.row import Row
from benchmarks.records.run import Run
from impls.contract import Device, Problem

Place: TypeAlias = tuple[int, int]
"""A number of ranks, and the cores of each."""

Places: TypeAlias = Mapping[Place, Row]
ONE_CORE = (1, 1)

OF_EACH = "2×4 cores are two ranks of four cores each"


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.0%}"


@dataclass(frozen=True, kw_only=True)
class Strong:
    """An implementation on so many ranks, compared with fewer of them on the same batches."""

    problem: str = column("generated from the problem's fields; begins with its name if it has one")
    device: str = column("cpu or cuda")
    n_ranks: int = column("processes that train together, each on its rows of every batch")
    n_cores: int = column("CPUs of each rank")
    implementation: str = column(
        "name of the implementation's file; the run's baseline comes first, on one core",
        title="implementation",
    )
    on: str = column(f"cores of one process, or ranks; {OF_EACH}", title="on")
    epoch_s: float = column("typical time of an epoch, of the slowest rank", "s", title="epoch")
    over_one_core: float | None = column(
        "how many times faster than the implementation itself in one process on one core: typical epochs of "
        "the same rounds",
        "×",
        title="vs 1 core",
    )
    efficiency: float | None = column(
        "the same, divided by the number of all cores",
        title="efficiency",
        cell=lambda line: _percent(line.efficiency),
    )
    over_one_process: float | None = column(
        "how many times faster than one process of it on as many cores", "×", title="vs 1 process"
    )


@dataclass(frozen=True, kw_only=True)
class Weak:
    """An implementation on so many ranks, with as many rows for each as one core has alone."""

    problem: str = column("the problem's name, without its batch size")
    device: str = column("cpu or cuda")
    n_ranks: int = column("processes that train together")
    n_cores: int = column("CPUs of each rank")
    implementation: str = column("name of the implementation's file", title="implementation")
    on: str = column(f"the ranks; {OF_EACH}", title="on")
    rows_each: int = column("rows of a batch that each rank has", title="rows each")
    epoch_s: float = column("typical time of an epoch, of the slowest rank", "s", title="epoch")
    alone_s: float = column("the same on one rank, with its rows only", "s", title="on 1 rank")
    efficiency: float = column(
        "time on one rank over time on all: 100 % if the other ranks cost nothing",
        title="efficiency",
        cell=lambda line: _percent(line.efficiency),
    )


def strong_scaling(run: Run) -> Iterator[Strong]:
    """Compare the timed rows of each loop that ran over ranks and otherwise, by problem and device."""
    found: dict[tuple[Problem, Device], dict[str, dict[Place, Row]]] = defaultdict(lambda: defaultdict(dict))
    for row in run.rows:
        if row.is_timed:
            found[row.problem, row.device][row.implementation][row.n_ranks, row.n_cores] = row
    for loops in found.values():
        over_ranks = {
            name: places
            for name, places in loops.items()
            if len(places) > 1 and any(n_ranks > 1 for n_ranks, _ in places)
        }
        baseline = loops.get(run.settings.baseline, {}).get(ONE_CORE)
        if baseline and over_ranks and run.settings.baseline not in over_ranks:
            yield _strong(baseline, {ONE_CORE: baseline})
        for places in over_ranks.values():
            yield from (_strong(places[place], places) for place in sorted(places))


def _strong(row: Row, places: Places) -> Strong:
    over_one_core = _ratio(places.get(ONE_CORE), row)
    return Strong(
        problem=name_of(row.problem),
        device=row.device,
        n_ranks=row.n_ranks,
        n_cores=row.n_cores,
        implementation=row.implementation,
        on=_on(row),
        epoch_s=row.typical_s,
        over_one_core=over_one_core,
        efficiency=over_one_core and over_one_core / row.n_cores_in_all,
        over_one_process=_ratio(places.get((1, row.n_cores_in_all)), row),
    )


def _on(row: Row) -> str:
    """Name the cores of one process, or the ranks: "2 cores", "2 ranks", "2×4 cores"."""
    if row.n_ranks == 1:
        return cores(row.n_cores)
    return f"{row.n_ranks} ranks" if row.n_cores == 1 else f"{row.n_ranks}×{cores(row.n_cores)}"


def _ratio(baseline: Row | None, row: Row) -> float | None:
    """Compare typical times: over ranks, a sample is not an epoch but the mean of a training's."""
    ratio = ratio_of(baseline, row, paired_median_s)
    return None if ratio is None else ratio.value


def weak_scaling(run: Run) -> list[Weak]:
    """Compare each timed row over ranks with that of one rank whose batches have as many rows for each."""
    alone = {
        (row.problem, row.device, row.implementation, row.n_cores): row
        for row in run.rows
        if row.is_timed and row.n_ranks == 1
    }
    return [_weak(row, one) for row in run.rows for one in _counterpart(row, alone)]


def _counterpart(row: Row, alone: Mapping[tuple[Problem, Device, str, int], Row]) -> Iterator[Row]:
    if row.is_timed and row.n_ranks > 1 and row.problem.last_batch_size is None:
        share = replace(row.problem, batch_size=row.problem.batch_size // row.n_ranks)
        if one := alone.get((share, row.device, row.implementation, row.n_cores)):
            yield one


def _weak(row: Row, alone: Row) -> Weak:
    return Weak(
        problem=sweep_name(row.problem),
        device=row.device,
        n_ranks=row.n_ranks,
        n_cores=row.n_cores,
        implementation=row.implementation,
        on=_on(row),
        rows_each=alone.problem.batch_size,
        epoch_s=row.typical_s,
        alone_s=alone.typical_s,
        efficiency=alone.typical_s / row.typical_s,
    )
