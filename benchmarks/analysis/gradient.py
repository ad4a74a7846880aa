"""Who derives a row's gradient, and which rows have one that is written out by hand."""

from collections.abc import Iterable
from functools import cache

from benchmarks.cases.implementations import (
    BY_FRAMEWORK,
    REMOVED,
    ImplementationFile,
    discover,
    is_by_hand,
)
from benchmarks.records.row import Row

YARDSTICK = "numpy"
"""The framework of NumPy's loop and of the floor, which only serve for comparison."""


def gradient_of(row: Row) -> str:
    """Return who derives the gradient; not recorded: as the implementation's file declares it today."""
    if row.gradient:
        return row.gradient
    today = declared().get(row.implementation)
    return today.gradient if today else REMOVED.get(row.implementation, BY_FRAMEWORK)


@cache  # reading all files takes half a second
def declared() -> dict[str, ImplementationFile]:
    """Return the implementations by name, as their files are today."""
    return discover()


def by_hand(rows: Iterable[Row]) -> str:
    """Return "the gradient of A and B is derived by hand"; "" if that is true of no row.

    NumPy's loop and the floor are not named: they have no framework that could derive it.
    """
    of_frameworks = (row for row in rows if row.framework != YARDSTICK)
    names = {row.implementation for row in of_frameworks if is_by_hand(gradient_of(row))}
    listed = " and ".join(sorted(names))
    return listed and f"the gradient of {listed} is derived by hand"
