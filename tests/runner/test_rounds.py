"""The rounds: interleaving, the time limit, and interruptions."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.code_digest import timed_code_digest
from benchmarks.cases.implementations import read_entry
from benchmarks.records.row import Verdict
from benchmarks.runner import dispatch
from benchmarks.runner import rounds as rounds_
from benchmarks.runner.case import UNREACHED, Case, CaseResult
from benchmarks.runner.rounds import run_rounds
from benchmarks.runner.settings import Settings
from benchmarks.runner.system import choose_cpus
from tests.conftest import SMALL
from tests.helpers.rounds import Listener, answer, rows_of
from tests.verify.test_fairness import FAIR

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.runner.answers import Report
    from benchmarks.worker.messages import Job
    from tests.conftest import Copy

pytestmark = pytest.mark.usefixtures("forked")


@pytest.fixture
def stand_in_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every worker answer at once that its cases are right and fair."""
    monkeypatch.setattr(dispatch, "launch", answer)


def test_each_round_runs_a_fresh_process_per_implementation_and_keeps_its_figures_apart(
    numpy_float32: Path, tmp_path: Path
) -> None:
    row = rows_of([numpy_float32], tmp_path, rounds=3)["numpy_float32", SMALL]

    assert row.verdict is Verdict.VERIFIED
    assert row.code_digest == timed_code_digest(numpy_float32)
    assert [process.round for process in row.processes] == [0, 1, 2]
    assert all(0 < p.min_s <= p.median_s <= p.max_s for p in row.processes)
    assert all(p.n_samples >= p.n_kept >= 1 for p in row.processes)


@pytest.mark.usefixtures("stand_in_workers")
def test_the_first_round_inspects_and_its_first_call_is_the_cold_one(
    numpy_float32: Path, tmp_path: Path
) -> None:
    row = rows_of([numpy_float32], tmp_path, rounds=3)["numpy_float32", SMALL]

    assert row.costs
    assert row.costs.cold_first_call_s == FAIR.first_call_s
    assert [process.first_call_s for process in row.processes] == [None, *2 * [FAIR.first_call_s]]
    assert row.first_call_s == FAIR.first_call_s
    assert replace(row, processes=row.processes[:1]).first_call_s is None


@pytest.mark.usefixtures("stand_in_workers")
def test_rounds_are_interleaved_and_shuffled(numpy_float32: Path, copy_of: Copy, tmp_path: Path) -> None:
    second = copy_of("numpy_float32", as_name="second")
    listener = Listener()

    rows_of([numpy_float32, second], tmp_path, listener, rounds=8, sample_s=0.0)

    rounds = [heard.rsplit(": ", 1)[1] for heard in listener.heard if heard.startswith("round")]
    pairs = list(zip(rounds[::2], rounds[1::2], strict=True))
    assert listener.heard[0] == "18 workers"  # in the first round, each case has its own
    assert all(set(pair) == {"numpy_float32 on cpu", "second on cpu"} for pair in pairs)
    assert len(set(pairs)) == 2  # both orders occur


