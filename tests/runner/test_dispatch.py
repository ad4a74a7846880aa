"""Workers: what a crash, a hang or an error costs, and how the row names it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.errors import MAX_TEXT
from benchmarks.records.row import Verdict
from benchmarks.runner import dispatch
from benchmarks.runner.case import Case
from benchmarks.runner.rounds import run_rounds
from benchmarks.runner.settings import Settings
from benchmarks.runner.system import choose_cpus
from benchmarks.verify import agreement
from tests.conftest import SMALL
from tests.helpers.rounds import OTHER, Listener, answer, rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.records.row import Agreement
    from benchmarks.runner.answers import Report
    from benchmarks.worker.messages import Job, Measurement
    from impls.contract import Problem
    from tests.conftest import Copy

pytestmark = pytest.mark.usefixtures("forked")

RUN_EPOCH = '    """Train on each batch in order."""\n'


def test_a_worker_killed_by_sigkill_costs_the_case_it_was_at_and_says_so(
    numpy_float32: Path, copy_of: Copy, tmp_path: Path
) -> None:
    kill = "    import os\n    if len(batches) == 4 and len(batches[0][1]) == 32: os.kill(os.getpid(), 9)\n"
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
    sleep = "    import time\n    if len(batches) == 4 and len(batches[0][1]) == 32: time.sleep(3600)\n"
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
        (
            RUN_EPOCH,
            RUN_EPOCH
            + "    if len(batches) == 4 and len(batches[0][1]) == 32: raise MemoryError('too large')\n",
        ),
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


def test_trainings_that_do_not_all_take_the_same_number_of_steps_fail(copy_of: Copy, tmp_path: Path) -> None:
    # In the third training on the problem itself, one loss fewer is exported.
    count = "    global n_prepared\n    n_prepared += problem.batch_size == 32\n"
    growing = copy_of(
        "numpy_float32",
        ("    return State(\n", f"{count}    return State(\n"),
        ('TIER = "eager"\n', 'TIER = "eager"\nn_prepared = 0\n'),
        ("np.array(state.losses)", "np.array(state.losses[: 4 - (n_prepared == 3)])"),
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

    results, interrupted = run_rounds(
        cases, Settings(rounds=1, sample_s=0.0, cpus=choose_cpus(1)), tmp_path, Listener()
    )

    assert interrupted is None
    assert [result.row().verdict for result in results] == [Verdict.FAILED, Verdict.VERIFIED]
    assert "MemoryError" in (results[0].row().reason or "")


def test_a_result_that_the_harness_can_not_verify_costs_its_own_row(
    numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = agreement.check

    def broken(problem: Problem, measurement: Measurement) -> Agreement:
        if problem == SMALL:
            message = "no verdict"
            raise ArithmeticError(message)
        return check(problem, measurement)

    monkeypatch.setattr(agreement, "check", broken)
    rows = rows_of([numpy_float32], tmp_path)

    assert rows["numpy_float32", SMALL].reason == "could not be verified: ArithmeticError: no verdict"
    assert rows["numpy_float32", OTHER].verdict is Verdict.VERIFIED


NEW_LINE = b"\n"
NOISE = {"no text": b"\xff\xfe", "of an odd type": b'{"type": []}'}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_a_line_that_is_no_answer_costs_the_case_that_wrote_it_and_no_other(
    noise: bytes, numpy_float32: Path, copy_of: Copy, tmp_path: Path
) -> None:
    write = "    import sys\n    if len(batches[0][1]) == 32: open(sys.argv[2], 'ab').write(NOISE)\n"
    noisy = copy_of("numpy_float32", (RUN_EPOCH, RUN_EPOCH + write), as_name="noisy")
    noisy.write_text(f"{noisy.read_text()}\nNOISE = {noise + NEW_LINE!r}\n")

    rows = rows_of([noisy, numpy_float32], tmp_path, rounds=1)

    assert "its answer can't be read" in (rows["noisy", SMALL].reason or "")
    assert rows["noisy", SMALL].verdict is Verdict.FAILED
    assert rows["noisy", OTHER].verdict is Verdict.VERIFIED
    assert rows["numpy_float32", SMALL].verdict is Verdict.VERIFIED


def test_endless_output_of_a_worker_is_cut_and_its_end_is_kept(copy_of: Copy, tmp_path: Path) -> None:
    shout = "    import sys\n    for _ in range(40): sys.stderr.write('x' * 2**20)\n"
    shout += "    raise ValueError('the end')\n"
    noisy = copy_of("numpy_float32", (RUN_EPOCH, RUN_EPOCH + shout), as_name="noisy")

    rows = rows_of([noisy], tmp_path, rounds=1)

    assert rows["noisy", SMALL].reason == "ValueError: the end"
    logs = [log.stat().st_size for log in tmp_path.glob("*.log")]
    assert logs
    assert max(logs) < 40 * 2**20


def test_a_long_reason_is_shortened_where_it_enters(copy_of: Copy, tmp_path: Path) -> None:
    long = "    raise ValueError('the beginning' + 'x' * 10**6 + 'the end')\n"
    noisy = copy_of("numpy_float32", (RUN_EPOCH, RUN_EPOCH + long), as_name="noisy")

    reason = rows_of([noisy], tmp_path, rounds=1)["noisy", SMALL].reason or ""

    assert reason.startswith("ValueError: the beginning")
    assert reason.endswith("the end")
    assert "characters left out" in reason
    assert len(reason) < MAX_TEXT + 100


def test_each_process_draws_other_unseen_values(
    numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Job] = []

    def launched(job: Job, folder: Path, name: str, beside: object) -> Report:
        jobs.append(job)
        return answer(job, folder, name, beside)

    monkeypatch.setattr(dispatch, "launch", launched)
    rows_of([numpy_float32], tmp_path, rounds=3)

    assert len({job.unseen_seed for job in jobs}) == len(jobs) > 3
