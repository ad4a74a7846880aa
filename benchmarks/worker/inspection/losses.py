"""Checks that losses are computed when an epoch ends, not in `export`, without knowing how the loop works.

Before the export, all batches are changed where the loop has placed them: an export that computes from them
returns other losses.
"""

from dataclasses import replace

import numpy as np

from benchmarks.cases.data import draw_epochs
from benchmarks.worker.inspection.within_reach import arrays_within_reach
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.training import Workload


def losses_are_computed(workload: Workload, observer: FrameworkObserver) -> bool | None:
    """Return whether the export needs no batches; None: they are out of reach.

    Raises:
        Exception: the loop's own, over ranks: the others wait for the rank that raised it, until it ends.
    """
    try:
        return _compared(workload, observer)
    except workload.group.tolerated:  # it has raised the error on its own problem, too, where it is reported
        return None


def _compared(workload: Workload, observer: FrameworkObserver) -> bool | None:
    implementation, problem = workload.implementation, workload.problem
    (batches,) = draw_epochs(replace(problem, n_epochs=1))
    placed = implementation.place(problem, batches, workload.device)
    expected = implementation.export(implementation.run_epoch(workload.start(), placed))
    state = implementation.run_epoch(workload.start(), placed)
    arrays = arrays_within_reach(placed, observer, workload.group)
    if not arrays:
        return None
    for array in arrays:
        array[...] = 0.25
    return bool(np.allclose(implementation.export(state).losses, expected.losses))
