"""Finds what a loop has placed, to be changed there."""

from collections.abc import Iterable
from typing import Any, TypeVar

from benchmarks.worker import observe
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.ranks import Group
from impls.contract import Placed

T = TypeVar("T")


def arrays_within_reach(placed: Placed, observer: FrameworkObserver, group: Group) -> list[Any]:
    """Return all arrays that are placed, each to be indexed and changed like one of NumPy.

    Empty if one of them can't be changed, on some rank: all ranks go on alike.
    """
    return changeable((observer.writable(array) for array in observe.arrays_in(placed)), group)


def changeable(arrays: Iterable[T], group: Group) -> list[T]:
    """Return the arrays; none if one of them can't be changed from here, or made, on some rank."""
    found: list[T] = []
    try:
        found += arrays
        for array in found:
            array[...] = array  # type: ignore[index] # an array of any framework
    except Exception:  # noqa: BLE001 - read-only, or not in the memory of the CPU: any framework's error
        found.clear()
    return [] if group.anyone(not found) else found
