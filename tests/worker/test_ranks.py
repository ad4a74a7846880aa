"""Ranks of one worker: they decide alike, keep to their own cores, and end together."""

from __future__ import annotations

import math
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.errors import ContractError
from benchmarks.records.row import Verdict
from benchmarks.runner.case import Case, CaseResult
from benchmarks.worker.messages import Failure, Job, Measurement
from benchmarks.worker.ranks import Group, own_part, ranks_of, see_own_gpu
from benchmarks.worker.start import load
from impls.contract import Problem, Ranks
from tests.conftest import SMALL
from tests.helpers.ranks import MEAN, numpy_ranks, run_ranks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.conftest import Copy
    from tests.helpers.forks import Forks

pytestmark = pytest.mark.usefixtures("every_cpu")

RAGGED = replace(SMALL, n_batches=3, last_batch_size=2, data="stream")
STOPPING = Problem(batch_size=20, n_batches=2, n_epochs=40, target_loss=0.5, max_loss_change=0.1)
EPOCH = "    state.losses = []\n"


def test_ranks_agree_with_the_reference_at_every_step_and_with_each_other_in_every_bit(
    copy_of: Copy, starters: list[Forks], tmp_path: Path
) -> None:
    path = numpy_ranks(copy_of)
    problems = [SMALL, RAGGED, STOPPING]

    ranks = run_ranks(path, problems, tmp_path, starters=starters, sample_s=0.01, inspects=True)

    assert [rank.status for rank in ranks] == [0, 0], ranks
    for problem, *answers in zip(problems, *(rank.measurements for rank in ranks), strict=True):
        for answer in answers:
            result = CaseResult(Case(read_entry(path), "cpu", problem))
            result.add(answer, round_=0, position=0)
            assert result.row().verdict is Verdict.VERIFIED, result.row().reason
        first, second = answers
        for name in ("lowest", "highest", "own_size"):
            assert getattr(first, name) == getattr(second, name)
        assert first.inspection
        assert second.inspection
        assert first.inspection.unseen == second.inspection.unseen


def test_each_epoch_takes_as_long_as_on_the_slowest_rank(
    copy_of: Copy, starters: list[Forks], tmp_path: Path
) -> None:
    path = numpy_ranks(copy_of, (EPOCH, f"{EPOCH}    time.sleep(0.02 * RANKS.rank)\n"))

    first, second = run_ranks(path, [replace(SMALL, n_batches=1)], tmp_path, starters=starters, sample_s=0.01)

    (own,), (other) = first.measurements, second.measurements
    assert own.timing
    assert other[0].timing
    assert own.timing.summary == other[0].timing.summary
    assert own.timing.summary.min_s >= 0.02


@pytest.mark.parametrize("rank", [0, 1])
def test_ranks_whose_losses_differ_stop_after_the_same_epoch(
    rank: int, copy_of: Copy, starters: list[Forks], tmp_path: Path
) -> None:
    path = numpy_ranks(
        copy_of,
        (
            "EpochResult(np.array(state.losses)",
            f"EpochResult(np.array(state.losses) + (RANKS.rank == {rank})",
        ),
    )

    ranks = run_ranks(path, [STOPPING], tmp_path, starters=starters, sample_s=0.01)

    assert [rank.status for rank in ranks] == [0, 0], ranks
    n_steps = {len(answer.lowest.losses) for rank in ranks for answer in rank.measurements}
    assert len(n_steps) == 1
    assert 0 < n_steps.pop() < STOPPING.n_epochs * STOPPING.n_batches


@pytest.mark.usefixtures("unhurried")  # else each trial is an epoch or two, whatever it costs
def test_ranks_of_which_one_computes_longer_decide_alike_how_much_to_train(
    copy_of: Copy, starters: list[Forks], tmp_path: Path
) -> None:
    spin = (
        "    until = time.process_time() + 1e-3 * RANKS.rank\n    while time.process_time() < until: pass\n"
    )
    path = numpy_ranks(copy_of, (EPOCH, f"{EPOCH}{spin}"))

    ranks = run_ranks(path, [SMALL], tmp_path, starters=starters, sample_s=0.05, within_s=60)

    assert [rank.status for rank in ranks] == [0, 0], ranks  # ranks that decide by themselves wait forever
    timings = [answer.timing for rank in ranks for answer in rank.measurements]
    lengths = [{trial.n_epochs for trial in timing.conservation.trials} for timing in timings if timing]
    assert len(lengths) == 2
    assert lengths[0] == lengths[1]


