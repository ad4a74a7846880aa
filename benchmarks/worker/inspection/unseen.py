"""Trains on problems whose values are drawn anew for each run; see `benchmarks.verify.unseen`."""

from benchmarks.cases.unseen import UnseenProblem, draw
from benchmarks.worker.messages import Outcome, UnseenOutcomes
from benchmarks.worker.training import Workload, train
from impls.contract import Device, Implementation


def train_unseen(workload: Workload, seed: int, n_combinations: int) -> UnseenOutcomes | None:
    """Train on each problem drawn from the seed, until one raises an error.

    None in a lower precision: nobody has measured yet how far correct loops are from the reference there.
    """
    if not n_combinations or workload.problem.precision != "float32":
        return None
    outcomes, error = [], None
    for drawn in draw(seed, workload.problem, n_combinations):
        try:
            training = train(workload_of(workload.implementation, drawn, workload.device))
        except Exception as raised:  # noqa: BLE001 - an implementation's error; the check reports it
            error = f"{type(raised).__name__}: {raised}"
            break
        outcomes.append(
            Outcome(
                losses=training.losses.tolist(),
                weight=training.weight.tolist(),
                bias=[float(training.bias)],
            )
        )
    return UnseenOutcomes(seed=seed, n_combinations=n_combinations, outcomes=outcomes, error=error)


def workload_of(implementation: Implementation, drawn: UnseenProblem, device: Device = "cpu") -> Workload:
    """Place a drawn problem's data."""
    return Workload(
        implementation=implementation,
        problem=drawn.problem,
        device=device,
        parameters=drawn.parameters,
        placed=[implementation.place(drawn.problem, batches, device) for batches in drawn.epochs],
        data_digest="",  # the reference draws from the same seed
    )
