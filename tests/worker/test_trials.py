"""Trials: what an epoch costs in whole trainings, measured by clocks that only the fake loop moves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
import pytest

from benchmarks.worker import trials
from benchmarks.worker.conserved import conserved_share
from benchmarks.worker.measure import summary_of
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.ranks import Group
from benchmarks.worker.samples import summarize
from benchmarks.worker.training import TimedTraining, Workload
from benchmarks.worker.trials import MAX_STEPS, N_PAIRS, Trials, conservation_of
from impls.contract import EpochResult, Parameters, Problem, Ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from impls.contract import Device

T = TypeVar("T")

EPOCH_S, PREPARE_S, EXPORT_S = 1e-3, 2e-4, 3e-5
PROBLEM = Problem(batch_size=4, n_batches=2, n_epochs=3)


@dataclass
class Loop:
    """A loop whose calls cost what is given, in CPU time; the state is the number of epochs."""

    prepare_s: float = PREPARE_S
    first_epoch_s: float = EPOCH_S
    epoch_s: float = EPOCH_S
    export_s: float = EXPORT_S
    export_epoch_s: float = 0.0  # of an export, for each epoch since the start
    now_s: float = 0.0
    FRAMEWORK: ClassVar[str] = "numpy"
    asked: list[Any] = field(default_factory=list)

    def prepare(self, problem: Problem, parameters: Parameters, device: Device) -> int:
        del device
        self.asked.append((problem, parameters.weight.tobytes()))
        self.now_s += self.prepare_s
        return 0

    def place(self, problem: Problem, batches: Any, device: Device) -> Any:
        del problem, device
        return batches

    def run_epoch(self, state: int, batches: Any) -> int:
        del batches
        self.now_s += self.epoch_s if state else self.first_epoch_s
        return state + 1

    def export(self, state: int) -> EpochResult:
        self.now_s += self.export_s + state * self.export_epoch_s
        return EpochResult(np.zeros(2), np.zeros(2), np.zeros(()))


def trials_of(
    loop: Loop,
    monkeypatch: pytest.MonkeyPatch,
    problem: Problem = PROBLEM,
    n_pairs: int = N_PAIRS,
    observer: FrameworkObserver | None = None,
) -> Trials:
    """Run the pairs on clocks that only the loop moves."""
    for clock in ("process_time", "perf_counter"):
        monkeypatch.setattr(trials, clock, lambda: loop.now_s)
    monkeypatch.setattr(trials, "waited_s", lambda: 0.0)
    workload = Workload(
        implementation=loop,  # type: ignore[arg-type] # lacks what is not asked for
        problem=problem,
        device="cpu",
        parameters=Parameters(np.zeros(2, np.float32), np.zeros((), np.float32)),
        placed=("seen",),
        data_digest="",
    )
    found = Trials.of(workload, observer or FrameworkObserver(), seed=5, n_epochs=problem.n_epochs)
    for _ in range(n_pairs):
        found.add_pair()
    return found


def batched(values: Sequence[T]) -> list[tuple[T, T]]:
    """Return the values two by two."""
    return list(zip(values[::2], values[1::2], strict=True))


def share_of(loop: Loop, shown_s: float, monkeypatch: pytest.MonkeyPatch) -> float:
    conservation = trials_of(loop, monkeypatch).conservation(n_cores=1)
    return conserved_share(conservation, summarize([shown_s]), "cpu")


def test_an_epoch_costs_what_each_more_of_them_costs_and_a_start_costs_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = trials_of(Loop(), monkeypatch).conservation(n_cores=1)

    assert found.marginal_cpu_s == pytest.approx(EPOCH_S)
    assert found.fixed_s == pytest.approx(PREPARE_S + EXPORT_S)
    assert found.export_s == pytest.approx(EXPORT_S)


@pytest.mark.parametrize(
    ("loop", "shown_s"),
    [
        (Loop(epoch_s=1e-5, first_epoch_s=1e-5, export_epoch_s=EPOCH_S), 1e-5),  # queued until the export
        (Loop(), EPOCH_S / 3),  # computed faster on data that were seen
        (Loop(), EPOCH_S / 1.3),  # a quarter is done elsewhere
    ],
    ids=["left to the export", "remembered", "a part of it elsewhere"],
)
def test_a_time_below_the_cost_is_not_conserved_wherever_the_cost_is_paid(
    loop: Loop, shown_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert share_of(loop, shown_s, monkeypatch) < 0.8


def test_an_export_that_once_finds_its_work_done_does_not_hide_what_the_others_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Thread(Loop):
        def export(self, state: int) -> EpochResult:
            self.now_s += 0.0 if len(self.asked) == 4 else EPOCH_S
            return super().export(state)

    found = trials_of(Thread(), monkeypatch).conservation(n_cores=1)

    assert found.export_s == pytest.approx(EXPORT_S + EPOCH_S)


@pytest.mark.parametrize("n_ahead", [1, 10, 30, 1000])
def test_epochs_done_ahead_of_time_show_in_the_cost_of_an_epoch_or_of_a_start(
    n_ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(Loop):
        def run_epoch(self, state: int, batches: Any) -> int:
            del batches
            self.now_s += n_ahead * EPOCH_S if state % n_ahead == 0 else 0.0
            return state + 1

    found = trials_of(Ahead(), monkeypatch).conservation(n_cores=1)

    assert 0.8 * found.marginal_cpu_s > 1e-6 or found.fixed_s > 0.01


def test_an_honest_time_is_conserved_on_any_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (trials_of(Loop(), monkeypatch).conservation(n_cores=n) for n in (1, 2))

    assert share_of(Loop(), EPOCH_S, monkeypatch) == pytest.approx(1)
    assert two.marginal_cpu_s == pytest.approx(one.marginal_cpu_s / 2)


def test_no_two_trials_start_alike_and_nobody_is_told_which_one_of_a_pair_is_shorter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = Loop()
    problem = Problem(batch_size=4, n_batches=2, n_epochs=3, target_loss=0.3)

    found = trials_of(loop, monkeypatch, problem, n_pairs=20)

    assert len({weight for _, weight in loop.asked}) == len(loop.asked) == len(found.done)
    told = [problem.n_epochs - 1 for problem, _ in loop.asked[2:]]
    pairs = [(first.n_epochs, second.n_epochs) for first, second in batched(found.done[2:])]
    assert batched(told) == [(max(pair), max(pair)) for pair in pairs]
    assert {first < second for first, second in pairs} == {True, False}
    assert {told.target_loss for told, _ in loop.asked} == {None}


def test_the_trials_that_set_the_cost_are_handed_over_to_be_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    class Noisy(Loop):
        def prepare(self, problem: Problem, parameters: Parameters, device: Device) -> int:
            self.now_s += 1e-4 * (len(self.asked) % 3)
            return super().prepare(problem, parameters, device)

    found = trials_of(Noisy(), monkeypatch)
    handed_over = found.conservation(n_cores=1).trials

    assert len(handed_over) < len(found.done)
    for n_epochs in (found.short, found.long):
        cost_s = min(trial.cpu_s for trial in found.done if trial.n_epochs == n_epochs)
        assert cost_s in {trial.cpu_s for trial in handed_over}


def test_a_trial_is_no_longer_than_the_reference_can_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    found = trials_of(Loop(epoch_s=1e-7, first_epoch_s=1e-7), monkeypatch)

    assert found.long * PROBLEM.n_batches <= MAX_STEPS


def test_the_longer_trial_grows_until_the_difference_can_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    found = trials_of(Loop(epoch_s=1e-4, first_epoch_s=1e-4), monkeypatch)

    assert (found.long - found.short) * 1e-4 >= trials.DIFFERENCE_S


def test_slow_epochs_have_short_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    found = trials_of(Loop(epoch_s=1.0, first_epoch_s=1.0), monkeypatch)

    assert (found.short, found.long) == (1, 2)


def test_a_loop_may_compile_for_each_number_of_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: set[int] = set()

    @dataclass
    class Compiling(Loop):
        def prepare(self, problem: Problem, parameters: Parameters, device: Device) -> int:
            self.now_s += 0.1 * (problem.n_epochs not in compiled)
            compiled.add(problem.n_epochs)
            return super().prepare(problem, parameters, device)

    class Observer(FrameworkObserver):
        def n_compilations(self) -> int:
            return len(compiled)

    found = trials_of(Compiling(), monkeypatch, observer=Observer())

    assert found.conservation(n_cores=1).marginal_cpu_s == pytest.approx(EPOCH_S)
    assert found.conservation(n_cores=1).fixed_s == pytest.approx(PREPARE_S + EXPORT_S)
    assert found.n_compilations == len(compiled) > 1


def timed_at(epoch_s: float) -> TimedTraining:
    """Return a training of ten such epochs, in which the thread waited for one."""
    result = EpochResult(np.zeros(2), np.zeros(2), np.zeros(()))
    return TimedTraining(
        epoch_s=[epoch_s] * 10,
        mean_s=epoch_s,
        cpu_s=0.0,
        wall_s=10 * epoch_s,
        waited_s=epoch_s,
        result=result,
    )


@pytest.mark.parametrize(("n_ranks", "fastest"), [(1, 0.3), (2, 1.0)])
def test_a_sample_of_several_ranks_is_the_mean_epoch_of_a_training(
    n_ranks: int, fastest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = replace(trials_of(Loop(), monkeypatch).workload, group=Group(Ranks(n_ranks=n_ranks)))
    lucky = replace(timed_at(1.0), epoch_s=[1.0] * 4 + [0.3, 1.9] * 4)  # 1.9 on one rank: mean_s is less

    assert summary_of([timed_at(1.5), lucky], workload).min_s == pytest.approx(fastest)


@pytest.mark.parametrize(("others", "expected"), [(0.5, 0.1), (0.0, 0.05), (None, None)], ids=str)
def test_others_had_the_core_in_their_part_of_the_waits_or_as_long_as_on_another_rank(
    others: float | None, expected: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = trials_of(Loop(), monkeypatch)
    found.done = [replace(trial, cpu_s=0.0, waited_s=0.2 * trial.wall_s) for trial in found.done]
    other_rank = Group(exchange=lambda shares: [max(share, 0.05) for share in shares])
    found.workload = replace(found.workload, group=other_rank)

    conservation = conservation_of(found, [timed_at(EPOCH_S)], others, n_cores=1)

    assert conservation.others_share == pytest.approx(expected)
    assert conservation.net_s == (None if others is None else pytest.approx(EPOCH_S * (1 - others / 10)))


def test_no_wait_was_for_others_while_the_process_used_all_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    found = trials_of(Loop(), monkeypatch)
    found.done = [replace(trial, cpu_s=0.9 * trial.wall_s, waited_s=trial.wall_s) for trial in found.done]

    assert conservation_of(found, [timed_at(EPOCH_S)], 0.5, n_cores=1).others_share == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("n_fast", "n_trainings", "expected_us"),
    [
        (1, 2, 100),
        (1, 6, 100),
        (2, 7, 100),
        (2, 11, 100),
        (2, 12, 100),
        (3, 12, 60),
        (10, 101, 100),
        (11, 101, 60),
    ],
)
def test_a_few_fast_trainings_show_no_quiet_moment_but_more_than_a_tenth_of_many_do(
    n_fast: int, n_trainings: int, expected_us: float
) -> None:
    timed = [timed_at(60e-6)] * n_fast + [timed_at(100e-6)] * (n_trainings - n_fast)

    assert trials.quiet_s(timed, n_ranks=1) == pytest.approx(expected_us * 1e-6)


def test_over_ranks_the_fastest_training_is_the_quiet_moment() -> None:
    assert trials.quiet_s([timed_at(60e-6), timed_at(100e-6)], n_ranks=2) == pytest.approx(60e-6)