@pytest.mark.parametrize("where", [EPOCH, "    return [(x[own_rows(y)]"])
def test_a_rank_that_raises_ends_and_with_it_the_others(
    where: str, copy_of: Copy, starters: list[Forks], tmp_path: Path
) -> None:
    path = numpy_ranks(copy_of, (where, f"    1 / (1 - RANKS.rank)\n{where}"))

    first, second = run_ranks(path, [SMALL, RAGGED], tmp_path, starters=starters, within_s=60)

    assert second.status == 1
    assert "ZeroDivisionError: division by zero" in second.log
    assert first.status == 1
    assert "EOFError" in first.log


def test_a_problem_that_fails_on_a_rank_is_its_last(
    copy_of: Copy, starters: list[Forks], tmp_path: Path
) -> None:
    path = numpy_ranks(copy_of, (EPOCH, f"{EPOCH}    1 / (1 - RANKS.rank * (len(batches) == 3))\n"))

    first, second = run_ranks(path, [SMALL, RAGGED, SMALL], tmp_path, starters=starters, within_s=60)

    assert [type(message) for message in second.messages[1:]] == [Measurement, Failure]
    assert [type(message) for message in first.messages[1:]] == [Measurement, Failure]
    assert [first.status, second.status] == [1, 1]


def test_shortly_before_the_time_limit_the_log_says_where_each_rank_hangs(
    copy_of: Copy, starters: list[Forks], tmp_path: Path
) -> None:
    path = numpy_ranks(
        copy_of,
        ("SPANS_RANKS = True\n", "SPANS_RANKS = True\nFIRST = iter([1.5])\n"),
        (EPOCH, f"{EPOCH}    time.sleep(next(FIRST, 0) * RANKS.rank)\n"),
    )

    first, second = run_ranks(
        path, [SMALL], tmp_path, starters=starters, worker_timeout_s=1
    )  # here, nothing else limits it

    assert [first.status, second.status] == [0, 0], first
    latest = r"\(most recent call first\):\n  File .*"
    assert re.search(rf"{latest} in run_epoch", second.log)
    assert not re.search(rf"{latest} in run_epoch", first.log)
    assert "in reduced" in first.log


