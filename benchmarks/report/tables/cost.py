"""The fitted cost model and the break-even points → tables."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING

from rich.table import Table

from benchmarks.analysis.break_even import break_evens
from benchmarks.analysis.cells import NO_FIGURE, si
from benchmarks.analysis.cost_model import cost_models, sweeps_of
from benchmarks.cases.problems import placed_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.box import Box

    from benchmarks.analysis.break_even import BreakEven
    from benchmarks.analysis.cost_model import CostModel, Sweep
    from benchmarks.records.row import Row
    from benchmarks.records.run import Run

READING = """\
*Cost model*: the time of one step is a fixed cost (dispatch) plus a cost per sample times the batch size, \
fitted on the run's sweep over batch sizes, once for each round: the median of the fits, and in brackets the \
smallest and the largest. One call per epoch has its dispatch spread over the N steps of the sweep's epoch. \
*Misfit* is the largest relative difference of the model from a measured time: \
where it is large, a line describes the sweep badly (a batch that outgrows a cache costs more per sample). \
*Time to target*: how long a training takes until its stopping rule holds, without compilation and with it. \
*Break-even*: after how many epochs the training in the row has taken less time than the one in the column, \
first calls included, with cold / warm disk caches; "1" is from the start. The column's is always the slower \
one once compiled; "—" stands where that is not so."""


def cost_tables(run: Run, *, box: Box, plain: Callable[[str], str]) -> Iterator[tuple[str, Table]]:
    """Give every table that the run allows, with its title; `plain` is as for `row_table`."""
    for on, sweeps in groupby(sweeps_of(run.rows), key=_on):
        yield f"time per step by batch size, {on}", _sweep_table(list(sweeps), box, plain)
    models = sorted(cost_models(run.rows), key=lambda model: (_on(model), model.fixed_s))
    for on, group in groupby(models, key=_on):
        yield f"cost model, {on}", _model_table(list(group), box, plain)
    for title, group_rows in _with_target(run.rows).items():
        yield f"time to target, {title}", _target_table(group_rows, box, plain)
    for on, pairs in groupby(break_evens(run.rows), key=_on):
        yield f"break-even, {on}", _break_even_table(list(pairs), box, plain)


def _on(of: Sweep | CostModel | BreakEven) -> str:
    return f"{of.problem} on {placed_on(of.device, of.n_cores)}"


def _sweep_table(sweeps: Sequence[Sweep], box: Box, plain: Callable[[str], str]) -> Table:
    sizes = sorted({row.problem.batch_size for sweep in sweeps for row in sweep.rows})
    table = Table(box=box)
    table.add_column("implementation", no_wrap=True)
    for size in sizes:
        table.add_column(f"{size:,}", justify="right")
    for sweep in sorted(sweeps, key=lambda sweep: sweep.rows[0].typical_s):
        step_s = {row.problem.batch_size: row.typical_s / row.problem.n_batches for row in sweep.rows}
        cells = (si(step_s[size], "s") if size in step_s else NO_FIGURE for size in sizes)
        table.add_row(plain(sweep.rows[0].implementation), *cells)
    return table


def _model_table(models: Sequence[CostModel], box: Box, plain: Callable[[str], str]) -> Table:
    table = Table(box=box)
    table.add_column("implementation", no_wrap=True)
    for heading in ("fixed cost per step", "cost per sample", "misfit", "batch sizes"):
        table.add_column(heading, justify="right")
    for model in models:
        table.add_row(
            plain(model.implementation),
            f"{si(model.fixed_s, 's')} ({si(model.fixed_low_s, 's')} to {si(model.fixed_high_s, 's')})",
            f"{si(model.per_sample_s, 's')} "
            f"({si(model.per_sample_low_s, 's')} to {si(model.per_sample_high_s, 's')})",
            f"{model.max_misfit:.0%}",
            f"{model.batch_sizes[0]:,} to {model.batch_sizes[-1]:,}",
        )
    return table


def _with_target(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Give the timed rows of problems with a stopping rule, fastest first, by group."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in sorted((row for row in rows if row.is_timed), key=lambda row: row.typical_s):
        if row.problem.target_loss is not None:
            groups[row.group].append(row)
    return groups


def _target_table(rows: Sequence[Row], box: Box, plain: Callable[[str], str]) -> Table:
    table = Table(box=box)
    table.add_column("implementation", no_wrap=True)
    for heading in ("epochs", "training", "with cold compilation", "with warm caches"):
        table.add_column(heading, justify="right")
    for row in rows:
        n_epochs = row.agreement.n_steps // row.problem.n_batches if row.agreement else 0
        later_s = (n_epochs - 1) * row.typical_s
        table.add_row(
            plain(row.implementation),
            f"{n_epochs:,}",
            si(n_epochs * row.typical_s, "s"),
            si(row.costs.cold_first_call_s + later_s, "s") if row.costs else NO_FIGURE,
            si(row.first_call_s + later_s, "s"),
        )
    return table


def _break_even_table(pairs: Sequence[BreakEven], box: Box, plain: Callable[[str], str]) -> Table:
    names = list(dict.fromkeys([pairs[0].faster, *(pair.slower for pair in pairs)]))  # fastest first
    found = {(pair.faster, pair.slower): pair for pair in pairs}
    table = Table(box=box)
    table.add_column("beats", no_wrap=True)
    for name in names[1:]:
        table.add_column(plain(name), justify="right")
    for faster in names[:-1]:
        cells = (found.get((faster, slower)) for slower in names[1:])
        table.add_row(plain(faster), *(break_even_cell(pair) if pair else NO_FIGURE for pair in cells))
    return table


def break_even_cell(pair: BreakEven) -> str:
    """Write from how many epochs on, with cold / warm disk caches."""
    both = [NO_FIGURE if n is None else f"{n:,}" for n in (pair.n_epochs_cold, pair.n_epochs_warm)]
    return " / ".join(dict.fromkeys(both))
