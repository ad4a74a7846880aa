"""The rounds: interleaving, and what a crash, a hang, an error or Ctrl-C costs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.code_digest import timed_code_digest
from benchmarks.cases.implementations import read_entry
from benchmarks.records.row import Row, Verdict
from benchmarks.runner import dispatch
from benchmarks.runner import rounds as rounds_
from benchmarks.runner.case import UNREACHED, Case, CaseResult
from benchmarks.runner.launch import launch
from benchmarks.runner.rounds import Settings, run_rounds
from benchmarks.runner.system import choose_cpus
from benchmarks.verify import agreement
from impls.contract import Problem
from tests.conftest import SMALL
from tests.verify.test_fairness import FAIR

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.records.row import Agreement
    from benchmarks.runner.launch import Report
    from benchmarks.worker.messages import Job, Measurement
    from tests.conftest import Copy

OTHER = Problem(batch_size=16, n_batches=2, n_epochs=3)
RUN_EPOCH = '    """Train on each batch in order."""\n'


@dataclass
class Listener:
    """Keeps what it is told; may interrupt."""

    interrupt_at: int = -1
    heard: list[str] = field(default_factory=list)

    def planned(self, n_workers: int) -> None:
        self.heard.append(f"{n_workers} workers")

    def advanced(self, description: str) -> None:
        if len(self.heard) == self.interrupt_at:
            raise KeyboardInterrupt
        self.heard.append(description)

    def recalled(self) -> None:
        self.heard[-1] += " (recalled)"


def rows_of(
    paths: list[Path], folder: Path, listener: Listener | None = None, **settings: float
) -> dict[tuple[str, Problem], Row]:
    cases = [Case(read_entry(path), "cpu", problem) for path in paths for problem in (SMALL, OTHER)]
    given = Settings(**{"rounds": 2, "sample_s": 0.002, "cpus": choose_cpus(1), **settings})  # type: ignore[arg-type]
    case_results, _ = run_rounds(cases, given, folder, listener or Listener())
    return {
        (case_result.case.entry.name, case_result.case.problem): case_result.row()
        for case_result in case_results
    }


def test_each_round_runs_a_fresh_process_per_implementation_and_keeps_its_figures_apart(
    numpy_float32: Path, tmp_path: Path
) -> None:
    row = rows_of([numpy_float32], tmp_path, rounds=3)["numpy_float32", SMALL]

    assert row.verdict is Verdict.VERIFIED
    assert row.code_digest == timed_code_digest(numpy_float32)
    assert [process.round for process in row.processes] == [0, 1, 2]
    assert all(0 < p.min_s <= p.median_s <= p.max_s for p in row.processes)
    assert all(p.n_samples >= p.n_kept >= 1 for p in row.processes)


def test_rounds_are_interleaved_and_shuffled(numpy_float32: Path, copy_of: Copy, tmp_path: Path) -> None:
    second = copy_of("numpy_float32", as_name="second")
    listener = Listener()

    rows_of([numpy_float32, second], tmp_path, listener, rounds=8, sample_s=0.0)

    rounds = [heard.rsplit(": ", 1)[1] for heard in listener.heard if heard.startswith("round")]
    pairs = list(zip(rounds[::2], rounds[1::2], strict=True))
    assert listener.heard[0] == "18 workers"  # the inspection is a round too
    assert all(set(pair) == {"numpy_float32 on cpu", "second on cpu"} for pair in pairs)
    assert len(set(pairs)) == 2  # both orders occur


def test_a_worker_killed_by_sigkill_costs_the_case_it_was_at_and_says_so(
    numpy_float32: Path, copy_of: Copy, tmp_path: Path
) -> None:
    kill = "    import os\n    if len(batches) == 4: os.kill(os.getpid(), 9)\n"
    killed = copy_of("numpy_float32", (RUN_EPOCH, RUN_EPOCH + kill), as_name="killed")

    for seed in (0, 1, 2):  # whichever problem comes first
        (tmp_path / str(seed)).mkdir()
        rows = rows_of([killed, numpy_float32], tmp_path / str(seed), rounds=1, seed=seed)

        assert rows["killed", SMALL].verdict is Verdict.FAILED
        assert "killed by SIGKILL; often this is the system being out" in (rows["killed", SMALL].reason or "")
        assert rows["killed", OTHER].verdict is Verdict.VERIFIED
        assert rows["numpy_float32", SMALL].verdict is Verdict.VERIFIED
        assert rows["numpy_float32", OTHER].verdict is Verdict.VERIFIED


def test_a_worker_that_hangs_is_stopped_at_the_time_limit(
    numpy_float32: Path, copy_of: Copy, tmp_path: Path
) -> None:
    sleep = "    import time\n    if len(batches) == 4: time.sleep(3600)\n"
    hanging = copy_of("numpy_float32", (RUN_EPOCH, RUN_EPOCH + sleep), as_name="hanging")

    rows = rows_of([hanging, numpy_float32], tmp_path, worker_timeout_s=5.0)

    assert rows["hanging", SMALL].verdict is Verdict.FAILED
    assert "no result within 5 s, killed (--worker-timeout raises the limit)" in (
        rows["hanging", SMALL].reason or ""
    )
    assert rows["hanging", OTHER].verdict is Verdict.VERIFIED
    assert rows["numpy_float32", SMALL].verdict is Verdict.VERIFIED


def test_an_implementation_that_raises_on_import_costs_its_own_rows_and_keeps_its_reason(
    numpy_float32: Path, copy_of: Copy, tmp_path: Path
) -> None:
    broken = copy_of(
        "numpy_float32", ("import numpy as np\n", "import numpy as np\nimport no_such\n"), as_name="broken"
    )

    rows = rows_of([broken, numpy_float32], tmp_path)

    for problem in (SMALL, OTHER):
        assert rows["broken", problem].verdict is Verdict.FAILED
        assert "could not be loaded" in (rows["broken", problem].reason or "")
        assert "No module named 'no_such'" in (rows["broken", problem].reason or "")
        assert rows["numpy_float32", problem].verdict is Verdict.VERIFIED


def test_an_exception_costs_only_the_case_that_raised_it(copy_of: Copy, tmp_path: Path) -> None:
    raising = copy_of(
        "numpy_float32",
        (RUN_EPOCH, RUN_EPOCH + "    if len(batches) == 4: raise MemoryError('too large')\n"),
        as_name="raising",
    )

    rows = rows_of([raising], tmp_path)

    assert rows["raising", SMALL].verdict is Verdict.FAILED
    assert rows["raising", SMALL].reason == "MemoryError: too large"
    assert rows["raising", OTHER].verdict is Verdict.VERIFIED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ([("def export(", "def exports(")], "lacks export: an implementation defines FRAMEWORK"),
        ([('FRAMEWORK = "numpy"\n', "")], "lacks FRAMEWORK"),
        ([("import numpy as np\n", "import numpy as np\n(\n")], "was never closed"),
    ],
    ids=["a function is missing", "no framework", "a syntax error"],
)
def test_a_file_that_is_no_implementation_says_what_it_lacks(
    changes: list[tuple[str, str]], reason: str, copy_of: Copy, tmp_path: Path
) -> None:
    row = rows_of([copy_of("numpy_float32", *changes)], tmp_path)["copy", SMALL]

    assert row.verdict is Verdict.FAILED
    assert reason in (row.reason or "")


def test_a_framework_that_is_not_installed_means_not_measured(copy_of: Copy, tmp_path: Path) -> None:
    absent = copy_of("numpy_float32", ('FRAMEWORK = "numpy"', 'FRAMEWORK = "no_such_framework"'))

    row = rows_of([absent], tmp_path)["copy", SMALL]

    assert (row.verdict, row.reason) == (Verdict.NOT_MEASURED, "no_such_framework is not installed")


def test_an_invalid_case_is_not_run_again_and_keeps_no_times(copy_of: Copy, tmp_path: Path) -> None:
    wrong = copy_of("numpy_float32", ("problem.learning_rate, vector", "2 * problem.learning_rate, vector"))
    listener = Listener()

    rows = rows_of([wrong], tmp_path, listener, rounds=3)

    assert {row.verdict for row in rows.values()} == {Verdict.INVALID}
    assert all(row.processes == () for row in rows.values())
    assert [heard for heard in listener.heard if heard.startswith("round 2")] == []


def test_a_case_that_turns_out_invalid_in_a_later_round_loses_the_times_it_had(numpy_float32: Path) -> None:
    case_result = CaseResult(Case(read_entry(numpy_float32), "cpu", SMALL))
    bad = replace(FAIR, data_digest="0" * 16)

    case_result.add(FAIR, round_=0, position=0)
    assert case_result.row().processes
    case_result.add(bad, round_=1, position=0)

    assert case_result.row().verdict is Verdict.INVALID
    assert case_result.row().processes == ()
    assert case_result.kept_s == []


def test_no_round_is_begun_that_would_end_after_the_budget_but_the_first_always_is(
    numpy_float32: Path, tmp_path: Path
) -> None:
    row = rows_of([numpy_float32], tmp_path, rounds=9, max_time_s=1e-6)["numpy_float32", SMALL]

    assert len(row.processes) == 1
    assert row.verdict is Verdict.VERIFIED


@pytest.mark.parametrize(
    ("first_s", "rounds"),
    [
        (60, [4, 4]),  # half of the ten minutes each
        (300, [1, 3]),  # six minutes, for a first round always runs, and what is left
    ],
)
def test_each_block_gets_its_share_of_what_is_left_of_the_budget(
    first_s: int, rounds: list[int], numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listener()

    def now_s() -> float:
        """Let so much time pass with the first inspection, and a minute with all else that begins."""
        n_begun = sum(heard.startswith("block") for heard in listener.heard)
        return first_s + 60.0 * (n_begun - 1) if n_begun else 0.0

    monkeypatch.setattr(rounds_, "PROBLEMS_PER_BLOCK", 1)
    monkeypatch.setattr(rounds_, "time", SimpleNamespace(monotonic=now_s))

    rows = rows_of([numpy_float32], tmp_path, listener, rounds=9, max_time_s=600.0)

    assert [len(row.processes) for row in rows.values()] == rounds


def test_a_run_out_of_budget_finds_every_block_again(
    numpy_float32: Path, copy_of: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds_, "PROBLEMS_PER_BLOCK", 1)
    both = [numpy_float32, copy_of("numpy_float32", as_name="second")]
    before, after = Listener(), Listener()

    rows_of(both, tmp_path, before, rounds=4, max_time_s=1e-6)
    rows_of(both, tmp_path, after, rounds=4)

    begun = {heard for heard in before.heard if heard.startswith("block")}
    found = {heard.removesuffix(" (recalled)") for heard in after.heard if heard.endswith("(recalled)")}
    assert len(begun) == 2 * 2 * 2  # of both blocks, an inspection and a round, each of both
    assert found == begun


def test_ctrl_c_keeps_what_was_measured_and_says_what_was_not(numpy_float32: Path, tmp_path: Path) -> None:
    rows = rows_of([numpy_float32], tmp_path, Listener(interrupt_at=7), rounds=9)  # each round is two lines

    assert {len(row.processes) for row in rows.values()} == {2}
    assert {row.verdict for row in rows.values()} == {Verdict.VERIFIED}


def test_ctrl_c_before_the_first_result_leaves_rows_that_say_so(numpy_float32: Path, tmp_path: Path) -> None:
    rows = rows_of([numpy_float32], tmp_path, Listener(interrupt_at=1))

    assert {row.verdict for row in rows.values()} == {Verdict.NOT_MEASURED}
    assert {row.reason for row in rows.values()} == {UNREACHED.reason}


def test_trainings_that_do_not_all_take_the_same_number_of_steps_fail(copy_of: Copy, tmp_path: Path) -> None:
    # The first training is thrown away; from the third on, one loss fewer is exported.
    growing = copy_of(
        "numpy_float32",
        ("    return State(\n", "    global n_prepared\n    n_prepared += 1\n    return State(\n"),
        ('TIER = "eager"\n', 'TIER = "eager"\nn_prepared = 0\n'),
        ("np.array(state.losses)", "np.array(state.losses[: 6 - min(n_prepared, 3)])"),
    )

    row = rows_of([growing], tmp_path)["copy", SMALL]

    assert row.verdict is Verdict.FAILED
    assert "expected every training to take the same number of steps, found [9, 12]" in (row.reason or "")


@pytest.mark.parametrize("where", ["an epoch", "the import"])
def test_a_worker_that_ends_without_an_answer_has_failed_even_with_exit_status_0(
    where: str, copy_of: Copy, tmp_path: Path
) -> None:
    leave = (
        (RUN_EPOCH, RUN_EPOCH + "    import sys\n    sys.exit(0)\n")
        if where == "an epoch"
        else ("import numpy as np\n", "import sys\nimport numpy as np\nsys.exit(0)\n")
    )

    row = rows_of([copy_of("numpy_float32", leave)], tmp_path, rounds=1)["copy", SMALL]

    assert row.verdict is Verdict.FAILED
    assert "ended early, with exit status 0" in (row.reason or "")


def test_a_problem_too_large_for_memory_costs_its_own_row(numpy_float32: Path, tmp_path: Path) -> None:
    entry = read_entry(numpy_float32)
    cases = [Case(entry, "cpu", problem) for problem in (replace(SMALL, batch_size=10**16), SMALL)]

    case_results, interrupted = run_rounds(
        cases, Settings(rounds=1, sample_s=0.0, cpus=choose_cpus(1)), tmp_path, Listener()
    )

    assert interrupted is None
    assert [case_result.row().verdict for case_result in case_results] == [Verdict.FAILED, Verdict.VERIFIED]
    assert "MemoryError" in (case_results[0].row().reason or "")


def test_a_result_that_the_harness_can_not_judge_costs_its_own_row(
    numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = agreement.check

    def broken(problem: Problem, measurement: Measurement) -> Agreement:
        if problem == SMALL:
            message = "no judgement"
            raise ArithmeticError(message)
        return check(problem, measurement)

    monkeypatch.setattr(agreement, "check", broken)
    rows = rows_of([numpy_float32], tmp_path)

    assert rows["numpy_float32", SMALL].reason == "could not be verified: ArithmeticError: no judgement"
    assert rows["numpy_float32", OTHER].verdict is Verdict.VERIFIED


def test_a_full_disk_ends_the_contest_like_ctrl_c(
    numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[str] = []

    def full_from_the_third_on(job: Job, folder: Path, name: str) -> Report:
        if len(launched) == 2:  # the inspection and one round
            raise OSError(28, "No space left on device")
        launched.append(name)
        return launch(job, folder, name)

    monkeypatch.setattr(dispatch, "launch", full_from_the_third_on)
    cases = [Case(read_entry(numpy_float32), "cpu", SMALL)]
    case_results, interrupted = run_rounds(
        cases, Settings(rounds=3, sample_s=0.001, cpus=choose_cpus(1)), tmp_path, Listener()
    )

    assert interrupted == "[Errno 28] No space left on device"
    assert len(case_results[0].row().processes) == 1
