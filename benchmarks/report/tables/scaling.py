"""What more ranks gain → tables."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from benchmarks.analysis.columns import explained, shown_columns
from benchmarks.analysis.scaling import Strong, Weak, strong_scaling, weak_scaling
from benchmarks.records.run import Run
from benchmarks.report.tables.grid import Grid

STRONG, WEAK = shown_columns(Strong), shown_columns(Weak)

READING = f"""\
*Strong scaling*: the ranks share the same batches. {explained(STRONG)}

*Weak scaling*: the batch grows with the ranks. {explained(WEAK[1:])}"""


def scaling_grids(run: Run) -> Iterator[Grid]:
    """Make every table of ranks that the run allows, by problem and device."""
    for on, strong in groupby(sorted(strong_scaling(run), key=_on), _on):
        yield Grid.of(f"strong scaling, {on}", STRONG, strong)
    for on, weak in groupby(sorted(weak_scaling(run), key=_on), _on):
        yield Grid.of(f"weak scaling, {on}", WEAK, weak)


def newest_scaling(newest_first: Sequence[Run]) -> list[Grid]:
    """Return the tables of the newest run that has some."""
    return next((grids for run in newest_first if (grids := [*scaling_grids(run)])), [])


def _on(line: Strong | Weak) -> str:
    return f"{line.problem} on {line.device}"
