"""The data of trials: drawn and placed once, and changed before each trial.

What a loop has prepared from the data before, in whatever call, is then of no use. Signs change in the arrays
that a loop has placed, and in the reference's: by the values' bits, not by their places, for a loop may keep
any layout, and several.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import process_time
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases.data import draw_epochs
from benchmarks.worker.inspection.within_reach import arrays_within_reach
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.ranks import Group
from benchmarks.worker.training import Workload
from impls.contract import Batches, Device, Implementation, Placed, Problem

SIGN, ONE = 0x8000_0000, 0x3F80_0000  # of a float32
ONE_IN = 8
"""One in so many values changes: enough for another training, few enough for the classes to stay apart."""

STREAM_EPOCHS = 2
"""Distinct epochs of a stream in a trial, in turn: with more, placing would take longer than training."""


def changed(values: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Return the values, of any shape, with about one in `ONE_IN` negated.

    Their bits and the seed tell which (multiplicative hashing: Knuth, The Art of Computer Programming, 6.4).
    0 and ±1 stay: labels are 0 and 1, and a loop may fill gaps with either.
    """
    (factor,) = np.random.SeedSequence(seed).generate_state(1)
    sizes = values.view(np.uint32) & np.uint32(~SIGN & 0xFFFF_FFFF)
    chosen = sizes * (factor | np.uint32(1)) < 2**32 // ONE_IN
    chosen &= (sizes != 0) & (sizes != ONE)
    return np.where(chosen, -values, values)


def unseen_epochs(problem: Problem, seed: int) -> list[Batches]:
    """Draw the epochs of a problem's trials, as they are placed."""
    return draw_epochs(replace(problem, seed=seed, n_epochs=min(problem.n_epochs, STREAM_EPOCHS)))


def changed_epochs(epochs: list[Batches], seed: int) -> list[Batches]:
    """Return them as a trial finds them, whose parameters are of this seed."""
    return [[(changed(x, seed), y) for x, y in batches] for batches in epochs]


def place(workload: Workload, epochs: list[Batches]) -> tuple[list[Placed], float]:
    """Place the epochs and then a copy of them; return the second placement and the lesser CPU time."""
    times_s = []
    copied = [[(x.copy(), y.copy()) for x, y in batches] for batches in epochs]
    for batches in (epochs, copied):
        start_s = process_time()
        placed = [workload.implementation.place(workload.problem, each, workload.device) for each in batches]
        times_s.append(process_time() - start_s)
    return placed, min(times_s)


def copy_s(epochs: list[Batches]) -> float:
    """Return the CPU time that NumPy takes to copy and to transpose the batches, the faster of two tries."""
    tries_s = []
    for _ in range(2):
        start_s = process_time()
        for x, y in (batch for batches in epochs for batch in batches):
            for array in (x.T, x, y):
                np.array(array, order="C")
        tries_s.append(process_time() - start_s)
    return min(tries_s)


@dataclass(frozen=True)
class FreshData:
    """Placed arrays that can be changed, and the values that were placed."""

    views: list[NDArray[np.float32]]
    originals: list[NDArray[np.float32]]

    @classmethod
    def of(cls, placed: Placed, device: Device, observer: FrameworkObserver, group: Group) -> Self:
        """Find the arrays; none on a GPU, or if one of them can't be changed from here, on some rank."""
        arrays = arrays_within_reach(placed, observer, group) if device == "cpu" else []
        views = [_view(array) for array in arrays]
        floats = [view for view in views if view.dtype == np.float32]
        return cls(floats, [view.copy() for view in floats])

    @property
    def found(self) -> bool:
        """Whether there is an array to change."""
        return bool(self.views)

    def change(self, seed: int) -> None:
        """Change the values as `changed` does, each time from those that were placed."""
        for view, original in zip(self.views, self.originals, strict=True):
            view[...] = changed(original, seed)


def are_changeable(implementation: Implementation, device: Device, observer: FrameworkObserver) -> bool:
    """Whether placed arrays can be changed: on a CPU those of NumPy, or a framework that has an observer."""
    is_known = implementation.FRAMEWORK == "numpy" or type(observer) is not FrameworkObserver
    return device == "cpu" and is_known


def _view(array: Any) -> NDArray[Any]:  # noqa: ANN401 - any framework's
    return np.asarray(array.detach() if hasattr(array, "detach") else array)
