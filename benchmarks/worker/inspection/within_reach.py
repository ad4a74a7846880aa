"""Finds what a loop has placed, to be changed there."""

from typing import Any

from benchmarks.worker import observe
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.ranks import Group
from impls.contract import Placed


def arrays_within_reach(placed: Placed, observer: FrameworkObserver, group: Group) -> list[Any]:
    """Return all arrays that are placed, each to be indexed and changed like one of NumPy.

    Empty if one of them can't be changed, on some rank: all ranks go on alike.
    """
    arrays: list[Any] = []
    try:
        arrays += [observer.writable(array) for array in observe.arrays_in(placed)]
        for array in arrays:
            array[...] = array
    except Exception:  # noqa: BLE001 - read-only, or not in the memory of the CPU: any framework's error
        arrays.clear()
    return [] if group.anyone(not arrays) else arrays
