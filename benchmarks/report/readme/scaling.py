"""What more ranks gain → a section of the results' README."""

from collections.abc import Iterator, Sequence

from benchmarks.records.run import Run
from benchmarks.report.tables.markdown import plain_in_markdown
from benchmarks.report.tables.scaling import READING, scaling_grids


def scaling(newest_first: Sequence[Run]) -> Iterator[str]:
    """Answer whether more ranks pay, from the newest run that has some."""
    found = next((grids for run in newest_first if (grids := [*scaling_grids(run)])), [])
    if found:
        yield f"### Do more ranks pay?\n\n{READING}\n"
    for grid in found:
        yield f"{plain_in_markdown(grid.title)}:\n"
        yield grid.markdown()
