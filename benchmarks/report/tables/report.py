"""Runs → pages: every table on the terminal and in Markdown; every figure comes from the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape

from benchmarks.analysis.caveats import reasons, starved
from benchmarks.report.tables.cost import cost_tables
from benchmarks.report.tables.markdown import from_rich, plain_in_markdown
from benchmarks.report.tables.run import caption, groups_of, row_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from benchmarks.records.run import Run


def print_run(run: Run, console: Console) -> None:
    """Print every table of the run, the reasons of rows without a time, and where it was measured."""
    for title, rows in groups_of(run):
        console.print(row_table(rows, box_=box.SIMPLE_HEAD, plain=escape, title=escape(title)))
    for title, costs in cost_tables(run, box=box.SIMPLE_HEAD, plain=escape):
        costs.title, costs.title_justify, costs.title_style = escape(title), "left", "bold"
        console.print(costs)
    for reason in [*reasons(run.rows), *starved(run.rows)]:
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
    for reason in [*reasons(run.rows), *starved(run.rows)]:
        yield f"- {plain_in_markdown(reason)}"
    yield ""
