"""Runs → tables, on the terminal and in Markdown; every figure comes from the record."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby

from rich.console import Console

from benchmarks.analysis.caveats import doubts, reasons, remarks
from benchmarks.analysis.columns import Column, explained, shown_columns
from benchmarks.analysis.figures import Figures, figures_of
from benchmarks.records.caption import cores_per_case, machine, software
from benchmarks.records.row import Verdict
from benchmarks.records.run import Run
from benchmarks.report.tables.cost import cost_grids
from benchmarks.report.tables.grid import Grid
from benchmarks.report.tables.head_to_head import head_to_head_grids
from benchmarks.report.tables.markdown import plain_in_markdown
from benchmarks.report.tables.scaling import scaling_grids


def columns(baseline: str) -> list[Column]:
    """Return the columns of a group's table."""
    return [
        replace(column, title=column.title.format(baseline=baseline)) for column in shown_columns(Figures)
    ]


READING = explained(columns("NAME"))
"""What the columns mean, in Markdown."""


def groups_of(run: Run) -> list[tuple[str, list[Figures]]]:
    """Return each group's name and rows, fastest first; without groups that could not be measured."""
    ordered = sorted(figures_of(run), key=lambda figures: (figures.group, figures.typical_s or float("inf")))
    groups = [(name, list(rows)) for name, rows in groupby(ordered, key=lambda figures: figures.group)]
    return [(name, rows) for name, rows in groups if any(row.verdict != Verdict.NOT_MEASURED for row in rows)]


def caption(run: Run) -> str:
    """Describe where, when and with which software the run was measured."""
    at = run.provenance
    used = cores_per_case(row.n_cores_in_all for row in run.rows)
    texts = [*doubts(run), machine(at), used, software(at.versions, at.commit), at.date, _rounds(run)]
    if at.parts:
        texts.append(f"merged from {len(at.parts)} runs")
    return " · ".join(texts)


def _rounds(run: Run) -> str:
    asked = run.settings.rounds
    if not asked:
        return "no timed round"
    done = min((len(row.processes) for row in run.rows if row.is_timed), default=asked)
    if done == asked:
        return f"{asked} round{'s' * (asked != 1)}"
    why = "" if run.settings.interrupted else ": time was up (--max-time sets how much there is)"
    return f"{done} of {asked} rounds{why}"


def figures_grid(title: str, rows: Sequence[Figures]) -> Grid:
    """Make the table of a group's rows."""
    return Grid.of(title, columns(rows[0].baseline), rows)


def _grids(run: Run) -> Iterator[Grid]:
    tables = (figures_grid(*group) for group in groups_of(run))
    return chain(tables, scaling_grids(run), cost_grids(run), head_to_head_grids(run))


def _remarks(run: Run) -> list[str]:
    return [*reasons(run.rows), *remarks(run)]


def print_run(run: Run, console: Console) -> None:
    """Print every table of the run, the reasons of rows without a time, and where it was measured."""
    for grid in _grids(run):
        console.print(grid)
    for remark in _remarks(run):
        console.print(remark, highlight=False, markup=False, soft_wrap=True)
    console.print(caption(run), highlight=False, markup=False, soft_wrap=True, style="dim")


def to_markdown(runs: Sequence[Run]) -> str:
    """Write the tables of all runs, in the order given."""
    return "\n".join(line for run in runs for line in _markdown_lines(run))


def _markdown_lines(run: Run) -> Iterator[str]:
    yield f"## Run of {run.provenance.date}\n"
    yield f"{plain_in_markdown(caption(run))}\n"
    for grid in _grids(run):
        yield f"### {plain_in_markdown(grid.title)}\n"
        yield grid.markdown()
    yield from (f"- {plain_in_markdown(remark)}" for remark in _remarks(run))
    yield ""
