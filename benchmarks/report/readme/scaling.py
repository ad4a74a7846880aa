"""What more ranks gain → a section of the results' README."""

from collections.abc import Iterator, Sequence

from benchmarks.records.run import Run
from benchmarks.report.tables.markdown import plain_in_markdown
from benchmarks.report.tables.scaling import READING, newest_scaling


def scaling(newest_first: Sequence[Run]) -> Iterator[str]:
    """Answer whether more ranks pay, from the newest run that has some."""
    if grids := newest_scaling(newest_first):
        yield f"### Do more ranks pay?\n\n{READING}\n"
    for grid in grids:
        yield f"{plain_in_markdown(grid.title)}:\n"
        yield grid.markdown()
