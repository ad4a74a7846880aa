"""A column of a table: declared once, and written from there everywhere it is shown or explained."""

import types
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, Field, dataclass, field, fields, replace
from functools import cache, cached_property
from operator import attrgetter
from typing import Any, get_args, get_type_hints

from benchmarks.analysis.cells import in_unit


@dataclass(frozen=True)
class Column:
    """One column: what it means and how it is shown.

    Either a field of the class of a table's lines declares it, `typical_s: float = column("…", "s")`, or a
    table lists it, with the function that computes its value or its text from a line.
    """

    title: str = ""  # the heading in a table; empty: the column is only exported
    meaning: str = ""
    unit: str = ""
    _: KW_ONLY
    priority: int = 0  # 0: always shown; where room is scarce, the largest number gives way first
    if_known: bool = False  # a table leaves it out where no line has a value
    is_text: bool = False  # aligned to the left; a field is, if it holds a str
    value: Callable[[Any], Any] | None = None  # None: the field
    cell: Callable[[Any], str] | None = None  # None: the value in its unit
    name: str = ""
    kind: type = str  # str, int, float or bool
    optional: bool = False

    @cached_property
    def of(self) -> Callable[[Any], Any]:
        """Return the function that reads the column's value from a line of the table."""
        return self.value or attrgetter(self.name)

    def write(self, line: object) -> str:
        """Return the column's text in a line of the table."""
        return self.cell(line) if self.cell else in_unit(self.of(line), self.unit)


def column(meaning: str, unit: str = "", **more: Any) -> Any:  # noqa: ANN401 - as dataclasses.field: the annotation of the field gives its type
    """Declare a dataclass's field as a column; the arguments are those of `Column`."""
    return field(metadata={Column: Column(meaning=meaning, unit=unit, **more)})


@cache
def columns_of(line: type) -> tuple[Column, ...]:
    """Read the columns from the class of a table's lines: a dataclass in which each field declares one.

    Raises:
        TypeError: a field declares none.
    """
    hints = get_type_hints(line)
    return tuple(_column(each, hints[each.name]) for each in fields(line))


def _column(declared: Field[Any], hint: object) -> Column:
    if Column not in declared.metadata:
        message = f"{declared.name}: expected a field declared by column(…), found {declared.type}"
        raise TypeError(message)
    optional = isinstance(hint, types.UnionType)
    kind = next(each for each in get_args(hint) if each is not types.NoneType) if optional else hint
    kind = next((each for each in (int, float, bool) if each is kind), str)
    found: Column = declared.metadata[Column]
    return replace(found, name=declared.name, kind=kind, optional=optional, is_text=hint is str)


def shown_columns(line: type) -> list[Column]:
    """Return the columns that tables show."""
    return [column for column in columns_of(line) if column.title]


def explained(columns: Iterable[Column]) -> str:
    """Return what the columns mean, in Markdown: "*typical*: time of one epoch. *best*: …"."""
    return " ".join(f"*{column.title}*: {column.meaning}." for column in columns if column.meaning)
