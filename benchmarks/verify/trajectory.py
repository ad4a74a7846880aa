"""The reference's trainings on the data that only trials see, as far as they were needed so far."""

from dataclasses import dataclass, field, replace
from functools import lru_cache

from benchmarks.cases.data import draw_parameters
from benchmarks.cases.tolerances import AMBIGUITY
from benchmarks.worker.inspection.trial_data import changed_epochs, unseen_epochs
from impls import numpy_reference
from impls.contract import Batches, EpochResult, Problem


@dataclass(frozen=True)
class Snapshot:
    """The reference after an epoch, and how far a correct float32 loss may be from its losses."""

    result: EpochResult
    ambiguity: list[float]  # (n_batches,): see impls.numpy_reference.ambiguity


@dataclass
class Trajectory:
    """One training of the reference, continued when a later epoch is asked for."""

    state: numpy_reference.State
    epochs: list[Batches]
    snapshots: list[Snapshot] = field(default_factory=list)

    def after(self, n_epochs: int) -> Snapshot:
        """Return the reference after this many epochs."""
        while len(self.snapshots) < n_epochs:
            batches = self.epochs[len(self.snapshots) % len(self.epochs)]
            self.state.ambiguity.clear()
            self.state = numpy_reference.run_epoch(self.state, batches)
            result = numpy_reference.export(self.state)
            self.snapshots.append(Snapshot(result, list(self.state.ambiguity)))
        return self.snapshots[n_epochs - 1]


def snapshot(problem: Problem, *, data_seed: int, seed: int, n_epochs: int, is_fresh: bool) -> Snapshot:
    """Return the reference at the end of a trial.

    It has the data's seed, and one for its parameters, by which fresh data are also changed.
    As in `agreement.reference_for`, it is float32 where the trial saturates, which another trial of this
    problem may not do.
    """
    exact = _trajectory(problem, data_seed, seed, "float64", is_fresh=is_fresh)
    end = exact.after(n_epochs)
    if max(max(each.ambiguity) for each in exact.snapshots[:n_epochs]) <= AMBIGUITY:
        return end
    return _trajectory(problem, data_seed, seed, "float32", is_fresh=is_fresh).after(n_epochs)


@lru_cache(maxsize=2)  # of one trial, in both precisions: each keeps its own data
def _trajectory(problem: Problem, data_seed: int, seed: int, precision: str, *, is_fresh: bool) -> Trajectory:
    epochs = _epochs(problem, data_seed)
    parameters = draw_parameters(replace(problem, seed=seed))
    state = numpy_reference.prepare(problem, parameters, "cpu", dtype=precision)
    return Trajectory(state, changed_epochs(epochs, seed) if is_fresh else epochs)


@lru_cache(maxsize=1)
def _epochs(problem: Problem, seed: int) -> list[Batches]:
    return unseen_epochs(problem, seed)
