"""The outer loop: when it stops, which batches an epoch gets, and what is timed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.errors import ContractError
from benchmarks.worker.training import Workload, check_result, converged, time_training, train
from impls.contract import EpochResult, Parameters, Problem

if TYPE_CHECKING:
    from impls.contract import Device


def workload_of(fake: Fake, problem: Problem, *placed: str) -> Workload:
    return Workload(
        implementation=fake,
        problem=problem,
        device="cpu",
        parameters=Parameters(np.zeros(2, np.float32), np.zeros((), np.float32)),
        placed=placed or ("only",),
        data_digest="",
    )


@dataclass
class Fake:
    """An implementation whose epochs return the given losses, and which notes its calls."""

    losses: list[float]
    weight_shape: tuple[int, ...] = (2,)
    export_takes_s: float = 0.0
    epoch_takes_s: float = 0.0
    seen: list[Any] = field(default_factory=list)
    n_exports: int = 0
    FRAMEWORK: str = "numpy"
    TIER: str = "eager"

    def unavailable(self, device: Device) -> str | None:
        del device
        return None

    def prepare(self, problem: Problem, parameters: Parameters, device: Device) -> int:
        self.seen.append(("prepare", problem, parameters, device))
        return 0

    def place(self, problem: Problem, batches: Any, device: Device) -> Any:
        del problem, device
        return batches

    def run_epoch(self, state: int, batches: Any) -> int:
        self.seen.append(batches)
        time.sleep(self.epoch_takes_s)
        return state + 1

    def export(self, state: int) -> EpochResult:
        self.n_exports += 1
        time.sleep(self.export_takes_s)
        loss = self.losses[state - 1]
        return EpochResult(np.array([loss]), np.zeros(self.weight_shape), np.zeros(()))


def test_without_a_target_the_training_runs_all_epochs() -> None:
    problem = Problem(n_batches=1, n_epochs=4)

    training = train(workload_of(Fake([4.0, 3.0, 2.0, 1.0]), problem))

    assert training.losses.tolist() == [4.0, 3.0, 2.0, 1.0]
    assert training.n_epochs == 4


def test_the_training_stops_after_the_first_epoch_that_is_low_enough_and_has_settled() -> None:
    problem = Problem(n_batches=1, n_epochs=9, target_loss=1.0, max_loss_change=0.1)

    training = train(workload_of(Fake([3.0, 0.9, 0.5, 0.45, 0.44]), problem))

    assert training.losses.tolist() == [3.0, 0.9, 0.5, 0.45]


def test_the_training_does_not_stop_before_the_minimum_of_epochs() -> None:
    problem = Problem(n_batches=1, n_epochs=9, target_loss=1.0, max_loss_change=0.1, min_epochs=4)

    training = train(workload_of(Fake([0.5] * 9), problem))

    assert len(training.losses) == 4


def test_one_epoch_alone_never_converges_for_it_has_none_to_differ_from() -> None:
    assert not converged(Problem(target_loss=1.0, min_epochs=1), [np.array([0.1])], n_epochs=1)


def test_a_data_set_gives_every_epoch_the_same_batches_and_a_stream_its_own() -> None:
    fake, problem = Fake([1.0] * 3), Problem(n_batches=1, n_epochs=3)

    train(workload_of(fake, problem, "a"))
    train(workload_of(fake, problem, "a", "b", "c"))
    time_training(workload_of(fake, problem, "a", "b", "c"), n_epochs=3)

    assert [seen for seen in fake.seen if isinstance(seen, str)] == [*"aaa", *"abc", *"abc"]


def test_each_training_starts_from_the_initial_parameters() -> None:
    fake = Fake([1.0] * 3)
    workload = workload_of(fake, Problem(n_batches=1, n_epochs=3))

    train(workload)
    time_training(workload, n_epochs=3)

    prepared = ("prepare", workload.problem, workload.parameters, "cpu")
    assert [seen for seen in fake.seen if seen[0] == "prepare"] == [prepared, prepared]


def test_only_run_epoch_is_timed() -> None:
    problem = Problem(n_batches=1, n_epochs=2)

    start = time.perf_counter()
    timed = time_training(workload_of(Fake([1.0] * 2, export_takes_s=0.05), problem), n_epochs=2)
    elapsed_s = time.perf_counter() - start

    assert sum(timed.epoch_s) <= timed.wall_s <= elapsed_s - 0.05


def test_a_timed_training_exports_its_end_once() -> None:
    fake = Fake([3.0, 2.0, 1.0])

    timed = time_training(workload_of(fake, Problem(n_batches=1, n_epochs=3)), n_epochs=3)

    assert timed.result.losses.tolist() == [1.0]
    assert fake.n_exports == 1
    assert len(timed.epoch_s) == 3


def test_waiting_is_no_cpu_time() -> None:
    workload = workload_of(Fake([1.0], epoch_takes_s=0.05), Problem(n_batches=1, n_epochs=1))

    timed = time_training(workload, n_epochs=1)

    assert timed.cpu_s < 0.5 * sum(timed.epoch_s)


@pytest.mark.parametrize("kind", [np.ma.MaskedArray, list])
def test_an_export_of_another_type_than_numpys_array_is_refused_before_it_is_converted(kind: Any) -> None:
    result = EpochResult(kind([[1.0]]), np.zeros(2), np.zeros(()))

    with pytest.raises(ContractError, match=r"expected losses as a numpy\.ndarray, found .*; convert it"):
        check_result(result, Problem())


def test_an_export_of_the_wrong_shape_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"export: expected weight of shape \(2,\), found \(1, 2\)"):
        train(workload_of(Fake([1.0], weight_shape=(1, 2)), Problem(n_batches=1, n_epochs=1)))
