"""Runs → tables, on the terminal and in Markdown; every figure comes from the record."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from benchmarks.analysis.caveats import cpu_contention, doubts, reasons
from benchmarks.analysis.cells import (
    deviation_cell,
    interval_cell,
    memory_cell,
    ratio_cell,
    throughput_cell,
    time_cell,
)
from benchmarks.analysis.figures import figures_of
from benchmarks.records.caption import cores_per_case, machine, software
from benchmarks.records.row import Verdict
from benchmarks.report.tables.cost import cost_tables
from benchmarks.report.tables.markdown import from_rich, plain_in_markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console

    from benchmarks.analysis.figures import Figures
    from benchmarks.records.run import Run


READING = """\
Epoch time: *typical* is the median over the rounds of each process's median, *best* the fastest epoch of \
all. *vs NAME* is how many times faster than the baseline: the median over the rounds of the ratio of the \
two processes' fastest epochs, with its 95 % confidence interval (of 5 rounds 94 %, of fewer none). *vs \
floor* is how many times as long as the `native_floor`'s its epoch takes, compared in the same way. The \
first epoch of a problem in a process traces, compiles and runs: *cold* with empty disk caches (one \
process), *warm* with what an earlier process left in them (the median over the rounds). *Memory* is the \
process's peak, data included, above what it held once the framework was loaded; on a GPU, the peak of the \
framework's allocator. *Deviation* is the largest difference of any step's loss from the reference."""


def groups_of(run: Run) -> list[tuple[str, list[Figures]]]:
    """Give the rows that may be compared, fastest first, by title; but no group that nobody could measure."""
    ordered = sorted(figures_of(run), key=lambda figures: figures.group)
    groups = [(title, list(rows)) for title, rows in groupby(ordered, key=lambda figures: figures.group)]
    return [
        (title, sorted(rows, key=lambda figures: figures.typical_s or float("inf")))
        for title, rows in groups
        if any(figures.verdict != Verdict.NOT_MEASURED for figures in rows)
    ]


def caption(run: Run) -> str:
    """Say where, when and with what the run was measured."""
    at = run.provenance
    used = cores_per_case(row.n_cores for row in run.rows)
    parts = [*doubts(run), machine(at), used, software(at.versions, at.commit), at.date, _rounds(run)]
    return " · ".join(parts)


def _rounds(run: Run) -> str:
    asked = run.settings.rounds
    if not asked:
        return "no timed round"
    done = min((len(row.processes) for row in run.rows if row.is_timed), default=asked)
    if done == asked:
        return f"{asked} round{'s' * (asked != 1)}"
    why = "" if run.settings.interrupted else ": time was up (--max-time says how much there is)"
    return f"{done} of {asked} rounds{why}"


def row_table(
    rows: Sequence[Figures], *, box_: box.Box, plain: Callable[[str], str], title: str | None = None
) -> Table:
    """Lay a group's rows out; `plain` keeps text from being read as the medium's markup."""
    table = Table(title=title, box=box_, title_justify="left", title_style="bold")
    table.add_column("implementation", no_wrap=True)
    table.add_column("tier")
    versus = f"vs {rows[0].baseline}"
    numbers = (
        "typical",
        "best",
        "samples/s",
        versus,
        "95 %",
        "vs floor",
        "cold",
        "warm",
        "memory",
        "deviation",
    )
    for heading in numbers:
        table.add_column(plain(heading), justify="right")
    table.add_column("verdict", no_wrap=True)
    for figures in rows:
        table.add_row(*map(plain, _cells(figures)))
    return table


def _cells(of: Figures) -> list[str]:
    return [
        of.implementation,
        of.tier,
        time_cell(of.typical_s),
        time_cell(of.best_s),
        throughput_cell(of.samples_per_s),
        ratio_cell(of.speedup),
        interval_cell(of.speedup_low, of.speedup_high, of.speedup_coverage),
        ratio_cell(of.times_floor),
        time_cell(of.cold_s),
        time_cell(of.warm_s),
        memory_cell(of.memory_bytes),
        deviation_cell(of.deviation),
        of.verdict,
    ]


def print_run(run: Run, console: Console) -> None:
    """Print every table of the run, the reasons of rows without a time, and where it was measured."""
    for title, rows in groups_of(run):
        console.print(row_table(rows, box_=box.SIMPLE_HEAD, plain=escape, title=escape(title)))
    for title, costs in cost_tables(run, box=box.SIMPLE_HEAD, plain=escape):
        costs.title, costs.title_justify, costs.title_style = escape(title), "left", "bold"
        console.print(costs)
    for reason in [*reasons(run.rows), *cpu_contention(run.rows)]:
        console.print(reason, highlight=False, markup=False, soft_wrap=True)
    console.print(caption(run), highlight=False, markup=False, soft_wrap=True, style="dim")


def to_markdown(runs: Sequence[Run]) -> str:
    """Write the tables of all runs, in the order given."""
    return "\n".join(line for run in runs for line in _markdown_lines(run))


def _markdown_lines(run: Run) -> Iterator[str]:
    yield f"## Run of {run.provenance.date}\n"
    yield f"{plain_in_markdown(caption(run))}\n"
    for title, rows in groups_of(run):
        yield f"### {plain_in_markdown(title)}\n"
        yield from_rich(row_table(rows, box_=box.MARKDOWN, plain=plain_in_markdown))
    for title, costs in cost_tables(run, box=box.MARKDOWN, plain=plain_in_markdown):
        yield f"### {plain_in_markdown(title)}\n"
        yield from_rich(costs)
    for reason in [*reasons(run.rows), *cpu_contention(run.rows)]:
        yield f"- {plain_in_markdown(reason)}"
    yield ""
