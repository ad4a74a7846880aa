"""Checks that losses are computed when an epoch ends, not in `export`, without knowing how the loop works.

Before the export, all batches are changed where the loop has placed them, and so is every other array of
floating-point numbers that the state or the module's own variables hold: an export that computes from them
returns other losses. Only arrays that hold a loss already stay as they are.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases.data import draw_epochs
from benchmarks.worker import observe
from benchmarks.worker.inspection.placed import on_host
from benchmarks.worker.inspection.within_reach import arrays_within_reach
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.training import Workload

CHANGED = 0.25
"""As a feature, a label or a probability, it gives a loss."""


def losses_are_computed(workload: Workload, observer: FrameworkObserver) -> bool | None:
    """Return whether the export needs nothing but the losses; None: the batches are out of reach.

    Raises:
        Exception: the loop's own, over ranks: the others wait for the rank that raised it, until it ends.
    """
    return workload.group.answer_of(_compared, workload, observer)


def _compared(workload: Workload, observer: FrameworkObserver) -> bool | None:
    implementation, problem = workload.implementation, workload.problem
    (batches,) = draw_epochs(replace(problem, n_epochs=1))
    placed = implementation.place(problem, batches, workload.device)
    expected = implementation.export(implementation.run_epoch(workload.start(), placed)).losses
    state = implementation.run_epoch(workload.start(), placed)
    arrays = arrays_within_reach(placed, observer, workload.group)
    for array in arrays:
        array[...] = CHANGED
    with ExitStack() as restored:
        for array in observe.arrays_in([state, vars(implementation)]):
            restored.enter_context(_changed(array, observer, expected))
        is_same = bool(np.allclose(implementation.export(state).losses, expected))
    return is_same if arrays or not is_same else None


@contextmanager
def _changed(array: Any, observer: FrameworkObserver, losses: NDArray[Any]) -> Iterator[None]:  # noqa: ANN401 - an array of any framework
    """Change an array of floating-point numbers, unless it holds a loss or is out of reach."""
    memory = before = None
    with suppress(Exception):  # read-only, deleted, or on another device: any framework's error
        memory = observer.writable(array)
        values, copied = on_host(memory), deepcopy(memory)
        if values.dtype.kind == "f" and not np.isin(losses, values).any():
            memory[...] = CHANGED
            before = copied
    try:
        yield
    finally:
        if memory is not None and before is not None:
            memory[...] = before
