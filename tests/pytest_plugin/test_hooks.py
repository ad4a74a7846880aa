"""Which cases `pytest` measures, what it says of those it can't, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from benchmarks.paths import CODE
from benchmarks.records.row import Verdict
from benchmarks.records.run import read_run
from benchmarks.runner.signals import INTERRUPTED
from tests.helpers.processes import called_in
from tests.helpers.quiet import QUIETLY
from tests.pytest_plugin.calls import NAMES, OPTIONS, PROBLEMS, WRONG_STEP, pytest_

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Copy

pytestmark = pytest.mark.usefixtures("forked")


def test_disabled_each_case_runs_once_and_is_still_verified(numpy_float32: Path, copy_of: Copy) -> None:
    wrong = copy_of("numpy_float32", WRONG_STEP)

    good = pytest_("--benchmark-disable", "--impl", numpy_float32, "--device", "cpu")
    bad = pytest_("--benchmark-disable", "--impl", wrong, "--device", "cpu")

    assert good.returncode == 0, good.stdout
    assert "2 passed" in good.stdout
    assert "NOT TIMED" in good.stdout
    assert bad.returncode == 1
    assert "INVALID: loss of step 2 (epoch 1, batch 2): expected" in bad.stdout


def test_the_plugin_of_an_editable_install_collects_the_benchmark_in_any_folder(
    numpy_float32: Path, tmp_path: Path
) -> None:
    done = called_in(
        tmp_path,
        *(sys.executable, "-m", "pytest", "--benchmark-disable", "-p", "perceptron_bench.pytest_plugin"),
        *("--device=cpu", f"--impl={numpy_float32}", *PROBLEMS),
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_an_invalid_case_fails_has_no_time_and_leaves_the_others_theirs(
    numpy_float32: Path, copy_of: Copy, tmp_path: Path
) -> None:
    wrong = copy_of("numpy_float32", WRONG_STEP)
    record = tmp_path / "new folder" / "run.json"

    done = pytest_(
        "--benchmark-only", "--quick", "--device=cpu", "--impl", numpy_float32, "--impl", wrong,
        f"--benchmark-json={record}",
    )  # fmt: skip

    assert done.returncode == 1
    assert "2 failed, 2 passed" in done.stdout
    rows = {(row.implementation, row.verdict): row for row in read_run(record).rows}
    assert set(rows) == {("numpy_float32", Verdict.VERIFIED), ("copy", Verdict.INVALID)}
    assert rows["copy", Verdict.INVALID].processes == ()
    assert '"copy' not in json.dumps([b["name"] for b in json.loads(record.read_text())["benchmarks"]])


def test_where_no_case_is_right_tables_and_record_have_the_reasons(copy_of: Copy, tmp_path: Path) -> None:
    wrong, record = copy_of("numpy_float32", WRONG_STEP), tmp_path / "run.json"

    done = pytest_(
        *("--benchmark-only", "--quick", "--device=cpu", f"--impl={wrong}", f"--benchmark-json={record}")
    )

    assert done.returncode == 1
    assert "INVALID: copy on cpu (every case)" not in done.stdout  # the two cases go wrong differently
    assert f"INVALID: copy on cpu ({NAMES[0]}): loss of step 2" in done.stdout
    assert "INTERNALERROR" not in done.stdout + done.stderr
    assert "Not saving anything" not in done.stdout + done.stderr
    assert [row.verdict for row in read_run(record).rows if row.reason] == [Verdict.INVALID] * 2


def test_a_case_that_can_not_run_here_is_skipped_with_the_reason(numpy_float32: Path) -> None:
    done = pytest_("--benchmark-only", "--quick", "--impl", numpy_float32, "-rs")

    assert done.returncode == 0, done.stdout
    assert "2 passed, 2 skipped" in done.stdout
    assert re.search(
        r"not measured: (NumPy runs on the CPU only|this machine has no NVIDIA GPU)", done.stdout
    )


def test_where_nothing_can_be_measured_the_status_says_so(numpy_float32: Path) -> None:
    done = pytest_("--benchmark-only", "--quick", "--device=cuda", "--impl", numpy_float32)

    assert done.returncode == 1
    assert "not measured: numpy_float32 on cuda (every case): " in done.stdout


def test_a_precision_is_asked_for_in_every_problem_and_not_measured_on_a_cpu(numpy_float32: Path) -> None:
    done = pytest_(
        "--benchmark-only", "--quick", "--device=cpu", "--precision=tf32", "--impl", numpy_float32, "-rs"
    )

    assert done.returncode == 1
    assert "2 skipped" in done.stdout
    assert "not measured: numpy_float32 on cpu (every case): TF32 is a format of NVIDIA's" in done.stdout


def test_only_the_cases_that_k_selects_are_measured(numpy_float32: Path) -> None:
    done = pytest_("--benchmark-only", "--quick", "--device=cpu", "--impl", numpy_float32, "-k", NAMES[1])

    assert "1 passed, 1 deselected" in done.stdout
    assert NAMES[0] not in done.stdout[done.stdout.index("= perceptron-bench =") :]


def test_skipped_or_only_collected_benchmarks_measure_nothing(numpy_float32: Path) -> None:
    skipped = pytest_("--benchmark-skip", "--impl", numpy_float32)
    collected = pytest_("--collect-only", "--impl", numpy_float32)

    assert "round 1" not in skipped.stdout + collected.stdout
    assert "4 skipped" in skipped.stdout
    assert "4 tests collected" in collected.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--benchmark-json", "/dev/null/run.json"],
            "/dev/null/run.json: can't be written (",
        ),
        (
            ["--benchmark-save", "a", "--benchmark-storage", "file:///dev/null/a"],
            "; name another folder with --benchmark-storage",
        ),
        (["--impl", "torch_eagr"], "unknown implementation 'torch_eagr'"),
        (["--problem", "bok"], "unknown problem 'bok'"),
        (["--baseline", "none_such"], "unknown baseline 'none_such'"),
        (["--rounds", "0"], "--rounds: expected a whole number of at least 1, found '0'"),
        (["--worker-timeout", "0"], "--worker-timeout: expected more than 0 s and at most a day, found '0'"),
        (["--max-time", "0"], "--max-time: expected more than 0 s and at most a day, found '0'"),
        (
            ["--worker-timeout", "inf"],
            "--worker-timeout: expected more than 0 s and at most a day, found 'inf'",
        ),
        (["--device", "tpu"], "invalid choice: 'tpu'"),
        (["--precision", "float16"], "invalid choice: 'float16'"),
        (
            ["--precision", "tf32", "--problem", "book,target_loss=0.3"],
            "--precision does not fit book,target_loss=0.3: Problem.precision: expected 'float32' where",
        ),
    ],
)
def test_options_that_make_no_sense_end_with_a_sentence_and_status_4(
    arguments: list[str], message: str
) -> None:
    done = pytest_("--benchmark-only", *arguments, problems=())

    assert done.returncode == 4
    assert message in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    "sent",
    [signal.SIGTERM, *(pytest.param(n, marks=pytest.mark.long) for n in (signal.SIGINT, signal.SIGHUP))],
)
def test_an_interrupt_keeps_the_rounds_that_ended_and_exits_with_status_2(
    sent: signal.Signals, numpy_float32: Path, tmp_path: Path
) -> None:
    record = tmp_path / "run.json"
    command = [
        *QUIETLY, "pytest", *OPTIONS, "--benchmark-only", *PROBLEMS[:2],
        "--device=cpu", f"--impl={numpy_float32}", "--rounds=500", f"--benchmark-json={record}",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=CODE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own code, without a shell
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("round 3 "):
                break
        time.sleep(0.2)
        process.send_signal(sent)
        rest = process.stdout.read()

    assert process.returncode == 2
    assert "INTERRUPTED" in rest
    run = read_run(record)
    assert run.settings.interrupted == INTERRUPTED
    (row,) = run.rows
    assert len(row.processes) >= 2


def test_processes_of_xdist_take_no_times(numpy_float32: Path, tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    record = tmp_path / "run.json"

    done = pytest_(
        *("-n", "1", "--quick", "--device", "cpu", "--impl", numpy_float32, f"--benchmark-json={record}"),
        problems=PROBLEMS[:2],
    )

    assert done.returncode == 1
    assert "expected one process where times are taken, found one of pytest-xdist's" in done.stdout
    assert not record.exists()


def test_a_cache_that_can_not_be_written_ends_no_measuring(numpy_float32: Path) -> None:
    command = [
        *QUIETLY, "pytest", "-o", "cache_dir=/dev/null/cache", "benchmarks", "--benchmark-only", "--quick",
        "--device=cpu", f"--impl={numpy_float32}", *PROBLEMS,
    ]  # fmt: skip

    done = subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)  # noqa: S603 - ours

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert "PytestCacheWarning" in done.stdout  # it is still reported
