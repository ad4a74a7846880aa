"""The judgement of trials: what holds, what fails, what can't be decided, and the cause that is named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from benchmarks.records.row import Verdict
from benchmarks.runner.case import Case, CaseResult
from benchmarks.verify.agreement import reference_for
from benchmarks.verify.conservation import EPOCH, Judgement, judge, judge_all
from benchmarks.worker.conserved import conserved_share
from benchmarks.worker.inspection.trial_data import unseen_epochs
from benchmarks.worker.messages import Outcome, Trial
from benchmarks.worker.samples import summarize
from benchmarks.worker.training import Workload
from benchmarks.worker.trials import run_trial
from impls import numpy_float32
from impls.contract import Problem
from tests.conftest import SMALL
from tests.verify.test_agreement import measurement_of
from tests.verify.test_fairness import CONSERVED, TIMING, TORCH, TRIAL

if TYPE_CHECKING:
    from impls.contract import Implementation

BUSY = 0.5


def judgement(problem: Problem = SMALL, **changes: Any) -> Judgement:
    """Judge a process that shows 100 µs, which is what an epoch costs, but for the changes."""
    return judge(replace(TIMING, conservation=replace(CONSERVED, **changes)), problem, "cpu")


def answers(**changes: Any) -> dict[str, bool | None]:
    """Return the answers that are not "holds", by the checks' names."""
    return {check.name: check.holds for check in judgement(**changes).checks if not check.holds}


@pytest.mark.parametrize(
    ("quiet_us", "holds"), [(87, True), (90, None), (150, None), (40, True)], ids="{} µs".format
)
def test_the_fastest_epoch_may_be_below_the_cost_as_far_as_a_whole_training_is(
    quiet_us: float, holds: object
) -> None:
    shown = summarize([60e-6, 100e-6, 110e-6])
    noisy = replace(CONSERVED, quiet_s=quiet_us * 1e-6, marginal_cpu_s=110e-6, marginal_wall_s=110e-6)

    found = judge(replace(TIMING, summary=shown, conservation=noisy), SMALL, "cpu")

    assert next(check.holds for check in found.checks if check.name == EPOCH) is holds


@pytest.mark.parametrize(
    ("typical_us", "mean_us", "holds"), [(70, 100, True), (66, 100, None), (79, 79, None), (81, 81, True)]
)
def test_typical_epochs_may_be_below_the_mean_as_epochs_differ_and_the_mean_reaches_the_cost(
    typical_us: float, mean_us: float, holds: object
) -> None:
    shown = replace(TIMING.summary, median_s=typical_us * 1e-6, mean_s=mean_us * 1e-6)

    for net_s in (mean_us * 1e-6, None):  # None: waits are not observable
        found = judge(
            replace(TIMING, summary=shown, conservation=replace(CONSERVED, net_s=net_s)), SMALL, "cpu"
        )
        assert next(check.holds for check in found.checks if check.name == EPOCH) is holds


def test_on_a_gpu_a_typical_epoch_reaches_the_whole_cost() -> None:
    shown = replace(TIMING.summary, median_s=79e-6)

    assert conserved_share(CONSERVED, shown, "cpu") > conserved_share(CONSERVED, shown, "cuda")
    assert conserved_share(CONSERVED, shown, "cuda") == pytest.approx(0.79)


def test_the_fastest_epoch_is_at_least_0_4_of_its_cost_whatever_a_whole_training_takes() -> None:
    shown = summarize([20e-6, 100e-6, 110e-6])
    found = judge(
        replace(TIMING, summary=shown, conservation=replace(CONSERVED, quiet_s=20e-6)), SMALL, "cpu"
    )

    assert next(check.holds for check in found.checks if check.name == EPOCH) is None


def test_a_fastest_epoch_that_other_work_slowed_down_shows_nothing() -> None:
    slow = {"marginal_cpu_s": 50e-6, "marginal_wall_s": 50e-6}

    assert answers(**slow) == {}
    assert answers(**slow, others_share=BUSY) == {EPOCH: None}
    assert answers(**slow, others_share=None) == {}  # a system that does not tell is not taken for a busy one


def test_a_time_that_is_its_cost_holds() -> None:
    assert answers() == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"marginal_cpu_s": 1e-3}, {EPOCH: False}),
        ({"marginal_wall_s": 1e-3}, {EPOCH: False}),
        ({"net_s": 10e-6}, {EPOCH: False}),
        ({"marginal_cpu_s": 0.0, "marginal_wall_s": 0.0}, {EPOCH: False}),
        ({"marginal_cpu_s": 150e-6}, {EPOCH: None}),
        ({"marginal_cpu_s": 1e-3, "others_share": BUSY}, {EPOCH: None}),
        ({"marginal_cpu_s": 1e-3, "others_share": None}, {EPOCH: None}),
        ({"marginal_wall_s": 1e-3, "others_share": BUSY}, {}),
        ({"fixed_s": 0.1}, {"cost of a training beyond its epochs": False}),
        ({"fixed_s": 0.015}, {"cost of a training beyond its epochs": None}),
        ({"fixed_s": 0.1, "others_share": BUSY}, {"cost of a training beyond its epochs": None}),
        ({"marginal_cpu_s": 300e-6}, {EPOCH: False}),
        ({"marginal_cpu_s": 300e-6, "n_ranks": 2}, {EPOCH: None}),  # ranks wait, and not equally long
        ({"marginal_cpu_s": 1e-3, "n_ranks": 2}, {EPOCH: False}),
        ({"fixed_s": 0.03, "n_ranks": 2}, {"cost of a training beyond its epochs": None}),
        ({"fixed_s": 0.1, "n_ranks": 2}, {"cost of a training beyond its epochs": False}),
        ({"place_s": 0.1}, {"cost of placing the batches": False}),
        ({"place_s": 0.1, "copy_s": 0.05}, {}),
        ({"export_s": 0.1}, {"cost of an export": False}),
    ],
    ids=str,
)
def test_a_cost_that_is_not_shown_fails_unless_a_busy_machine_or_noise_explains_it(
    changes: dict[str, Any], expected: dict[str, bool | None]
) -> None:
    assert answers(**changes) == expected


