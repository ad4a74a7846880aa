"""Checks that a loop reads each loss before its next step begins, without knowing how the loop works.

At each read, the next step's batch is changed where the loop has placed it. The loss of a step that had begun
before is that of the unchanged batch.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.worker.inspection.within_reach import arrays_within_reach
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.training import Workload
from impls import numpy_reference
from impls.contract import EpochResult, Parameters, Problem, State

MAX_STEPS = 8
"""At most this many of an epoch's steps are checked, drawn anew for each process: a loop may read its first
losses in time, and later ones in groups."""

CLEAR = 0.1
"""Losses of the changed and the unchanged batch that are closer together decide nothing."""


def reads_in_time(workload: Workload, observer: FrameworkObserver, seed: int = 0) -> bool | None:
    """Return whether each loss is read before the next step; None: not asked for, or not observable.

    Raises:
        Exception: the loop's own, over ranks: the others wait for the rank that raised it, until it ends.
    """
    if workload.problem.readback == "epoch":
        return None
    return workload.group.answer_of(_compared, workload, observer, seed)


def _compared(workload: Workload, observer: FrameworkObserver, seed: int) -> bool | None:
    problem = workload.problem
    # A batch fed from the host may be on its way to the device while the step before it runs.
    first = 2 if problem.feed == "host" else 1
    later = np.arange(first, problem.n_batches)
    steps = sorted(np.random.default_rng(seed).permutation(later)[:MAX_STEPS].tolist())
    values = marks(problem)
    found = _observed(workload, observer, values, steps, first)
    if found is None:
        return None
    wanted = _expected(problem, values, steps)
    decided = None
    for i, step in enumerate(steps):
        late = _expected(problem, values, steps[:i])[step]
        if not abs(wanted[step] - late) > CLEAR:  # NaN decides nothing, either
            return decided
        if not abs(found[step] - wanted[step]) < abs(found[step] - late):
            return False
        decided = True
    return decided


def marks(problem: Problem) -> NDArray[np.float32]:
    """Return a number for each batch, (n_batches,), by which all its features are found again."""
    steps = np.arange(1, problem.n_batches + 1, dtype=np.float32)
    return 1 + steps / np.float32(2 * problem.n_batches)


def _observed(
    workload: Workload,
    observer: FrameworkObserver,
    values: NDArray[np.float32],
    steps: Sequence[int],
    ahead: int,
) -> NDArray[Any] | None:
    """Return an epoch's losses; each read of one changes the batch so many steps ahead, if it is of `steps`.

    None if the batches are out of reach.
    """
    problem, implementation, device = workload.problem, workload.implementation, workload.device
    group = workload.group
    sizes = [problem.batch_size] * problem.n_batches
    sizes[-1] = problem.last_batch_size or problem.batch_size
    batches = [
        (np.full((size, problem.n_features), value), np.ones(size, np.float32))
        for size, value in zip(sizes, values, strict=True)
    ]
    placed = implementation.place(problem, batches, device)
    arrays = arrays_within_reach(placed, observer, group)
    n_own = {step: len(batches[step][1][group.rows(sizes[step])]) * problem.n_features for step in steps}
    n_found = {step: sum(int((array == float(values[step])).sum()) for array in arrays) for step in steps}
    # place may keep several layouts
    if group.anyone(any(not n_found[step] or n_found[step] % n_own[step] for step in steps)):
        return None
    upcoming: Iterator[int] = iter(())
    results: list[EpochResult] = []

    def change_next() -> None:
        step = next(upcoming)
        for array in arrays if step in steps else ():
            array[array == float(values[step])] *= -1

    def epoch(state: State) -> None:
        nonlocal upcoming
        upcoming = count(ahead)
        results.append(implementation.export(implementation.run_epoch(state, placed)))

    def start() -> State:
        return implementation.prepare(problem, _parameters(problem), device)

    traffic = observer.traffic(start, epoch, device, change_next)
    return results[0].losses if traffic.n_readbacks else None


def _expected(problem: Problem, values: NDArray[np.float32], changed: Iterable[int]) -> NDArray[Any]:
    """Compute an epoch's losses; all rows of a batch are alike, so one stands for them."""
    signed = values.copy()
    signed[list(changed)] *= -1
    batches = [(np.full((1, problem.n_features), value), np.ones(1, np.float32)) for value in signed]
    small = replace(problem, batch_size=1, last_batch_size=None, n_batches=len(batches))
    state = numpy_reference.prepare(small, _parameters(problem), "cpu")
    placed = numpy_reference.place(small, batches, "cpu")
    losses: NDArray[Any] = numpy_reference.export(numpy_reference.run_epoch(state, placed)).losses
    return losses


def _parameters(problem: Problem) -> Parameters:
    weight = np.full(problem.n_features, 1 / problem.n_features, np.float32)
    return Parameters(weight, np.zeros((), np.float32))
