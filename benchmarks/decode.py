"""JSON's types → dataclasses: the annotations of a class declare all that it can hold.

A field is a text, a number, a bool, a Literal or an Enum of texts, a dataclass, a NamedTuple (a list in JSON)
or a list, tuple or dict of these, and `| None` where JSON may have null. `Annotated[float, Within(0, 1)]` has
bounds; a plain `float` is any finite number, a plain `int` one of 64 bits. A rule between fields is the
`__post_init__` of the class, which raises a ValueError.

A field that is missing takes its default, which therefore means "not recorded" and never "passed"; without a
default it is refused. Unknown fields are ignored, so that adding one changes no version.

A report reads hundreds of thousands of values, so each class is compiled once, to nested closures. msgspec
and pydantic do the same, but a worker runs in any Python that has NumPy and a framework.
"""

from __future__ import annotations

import reprlib
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache, partial
from itertools import repeat
from operator import call
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

T = TypeVar("T")
Json: TypeAlias = Any
"""What `json.loads` returns."""

Reader: TypeAlias = Callable[[Json], Any]
"""Reads a value as it is declared, or raises a MisfitError."""


class Within(NamedTuple):
    """The bounds of a number, both included."""

    least: float
    most: float


FINITE = Within(-sys.float_info.max, sys.float_info.max)
SIXTY_FOUR_BITS = Within(-(2**63), 2**63 - 1)
BOUNDS = {float: FINITE, int: SIXTY_FOUR_BITS}
"""Where a declaration has none: the values that other programs can hold, too."""

AnyFloat: TypeAlias = Annotated[float, None]
"""NaN and the infinities, too: for messages between our own processes."""


class MisfitError(ValueError):
    """A value that its declaration does not allow; it knows the value's place."""

    path = ""  # to the value: ".rows[3].processes[0].min_s"

    @classmethod
    def of(cls, expected: str, found: Json) -> MisfitError:
        """Describe a value, abbreviated where it is long."""
        return cls(f"expected {expected}, found {reprlib.repr(found)}")

    def __str__(self) -> str:
        """Name the place, unless the value is the whole."""
        message = super().__str__()
        return f"{self.path.removeprefix('.')}: {message}" if self.path else message


class _Nothing:
    def __repr__(self) -> str:
        return "nothing"


NOTHING = _Nothing()
"""In place of a field that is missing."""


def decode(kind: type[T], value: Json) -> T:
    """Read a value as this kind declares it.

    Raises:
        ValueError: it does not fit; the message names the place, what was expected and what was found.
    """
    return cast("T", _reader(cast("Any", kind))(value))


@cache
def _reader(kind: Any) -> Reader:  # noqa: ANN401 - a class or a generic alias: typing has no type for both
    if origin := get_origin(kind):
        return READERS[origin](*get_args(kind))
    if kind in LEAVES:
        return _leaf(kind, BOUNDS.get(kind))
    if is_dataclass(kind):
        return _object(kind)
    if issubclass(kind, StrEnum):
        return _choice(*kind)
    return _sequence(kind._make, *get_type_hints(kind, include_extras=True).values())


LEAVES: dict[type, tuple[str, tuple[type, ...]]] = {
    str: ("a text", (str,)),
    bool: ("true or false", (bool,)),
    int: ("a whole number", (int,)),
    float: ("a number", (float, int)),  # as PEP 484 has it
    dict: ("an object", (dict,)),
}


def _leaf(kind: type, bounds: Within | None = None) -> Reader:
    expected, types = LEAVES[kind]
    least, most = bounds or FINITE
    if bounds not in (None, *BOUNDS.values()):
        expected += f" from {least:g} to {most:g}"

    def read(value: Json) -> Json:
        if type(value) in types and (bounds is None or least <= value <= most):
            return value
        raise MisfitError.of(expected, value)

    return read


def _choice(*texts: str) -> Reader:
    members = {str(each): each for each in texts}
    expected = " or ".join(map(repr, members))

    def read(value: Json) -> str:
        if type(value) is str and value in members:
            return members[value]
        raise MisfitError.of(expected, value)

    return read


def _optional(*kinds: object) -> Reader:
    (read_present,) = (_reader(kind) for kind in kinds if kind is not NoneType)
    return lambda value: None if value is None else read_present(value)


def _mapping(*kinds: object) -> Reader:
    read_key, read_item = map(_reader, kinds)
    as_object = _leaf(dict)

    def read(value: Json) -> dict[Any, Any]:
        found = {}
        for key, item in as_object(value).items():
            try:
                found[read_key(key)] = read_item(item)
            except MisfitError as misfit:
                misfit.path = f"[{reprlib.repr(key)}]{misfit.path}"
                raise
        return found

    return read


def _sequence(make: Callable[[list[Any]], Any], *kinds: object) -> Reader:
    """Read a list: of any length (`list[X]`, `tuple[X, ...]`), or of one value of each kind."""
    n_items = None if make is list or ... in kinds else len(kinds)
    reads = repeat(_reader(kinds[0])) if n_items is None else [*map(_reader, kinds)]
    expected = "a list" if n_items is None else f"a list of {n_items}"

    def read(value: Json) -> object:
        if type(value) is not list or n_items not in (None, len(value)):
            raise MisfitError.of(expected, value)
        items: list[Any] = []
        try:
            items.extend(map(call, reads, value))
        except MisfitError as misfit:
            misfit.path = f"[{len(items)}]{misfit.path}"
            raise
        return make(items)

    return read


def _object(kind: Any) -> Reader:  # noqa: ANN401 - a dataclass: typing has no public type for any of them
    hints = get_type_hints(kind, include_extras=True)
    declared = [
        (field.name, _reader(hints[field.name]), field.default is field.default_factory is MISSING)
        for field in fields(kind)
    ]
    as_object = _leaf(dict)

    def read(value: Json) -> object:
        if type(value) is kind:  # read before, and shared by several objects
            return value
        found, known = as_object(value), {}
        for name, read_field, is_required in declared:
            if is_required or name in found:
                try:
                    known[name] = read_field(found.get(name, NOTHING))
                except MisfitError as misfit:
                    misfit.path = f".{name}{misfit.path}"
                    raise
        try:
            return kind(**known)
        except ValueError as error:  # a rule between fields
            raise MisfitError(str(error)) from None

    return read


READERS: dict[Any, Callable[..., Reader]] = {
    Annotated: _leaf,
    Literal: _choice,
    Union: _optional,
    UnionType: _optional,
    dict: _mapping,
    list: partial(_sequence, list),
    tuple: partial(_sequence, tuple),
}