WRONG = {
    "summed": (MEAN, MEAN.replace("np.mean", "np.sum")),
    "no averaging": (MEAN, "pass"),
    "only the first rank's loss": (
        MEAN,
        f"{MEAN.replace('loss = ', '_ = ')}; loss = reduced(np.float32(loss * (RANKS.rank == 0)), np.sum)",
    ),
    "one rank's rows of the next batch": (
        "return [(x[own_rows(y)]",
        "batches = [*batches[RANKS.rank :], *batches[: RANKS.rank]]\n    return [(x[own_rows(y)]",
    ),
    "another weight at the start of one rank": (
        "vector = np.append(parameters.weight, parameters.bias)",
        "vector = np.append(parameters.weight + np.float32(0.01 * RANKS.rank), parameters.bias)",
    ),
    "one rank skips the last step": (
        "adam(state, np.array(gradient))",
        "RANKS.rank == 1 and y is batches[-1][1] or adam(state, np.array(gradient))",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_loop_that_is_wrong_over_ranks_is_invalid_on_some_rank(
    mistake: str, copy_of: Copy, starters: list[Forks], tmp_path: Path
) -> None:
    path = numpy_ranks(copy_of, WRONG[mistake])

    ranks = run_ranks(path, [SMALL], tmp_path, starters=starters, n_unseen=0)

    assert [rank.status for rank in ranks] == [0, 0], ranks
    verdicts = []
    for rank in ranks:
        result = CaseResult(Case(read_entry(path), "cpu", SMALL))
        result.add(rank.measurements[0], round_=0, position=0)
        verdicts.append(result.row().verdict)
    assert Verdict.INVALID in verdicts


@pytest.mark.parametrize(
    ("exchange", "message"),
    [
        (lambda values: [value / 2 for value in values], "expected at least this rank's 0.004, found 0.002"),
        (lambda values: [0.003] * len(values), "expected at least this rank's 0.004, found 0.003"),
        (lambda values: [math.nan] * len(values), "expected at least this rank's 0.004, found nan"),
        (lambda values: values[1:], "expected 2 values, as many as it got, found 1"),
    ],
    ids=["shortened", "of another rank", "no number", "one left out"],
)
def test_an_exchange_that_makes_a_time_shorter_is_refused(
    exchange: Callable[[Sequence[float]], list[float]], message: str
) -> None:
    group = Group(Ranks(n_ranks=2), exchange)

    with pytest.raises(ContractError, match=message):
        group.largest([0.004, 0.002])


def test_an_exchange_in_float32_is_no_shorter_time() -> None:
    group = Group(Ranks(n_ranks=2), lambda values: np.array(values, np.float32).tolist())

    assert group.largest([0.1, 0.3, -0.7, math.inf]) == pytest.approx([0.1, 0.3, -0.7, math.inf])


def test_a_loop_that_exchanges_shorter_times_is_invalid(
    copy_of: Copy, starters: list[Forks], tmp_path: Path
) -> None:
    largest = "reduced(np.array(values), np.max)"
    path = numpy_ranks(copy_of, (f"{largest}.tolist()", f"({largest} * (len(values) != 3 or 0.5)).tolist()"))

    ranks = run_ranks(path, [SMALL], tmp_path, starters=starters, sample_s=0.01)  # 3 epochs a training

    failures = [message for rank in ranks for message in rank.messages if isinstance(message, Failure)]
    assert any(each.is_invalid and "largest: expected at least" in each.reason for each in failures)


def test_a_rank_keeps_to_its_share_of_the_cpus() -> None:
    job = Job(path="", framework="", devices=("cpu",), n_ranks=2, cpus=(3, 5, 7, 9))

    assert own_part(job, Ranks(rank=1, n_ranks=2)).cpus == (7, 9)
    assert own_part(replace(job, n_ranks=1), Ranks()) == replace(job, n_ranks=1)


@pytest.mark.parametrize(("listed", "own"), [(None, "1"), ("4,6", "6"), ("", ""), ("4", "")])
def test_a_rank_sees_its_own_gpu_only(listed: str | None, own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if listed is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", listed)

    see_own_gpu(Ranks(rank=3, n_ranks=4, local_rank=1))

    assert os.environ["CUDA_VISIBLE_DEVICES"] == own


def test_ranks_meet_at_another_port_than_that_of_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    of_torchrun = {
        "RANK": "1",
        "WORLD_SIZE": "2",
        "LOCAL_RANK": "0",
        "MASTER_ADDR": "a",
        "MASTER_PORT": "29500",
    }
    for name, value in of_torchrun.items():
        monkeypatch.setenv(name, value)

    found = ranks_of(Job(path="", framework="", devices=("cpu",), n_ranks=2))

    assert found == Ranks(rank=1, n_ranks=2, local_rank=0, address="a", port=29501)


def test_an_environment_that_is_no_ranks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    job = Job(path="", framework="", devices=("cpu",), n_ranks=2)

    with pytest.raises(RuntimeError, match=r"expected the variables of one of 2 ranks, .* 'WORLD_SIZE': '3'"):
        ranks_of(job)
    assert ranks_of(replace(job, n_ranks=1)) == Ranks()


def test_a_file_that_declares_to_span_ranks_has_all_functions_for_it(copy_of: Copy) -> None:
    lacking = copy_of("numpy_float32", ("USUAL = True\n", "SPANS_RANKS = True\n"))

    with pytest.raises(AttributeError, match="lacks join, leave, largest"):
        load(lacking)
