"""Compares the values that a loop has placed with the batches' own: `place` may move them, not compute."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases.data import draw_epochs
from benchmarks.worker import observe
from benchmarks.worker.training import Workload


def changed_values(workload: Workload) -> tuple[int, int] | None:
    """Count the features' values that are nowhere in the first epoch, and those there that are no feature's.

    Zeros and ones, which are labels or fill a gap, do not count, nor do integers. However often a value is
    there, and where, does not matter: a loop may keep several layouts. None: no array is within reach.
    """
    placed = _distinct(map(on_host, observe.arrays_in(workload.placed[0])))
    if not placed.size:
        return None
    (batches,) = draw_epochs(replace(workload.problem, n_epochs=1))
    own = _distinct(x[workload.group.rows(len(x))] for x, _ in batches)
    if np.array_equal(own, placed):
        return 0, 0
    n_common = np.intersect1d(own, placed, assume_unique=True).size
    return own.size - n_common, placed.size - n_common


def on_host(array: Any) -> NDArray[Any]:  # noqa: ANN401 - an array of any framework
    """Return an array's values in host memory; over ranks, this rank's part."""
    if not getattr(array, "is_fully_addressable", True):  # JAX: other ranks have the rest
        array = array.addressable_data(0)
    return np.asarray(array.detach().cpu() if hasattr(array, "detach") else array)


def _distinct(arrays: Iterable[NDArray[Any]]) -> NDArray[np.uint32]:
    """Return the bits of all distinct floating-point values but 0, 1 and -1, in ascending order."""
    floats = [np.ravel(array).astype(np.float32) for array in arrays if array.dtype.kind == "f"]
    values = np.concatenate([*floats, np.zeros(1, np.float32)])
    bits = np.sort(values[(values != 0) & (np.abs(values) != 1)].view(np.uint32))
    distinct: NDArray[np.uint32] = bits[np.append(True, bits[1:] != bits[:-1])[: bits.size]]
    return distinct
