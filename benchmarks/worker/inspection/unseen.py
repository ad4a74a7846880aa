"""Trains on problems whose values are drawn anew for each process; see `benchmarks.verify.unseen`."""

from collections.abc import Callable, Iterable
from itertools import cycle, islice

from benchmarks.cases.unseen import UnseenProblem, draw, draw_own_size
from benchmarks.worker.messages import Outcome, UnseenOutcomes
from benchmarks.worker.ranks import ALONE, Group
from benchmarks.worker.training import Training, Workload, check_result, train
from impls.contract import Device, EpochResult, Implementation, Problem


def train_unseen(workload: Workload, seed: int, n_combinations: int) -> UnseenOutcomes | None:
    """Train on each problem drawn from the seed, until one raises an error.

    None in a lower precision: nobody has measured yet how far correct loops are from the reference there.
    """
    if not n_combinations or workload.problem.precision != "float32":
        return None
    n_ranks = workload.group.ranks.n_ranks
    outcomes, error = _outcomes(
        workload, draw(seed, workload.problem, n_combinations, n_ranks), lambda own, _: train(own)
    )
    return UnseenOutcomes(seed=seed, n_asked=n_combinations, n_ranks=n_ranks, outcomes=outcomes, error=error)


def train_own_size(workload: Workload, seed: int, n_kinds: int) -> UnseenOutcomes | None:
    """Train on unseen values of the case's own size, without a look at the epochs but the last."""
    if not n_kinds:
        return None
    drawn = draw_own_size(seed, workload.problem, n_kinds)
    outcomes, error = _outcomes(workload, drawn, train_unwatched)
    return UnseenOutcomes(seed=seed, n_asked=n_kinds, outcomes=outcomes, error=error)


def _outcomes(
    workload: Workload,
    problems: Iterable[UnseenProblem],
    trained: Callable[[Workload, int], Training | EpochResult],
) -> tuple[list[Outcome], str | None]:
    """Return the outcomes of the problems until one raises an error, and the error."""
    outcomes: list[Outcome] = []
    for drawn in problems:
        try:
            own = workload_of(
                workload.implementation, drawn, drawn.announced, workload.device, workload.group
            )
            result = trained(own, drawn.problem.n_epochs)
        except workload.group.tolerated as raised:  # an implementation's error; the check reports it
            return outcomes, f"{type(raised).__name__}: {raised}"
        outcomes.append(
            Outcome(
                losses=result.losses.tolist(),
                weight=result.weight.tolist(),
                bias=[float(result.bias)],
            )
        )
    return outcomes, None


def train_unwatched(workload: Workload, n_epochs: int) -> EpochResult:
    """Train as timed trainings do: `export` is called once, at the end."""
    implementation, state = workload.implementation, workload.start()
    for batches in islice(cycle(workload.placed), n_epochs):
        state = implementation.run_epoch(state, batches)
    result: EpochResult = implementation.export(state)
    check_result(result, workload.problem)
    return result


def workload_of(
    implementation: Implementation,
    drawn: UnseenProblem,
    problem: Problem,
    device: Device = "cpu",
    group: Group = ALONE,
) -> Workload:
    """Place a drawn problem's data."""
    return Workload(
        implementation=implementation,
        problem=problem,
        device=device,
        parameters=drawn.parameters,
        placed=[implementation.place(problem, batches, device) for batches in drawn.epochs],
        data_digest="",  # the reference draws from the same seed
        group=group,
    )
