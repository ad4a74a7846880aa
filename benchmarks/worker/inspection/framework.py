"""Checks that the losses come from the framework's own operations, not from those of another library.

All results of the framework that are as long as a batch are halved in an epoch: its losses must be others.
"""

import numpy as np

from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.training import Workload

UNCHANGED = 0.1
"""At most this part of the losses may be the same by chance."""

NO_LOSS = 1e-6
"""A loss below it is as good as 0: of half the logit, too."""


def framework_computes(workload: Workload, observer: FrameworkObserver) -> bool | None:
    """Return whether the losses follow from the framework's operations; None: not observable.

    Raises:
        Exception: the loop's own, over ranks: the others wait for the rank that raised it, until it ends.
    """
    return workload.group.answer_of(_compared, workload, observer)


def _compared(workload: Workload, observer: FrameworkObserver) -> bool | None:
    implementation, problem = workload.implementation, workload.problem
    if implementation.TIER != "eager":  # what is compiled or captured does not pass through the observer
        return None
    n_rows = (problem.batch_size, problem.last_batch_size or problem.batch_size)
    halving = observer.halving({len(range(n)[workload.group.rows(n)]) for n in n_rows})
    if workload.group.anyone(halving is None) or halving is None:
        return None
    expected = implementation.export(implementation.run_epoch(workload.start(), workload.batches(0))).losses
    state = workload.start()
    with halving:
        state = implementation.run_epoch(state, workload.batches(0))
    found = implementation.export(state).losses
    losses = expected > NO_LOSS
    is_same = np.isclose(found[losses], expected[losses], atol=0)
    return bool(is_same.mean() <= UNCHANGED) if losses.any() else None
