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
from benchmarks.worker import observe
from benchmarks.worker.inspection.within_reach import changeable
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.training import Workload
from impls.contract import Batches, Placed, Problem

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
    bits = np.abs(values).view(np.uint32)
    chosen = bits * (factor | np.uint32(1)) < 2**32 // ONE_IN
    return np.where(chosen & _changeable(values), -values, values)


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
    """Placed arrays of features that can be changed, and the values that were placed."""

    views: list[NDArray[np.float32]]
    originals: list[NDArray[np.float32]]
    is_fresh: bool | None  # whether they are all that were found; None: not observable

    @classmethod
    def of(cls, placed: Placed, workload: Workload, observer: FrameworkObserver) -> Self:
        """Find the arrays on a CPU; none if one of them can't be changed from here, on some rank.

        Of a framework without an observer, only NumPy's arrays are known.
        """
        if workload.device != "cpu":
            return cls([], [], None)
        is_known = workload.implementation.FRAMEWORK == "numpy" or type(observer) is not FrameworkObserver
        arrays = [a for a in observe.arrays_in(placed) if is_known or isinstance(a, np.ndarray)]
        found = (view for array in arrays if (view := _view(observer, array)) is not None)
        views = changeable(found, workload.group)
        if not views:
            return cls([], [], False if is_known else None)
        return cls(views, [view.copy() for view in views], is_fresh=True)

    def change(self, seed: int) -> None:
        """Change the values as `changed` does, each time from those that were placed."""
        for view, original in zip(self.views, self.originals, strict=True):
            view[...] = changed(original, seed)


def _view(observer: FrameworkObserver, array: Any) -> NDArray[np.float32] | None:  # noqa: ANN401 - an array of any framework
    """Return an array's memory if it holds features: numbers other than 0 and ±1."""
    if isinstance(array, np.generic) or str(array.dtype).removeprefix("torch.") != "float32":
        return None
    view: NDArray[np.float32] = np.asarray(observer.writable(array))
    return view if _changeable(view).any() else None


def _changeable(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (values != 0) & (np.abs(values) != 1)
    return found
