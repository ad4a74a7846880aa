"""The fitted cost model and the break-even points → tables."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from benchmarks.analysis.break_even import BreakEven, break_evens
from benchmarks.analysis.cells import NO_FIGURE, in_unit
from benchmarks.analysis.columns import Column, explained, shown_columns
from benchmarks.analysis.cost_model import CostModel, Sweep, cost_models, sweeps_of
from benchmarks.cases.problems import placed_on
from benchmarks.records.row import Row
from benchmarks.records.run import Run
from benchmarks.report.tables.grid import Grid


def _n_epochs(row: Row) -> int:
    return row.agreement.n_steps // row.problem.n_batches if row.agreement else 0


def _training_s(row: Row, first_s: float | None) -> float | None:
    return first_s and first_s + (_n_epochs(row) - 1) * row.typical_s


IMPLEMENTATION = Column("implementation", is_text=True, value=lambda row: row.implementation)

MODEL = shown_columns(CostModel)

TARGET = (
    IMPLEMENTATION,
    Column("epochs", "epochs until the stopping rule holds", priority=1, value=_n_epochs),
    Column(
        "training",
        "time of all of them, without compilation",
        "s",
        value=lambda row: _n_epochs(row) * row.typical_s,
    ),
    Column(
        "with cold compilation",
        "time of the training with empty disk caches",
        "s",
        value=lambda row: row.costs and _training_s(row, row.costs.cold_first_call_s),
    ),
    Column(
        "with warm caches",
        "time of the training with the disk caches that an earlier process filled",
        "s",
        priority=2,
        value=lambda row: _training_s(row, row.first_call_s),
    ),
)

READING = f"""\
*Cost model*: the time of one step = fixed cost + cost per sample × batch size, fitted on the run's sweep over
batch sizes. {explained(MODEL[1:])} One call per epoch spreads its dispatch over the steps of the epoch.

*Time to target*, for a problem with a stopping rule. {explained(TARGET)}

*Break-even*: the number of epochs after which the training in the row has taken less time in total than the
one in the column, first calls included, with cold / warm disk caches; "1" means from the start. The column's
implementation is always the slower one after its first call; "—" means that this is not so."""


def cost_grids(run: Run) -> Iterator[Grid]:
    """Make every table of costs that the run allows."""
    for title, sweeps in _by_problem(sweeps_of(run.rows)):
        yield _sweep_grid(f"time per step by batch size, {title}", sweeps)
    models = sorted(cost_models(run.rows), key=lambda model: (_on(model), model.fixed_s))
    for title, group in _by_problem(models):
        yield Grid.of(f"cost model, {title}", MODEL, group)
    for title, rows in _with_target(run.rows).items():
        yield Grid.of(f"time to target, {title}", TARGET, rows)
    for title, pairs in _by_problem(break_evens(run.rows)):
        yield _break_even_grid(f"break-even, {title}", pairs)


def _by_problem(found: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    return ((on, list(group)) for on, group in groupby(found, key=_on))


def _on(of: Sweep | CostModel | BreakEven) -> str:
    place = of.place if isinstance(of, Sweep) else placed_on(of.device, of.n_cores, of.n_ranks)
    return f"{of.problem} on {place}"


def _sweep_grid(title: str, sweeps: Sequence[Sweep]) -> Grid:
    sizes = sorted({row.problem.batch_size for sweep in sweeps for row in sweep.rows})
    rows = []
    for sweep in sorted(sweeps, key=lambda sweep: sweep.rows[0].typical_s):
        step_s = {row.problem.batch_size: row.typical_s / row.problem.n_batches for row in sweep.rows}
        rows.append([sweep.rows[0].implementation, *(in_unit(step_s.get(size), "s") for size in sizes)])
    columns = [IMPLEMENTATION, *(Column(f"{size:,}", priority=1) for size in sizes)]
    return Grid(title=title, columns=columns, rows=rows)


def _with_target(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the timed rows of problems with a stopping rule, fastest first, by group."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in sorted((row for row in rows if row.is_timed), key=lambda row: row.typical_s):
        if row.problem.target_loss is not None:
            groups[row.group].append(row)
    return groups


def _break_even_grid(title: str, pairs: Sequence[BreakEven]) -> Grid:
    names = list(dict.fromkeys([pairs[0].faster, *(pair.slower for pair in pairs)]))  # fastest first
    cells = {(pair.faster, pair.slower): break_even_cell(pair) for pair in pairs}
    columns = [
        Column("beats", is_text=True),
        *(Column(name, priority=1) for name in names[1:]),
    ]
    rows = [[name, *(cells.get((name, slower), NO_FIGURE) for slower in names[1:])] for name in names[:-1]]
    return Grid(title=title, columns=columns, rows=rows)


def break_even_cell(pair: BreakEven) -> str:
    """Write the number of epochs with cold / warm disk caches."""
    return " / ".join(dict.fromkeys(map(in_unit, (pair.n_epochs_cold, pair.n_epochs_warm))))