@pytest.mark.parametrize(
    ("calls_us", "cause"),
    [
        ((100, *[1] * 12, 1200), "the CPU time of 12 epochs, in a training of 12, is spent in export"),
        ((1200, *[1] * 12, 10), "the CPU time of 12 epochs, in a training of 12, is spent in prepare"),
        (
            (100, 1, 1, 1, 1200, *[1] * 8, 10),
            "the CPU time of 12 epochs, in a training of 12, is spent in call 4 of run_epoch",
        ),
        ((100, *[1] * 12, 10), "results are remembered, or computed elsewhere"),
        ((100, *[100] * 12, 10), "run_epoch returns before its work is done"),
    ],
    ids=str,
)
def test_a_time_below_its_cost_names_the_call_that_the_cost_hides_in(
    calls_us: tuple[int, ...], cause: str
) -> None:
    found = judgement(net_s=1e-6, calls_cpu_s=tuple(us * 1e-6 for us in calls_us))

    (fault,) = (check.fault for check in found.checks if check.holds is False)
    assert cause in fault


def judgements(*shares: float, busy: bool = False, **changes: Any) -> list[Judgement]:
    """Make judgements of processes that show such shares of their cost, with other figures changed."""
    found = [judgement(marginal_cpu_s=100e-6 / share, **changes) for share in shares]
    return [replace(each, busy=busy) for each in found]


SLOW: dict[str, Any] = {"fixed_s": 0.015}
"""More than a training may cost beyond its epochs, but less than twice as much."""


@pytest.mark.parametrize(
    ("processes", "holds"),
    [
        (judgements(0.9), True),
        (judgements(0.7, 0.9, 0.95), True),
        (judgements(0.9, 0.7, 0.75), False),
        (judgements(0.9, 0.7, 0.75, busy=True), None),
        (judgements(0.7), None),
        (judgements(0.7, 0.7), None),
        (judgements(0.9, **SLOW), None),
        ([*judgements(0.9, 0.9), *judgements(0.9, **SLOW)], True),
        ([*judgements(0.9), *judgements(0.9, 0.9, **SLOW)], False),
        ([*judgements(0.9), *judgements(0.9, 0.9, busy=True, **SLOW)], None),
    ],
    ids=[
        *("one", "one of three low", "two of three low", "busy", "one low", "two low"),
        *("one beyond a limit", "one of three", "two of three", "two of three, busy"),
    ],
)
def test_the_median_of_a_case_decides_if_there_are_three_processes_on_a_quiet_machine(
    processes: list[Judgement], holds: object
) -> None:
    assert judge_all(processes).holds is holds


def test_a_case_that_is_beyond_another_limit_names_that_limit() -> None:
    fault = judge_all(judgements(0.9, 0.9, 0.9, **SLOW)).fault

    assert fault.startswith("cost of a training beyond its epochs: expected at most")
    assert "in 3 of 3 processes" in fault


def test_a_trial_that_ends_elsewhere_than_the_reference_fails_and_names_its_seeds() -> None:
    wrong = Trial(**(vars(TRIAL) | {"end": Outcome(losses=[9.0] * 4, weight=[0.0, 0.0], bias=[0.0])}))

    (fault,) = (check.fault for check in judgement(trials=(wrong,)).checks if check.holds is False)

    assert fault.startswith(
        "ends of the trainings on unseen data: expected the reference's losses and parameters"
    )
    assert "after epoch 12, data of seed 7, parameters of seed 8, after values were changed" in fault


def test_a_trial_that_saturates_is_compared_in_float32_even_if_the_case_does_not() -> None:
    problem, seed = Problem(batch_size=10, feature_scale=10), 1234567
    workload = Workload.of(cast("Implementation", numpy_float32), problem)
    trial = run_trial(workload, [*unseen_epochs(problem, seed)], seed=seed + 1, n_epochs=125, announced=125)

    ends = judgement(problem, data_seed=seed, trials=(trial,), is_fresh=None).checks[0]

    assert reference_for(problem).precision == "float64"
    assert ends.holds, ends.found


@pytest.mark.usefixtures("judged")
def test_a_case_that_could_not_be_checked_is_not_measured_and_shows_no_time() -> None:
    result = CaseResult(Case(TORCH, "cpu", SMALL))
    busy = replace(CONSERVED, marginal_cpu_s=1e-3, others_share=BUSY)
    result.add(
        replace(measurement_of(SMALL), timing=replace(TIMING, conservation=busy)), round_=0, position=0
    )

    result.settle()

    assert (result.row().verdict, result.row().processes) == (Verdict.NOT_MEASURED, ())
    assert "could not be checked: other work took the core in 1 of them" in (result.row().reason or "")
