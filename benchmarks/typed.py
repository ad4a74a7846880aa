"""Are the values of a record of the types that they should be? Asked of so many that it has to be quick."""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from benchmarks import errors

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def require_types(values: T) -> T:
    """Give a dataclass back if its fields are of the types that it declares, the items of containers aside.

    Raises:
        TypeError: one is not.

    """
    declaring: Any = type(values)
    fields_of, kinds = _declared(declaring)
    fits = all(map(isinstance, fields_of(values), kinds))
    return values if fits else errors.require_types(values)  # which says what does not fit


@cache  # resolving what a class declares takes far longer than comparing with it
def _declared(declaring: type) -> tuple[Callable[[Any], tuple[Any, ...]], tuple[Any, ...]]:
    """Give what fetches the fields of an instance, and the types that each may be of.

    The first field is the class itself: of a single one, attrgetter would make no tuple.
    """
    hints = get_type_hints(declaring)
    return attrgetter("__class__", *hints), (type, *map(_kinds, hints.values()))


def _kinds(kind: Any) -> Any:  # noqa: ANN401 - whatever an annotation may be
    """Give a type, or a tuple of them, which isinstance compares with faster than with a union."""
    if isinstance(kind, UnionType):
        return tuple(map(_kinds, get_args(kind)))
    return get_origin(kind) if get_origin(kind) in (dict, list, tuple) else kind
