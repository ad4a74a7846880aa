"""What a table's columns are: named, typed and explained in one place, the class of its lines."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Annotated, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Column:
    """What a field means, and its unit: stands in its annotation, `Annotated[float, Told("…", "s")]`."""

    meaning: str
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class NamedColumn:
    """One column of a table."""

    name: str
    kind: type  # str, int, float or bool
    optional: bool
    unit: str
    meaning: str


def columns_of(line: type) -> list[NamedColumn]:
    """Read the columns from the class of a table's lines, whose every field is explained by a `Told`.

    Raises:
        TypeError: a field is not.

    """
    hints = get_type_hints(line, include_extras=True)
    return [_column(name, hint) for name, hint in hints.items()]


def _column(name: str, hint: object) -> NamedColumn:
    if get_origin(hint) is not Annotated:
        message = f"{name}: expected Annotated[type, Told(…)], found {hint}"
        raise TypeError(message)
    type_, told = get_args(hint)
    optional = isinstance(type_, types.UnionType)
    kind = next(each for each in get_args(type_) if each is not types.NoneType) if optional else type_
    return NamedColumn(name=name, kind=kind, optional=optional, unit=told.unit, meaning=told.meaning)
