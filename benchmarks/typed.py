"""Are the values of a record of the types that they should be? Asked of so many that it has to be quick."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, get_origin, get_type_hints

from benchmarks import errors

T = TypeVar("T")


def require_types(values: T) -> T:
    """Give a dataclass back if its fields are of the types that it declares, the items of containers aside.

    Raises:
        TypeError: one is not.

    """
    declaring: Any = type(values)
    fits = all(isinstance(getattr(values, name), kind) for name, kind in _kinds(declaring))
    return values if fits else errors.require_types(values)  # which says what does not fit


@cache  # resolving what a class declares takes far longer than comparing with it
def _kinds(declaring: type) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(declaring).items()
    return tuple(
        (name, get_origin(kind) if get_origin(kind) in (dict, list, tuple) else kind) for name, kind in hints
    )