def test_a_case_that_was_verified_and_never_timed_is_not_measured(
    numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def untimed(job: Job, folder: Path, name: str, beside: object) -> Report:
        return answer(replace(job, sample_s=0.0), folder, name, beside)

    monkeypatch.setattr(dispatch, "launch", untimed)
    row = rows_of([numpy_float32], tmp_path)["numpy_float32", SMALL]

    assert row.agreement
    assert (row.verdict, row.reason) == (Verdict.NOT_MEASURED, UNREACHED.reason)


def test_an_invalid_case_is_not_run_again_and_keeps_no_times(copy_of: Copy, tmp_path: Path) -> None:
    wrong = copy_of("numpy_float32", ("problem.learning_rate, vector", "2 * problem.learning_rate, vector"))
    listener = Listener()

    rows = rows_of([wrong], tmp_path, listener, rounds=3)

    assert {row.verdict for row in rows.values()} == {Verdict.INVALID}
    assert {row.processes for row in rows.values()} == {()}
    assert [heard for heard in listener.heard if heard.startswith("round 2")] == []


def test_a_case_that_turns_out_invalid_in_a_later_round_loses_the_times_it_had(numpy_float32: Path) -> None:
    result = CaseResult(Case(read_entry(numpy_float32), "cpu", SMALL))
    bad = replace(FAIR, data_digest="0" * 16)

    result.add(FAIR, round_=0, position=0)
    assert result.row().processes
    result.add(bad, round_=1, position=0)

    assert result.row().verdict is Verdict.INVALID
    assert result.row().processes == ()
    assert result.kept_s == []


@pytest.mark.usefixtures("stand_in_workers")
def test_no_round_is_begun_that_would_end_after_the_time_but_the_first_always_is(
    numpy_float32: Path, tmp_path: Path
) -> None:
    row = rows_of([numpy_float32], tmp_path, rounds=9, max_time_s=1e-6)["numpy_float32", SMALL]

    assert len(row.processes) == 1
    assert row.verdict is Verdict.VERIFIED


@pytest.mark.usefixtures("stand_in_workers")
@pytest.mark.parametrize(
    ("first_s", "rounds"),
    [
        (60, [5, 5]),  # half of the ten minutes each
        (301, [1, 4]),  # more than that, for a first round always runs, and what is left
    ],
)
def test_each_block_gets_its_share_of_what_is_left_of_the_time(
    first_s: int, rounds: list[int], numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listener()

    def now_s() -> float:
        """Let so much time pass with the first round, and a minute with all else that begins."""
        n_begun = sum(heard.startswith("block") for heard in listener.heard)
        return first_s + 60.0 * (n_begun - 1) if n_begun else 0.0

    monkeypatch.setattr(rounds_, "PROBLEMS_PER_BLOCK", 1)
    monkeypatch.setattr(rounds_, "time", SimpleNamespace(monotonic=now_s))

    rows = rows_of([numpy_float32], tmp_path, listener, rounds=9, max_time_s=600.0)

    assert [len(row.processes) for row in rows.values()] == rounds


def test_a_run_out_of_time_finds_every_block_again(
    numpy_float32: Path, copy_of: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds_, "PROBLEMS_PER_BLOCK", 1)
    both = [numpy_float32, copy_of("numpy_float32", as_name="second")]
    before, after = Listener(), Listener()

    rows_of(both, tmp_path, before, rounds=4, max_time_s=1e-6)
    rows_of(both, tmp_path, after, rounds=4)

    begun = {heard for heard in before.heard if heard.startswith("block")}
    found = {heard.removesuffix(" (recalled)") for heard in after.heard if heard.endswith("(recalled)")}
    assert len(begun) == 2 * 2  # of both blocks, a round of both
    assert found == begun


@pytest.mark.usefixtures("stand_in_workers")
def test_ctrl_c_keeps_what_was_measured_and_says_what_was_not(numpy_float32: Path, tmp_path: Path) -> None:
    rows = rows_of(
        [numpy_float32], tmp_path, Listener(interrupt_at=6), rounds=9
    )  # a round is two lines, the first three

    assert {len(row.processes) for row in rows.values()} == {2}
    assert {row.verdict for row in rows.values()} == {Verdict.VERIFIED}


def test_ctrl_c_before_the_first_result_leaves_rows_that_say_so(numpy_float32: Path, tmp_path: Path) -> None:
    rows = rows_of([numpy_float32], tmp_path, Listener(interrupt_at=1))

    assert {row.verdict for row in rows.values()} == {Verdict.NOT_MEASURED}
    assert {row.reason for row in rows.values()} == {UNREACHED.reason}


def test_a_full_disk_ends_the_run_like_ctrl_c(
    numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[str] = []

    def full_from_the_third_on(job: Job, folder: Path, name: str, beside: object) -> Report:
        if len(launched) == 2:  # rounds
            raise OSError(28, "No space left on device")
        launched.append(name)
        return answer(job, folder, name, beside)

    monkeypatch.setattr(dispatch, "launch", full_from_the_third_on)
    cases = [Case(read_entry(numpy_float32), "cpu", SMALL)]
    results, interrupted = run_rounds(
        cases, Settings(rounds=3, sample_s=0.001, cpus=choose_cpus(1)), tmp_path, Listener()
    )

    assert interrupted == "[Errno 28] No space left on device"
    assert len(results[0].row().processes) == 2
