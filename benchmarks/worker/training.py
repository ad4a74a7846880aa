"""The outer loop, twice: `train` looks at every epoch's result, `time_training` only at the clock."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter, process_time  # their own, whatever an implementation replaces
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases.data import digest_of, draw_epochs, draw_parameters
from benchmarks.errors import ContractError
from benchmarks.worker.inspection.lookout import Lookout
from benchmarks.worker.inspection.waits import waited_s
from benchmarks.worker.ranks import ALONE, Group
from impls.contract import Device, EpochResult, Implementation, Parameters, Placed, Precision, Problem, State

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Workload:
    """An implementation with a problem's data in place on a device."""

    implementation: Implementation
    problem: Problem
    device: Device
    parameters: Parameters
    placed: Sequence[Placed]  # each distinct epoch's batches
    data_digest: str
    place_s: float = 0.0  # for all of them
    group: Group = ALONE
    lookout: Lookout = field(default_factory=Lookout)

    @classmethod
    def of(
        cls, implementation: Implementation, problem: Problem, device: Device = "cpu", group: Group = ALONE
    ) -> Workload:
        """Draw the problem's data and place it."""
        parameters, epochs = draw_parameters(problem), draw_epochs(problem)
        start = perf_counter()
        placed = [implementation.place(problem, batches, device) for batches in epochs]
        place_s = perf_counter() - start
        return cls(
            implementation=implementation,
            problem=problem,
            device=device,
            parameters=parameters,
            placed=placed,
            data_digest=digest_of(epochs, parameters),
            place_s=place_s,
            group=group,
        )

    def start(self) -> State:
        """Return the state before the first step."""
        return self.implementation.prepare(self.problem, self.parameters, self.device)

    def batches(self, epoch: int) -> Placed:
        """Return the batches of an epoch, counted from 0."""
        return self.placed[epoch % len(self.placed)]


@dataclass(frozen=True, kw_only=True)
class Training:
    """A whole training, with each epoch's losses."""

    losses: NDArray[Any]  # (n_steps,)
    weight: NDArray[Any]  # (n_features,), after the last step
    bias: NDArray[Any]  # ()
    n_epochs: int
    first_call_s: float  # `prepare` and the first epoch


def train(workload: Workload) -> Training:
    """Train until the stopping rule holds, and export after every epoch.

    Raises:
        ValueError: an export does not have the contract's shape.
    """
    problem, implementation = workload.problem, workload.implementation
    losses: list[NDArray[Any]] = []
    first_call_s = 0.0
    start = perf_counter()
    state = workload.start()
    for epoch in range(problem.n_epochs):
        state = implementation.run_epoch(state, workload.batches(epoch))
        first_call_s = first_call_s or perf_counter() - start
        result = implementation.export(state)
        check_result(result, problem)
        losses.append(result.losses)
        if converged(problem, losses[-2:], workload.group, n_epochs=epoch + 1):
            break
    return Training(
        losses=np.concatenate(losses),
        weight=result.weight,
        bias=result.bias,
        n_epochs=len(losses),
        first_call_s=first_call_s,
    )


def wake(implementation: Implementation, device: Device, precision: Precision, group: Group = ALONE) -> None:
    """Train a tiny problem, unmeasured: otherwise a first call would depend on which problem came first."""
    n_rows = 7 * group.ranks.n_ranks
    problem = Problem(n_features=3, batch_size=n_rows, n_batches=1, n_epochs=1, precision=precision)
    with contextlib.suppress(*group.tolerated):  # the first problem will raise the error again, and report it
        train(Workload.of(implementation, problem, device, group))


@dataclass(frozen=True, kw_only=True)
class TimedTraining:
    """A whole training with each epoch timed and the last result exported."""

    epoch_s: list[float]  # (n_epochs,), each of the rank that took longest for it
    mean_s: float  # the mean warm epoch of the rank that took longest for all of them
    cpu_s: float  # of all threads, over all epochs
    wall_s: float  # over the same time
    waited_s: float  # of it, in which this thread could run but had no core
    result: EpochResult  # after the last epoch


def time_training(workload: Workload, *, n_epochs: int) -> TimedTraining:
    """Train for `n_epochs`, back to back.

    Nothing is done between epochs: exporting there would leave the next one a cold cache, which on a
    CPU makes an epoch of 100 µs seem 20 % longer (measured).
    """
    run_epoch = workload.implementation.run_epoch
    batches = [workload.batches(epoch) for epoch in range(n_epochs)]
    workload.lookout.begin()
    state = workload.start()
    workload.group.wait()
    wall_start, cpu_start = perf_counter(), process_time()
    waited_before_s = waited_s(main_thread_only=True)
    ticks = [perf_counter()]
    for each in batches:
        state = run_epoch(state, each)
        ticks.append(perf_counter())
    waited_after_s = waited_s(main_thread_only=True)
    cpu_s, wall_s = process_time() - cpu_start, perf_counter() - wall_start
    workload.lookout.look()
    result = workload.implementation.export(state)
    check_result(result, workload.problem)
    epoch_s = np.diff(ticks).tolist()
    return TimedTraining(
        epoch_s=workload.group.largest(epoch_s),
        mean_s=workload.group.slowest(float(np.mean(drop_warmup(epoch_s)))),
        cpu_s=cpu_s,
        wall_s=wall_s,
        waited_s=waited_after_s - waited_before_s,
        result=result,
    )


def drop_warmup(values: Sequence[T]) -> Sequence[T]:
    """Leave out a training's first third: `prepare` has just emptied the caches."""
    return values[len(values) // 3 :]


EXPORTED = {np.ndarray, *np.sctypeDict.values()}
"""The types of an export's values: arrays, and NumPy's scalars, exactly. A subclass could compute later."""


def check_result(result: EpochResult, problem: Problem) -> None:
    """Refuse what is no NumPy array, and shapes that the agreement check could misread.

    An array of another kind may still be empty while its values are computed. The agreement check reports a
    wrong number of losses itself.

    Raises:
        ContractError: a value of the export is of another type or shape.
    """
    for name, array in vars(result).items():
        if type(array) not in EXPORTED:
            kind = f"{type(array).__module__}.{type(array).__qualname__}"
            message = f"export: expected {name} as a numpy.ndarray, found {kind}; convert it in export"
            raise ContractError(message)
        if array.dtype.kind != "f":  # an array of objects could compute later, too
            message = f"export: expected {name} of floats, found {array.dtype}"
            raise ContractError(message)
    n_losses = result.losses.size
    for name, expected in (("losses", (n_losses,)), ("weight", (problem.n_features,)), ("bias", ())):
        found = getattr(result, name).shape
        if found != expected:
            message = f"export: expected {name} of shape {expected}, found {found}"
            raise ContractError(message)


def converged(
    problem: Problem, latest_losses: Sequence[NDArray[Any]], group: Group = ALONE, *, n_epochs: int
) -> bool:
    """Check whether to stop after `n_epochs`, given the losses of the latest two epochs."""
    if problem.target_loss is None or n_epochs < max(problem.min_epochs, 2):
        return False
    before, now = (float(np.mean(losses)) for losses in latest_losses)
    return group.anyone(now <= problem.target_loss and abs(now - before) <= problem.max_loss_change)
