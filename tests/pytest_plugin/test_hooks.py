"""`pytest --benchmark-only` as its user meets it: options, tables, files, exit status."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.paths import CODE
from benchmarks.records.row import KEY, Verdict
from benchmarks.records.run import RunSettings, read_run

if TYPE_CHECKING:
    from tests.conftest import Copy

PROBLEMS = ("--problem", "book,batch_size=32,n_epochs=2", "--problem", "book,batch_size=16,n_epochs=2")
NAMES = ("B32-D2-N5-E2", "B16-D2-N5-E2")


def pytest_(*arguments: str | Path, problems: tuple[str, ...] = PROBLEMS) -> subprocess.CompletedProcess[str]:
    """Run pytest on the benchmarks from the checkout, as a user does."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "benchmarks"]
    return subprocess.run(  # noqa: S603 - our own command
        [*command, *map(str, arguments), *problems], cwd=CODE, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def numpy_impl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drop one file somewhere: nothing else is touched."""
    path = tmp_path_factory.mktemp("impls") / "numpy_float32.py"
    return Path(shutil.copyfile(CODE / "impls" / "numpy_float32.py", path))


@pytest.fixture(scope="module")
def timed(
    numpy_impl: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Measure once, for the tests that only look."""
    record = tmp_path_factory.mktemp("record") / "run.json"
    options = ("--impl", numpy_impl, "--rounds", "2", "--baseline", "numpy_float32", "--device", "cpu")
    return pytest_("--benchmark-only", f"--benchmark-json={record}", *options), record


def test_it_shows_progress_then_both_tables(timed: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    done, _ = timed

    assert done.returncode == 0, done.stdout
    progress = done.stdout.index("round 2 of 2: numpy_float32 on cpu")
    theirs = done.stdout.index(f"benchmark '{NAMES[0]} on cpu': 1 tests")
    ours = done.stdout.index("= perceptron-bench =")
    assert progress < theirs < ours
    assert "verified" in done.stdout[ours:]


def test_the_record_is_strict_json_with_what_each_consumer_needs(
    timed: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    document: dict[str, Any] = json.loads(timed[1].read_text(), parse_constant=refuse)

    names = [benchmark["fullname"] for benchmark in document["benchmarks"]]
    assert names == [f"benchmarks/bench_epoch.py::bench_epoch[numpy_float32-cpu-{name}]" for name in NAMES]
    assert document["machine_info"]
    assert document["commit_info"]
    for benchmark in document["benchmarks"]:
        assert set(benchmark["stats"]) >= {
            "min", "max", "mean", "stddev", "rounds", "median", "iqr", "outliers", "iterations", "ops",
        }  # fmt: skip
        assert benchmark["group"] == f"{benchmark['params']['problem']} on cpu"


def test_pytest_benchmark_shows_the_very_samples_we_measured(
    timed: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    document = json.loads(timed[1].read_text())
    rows = {row["case"]: row for row in document[KEY]["rows"]}
    for benchmark in document["benchmarks"]:
        processes = rows[benchmark["extra_info"][KEY]["case"]]["processes"]
        data = benchmark["stats"]["data"]
        assert len(data) == sum(process["n_kept"] for process in processes)
        assert benchmark["stats"]["min"] == pytest.approx(min(p["min_s"] for p in processes), abs=1e-9)
        assert benchmark["stats"]["max"] == pytest.approx(max(p["max_s"] for p in processes), abs=1e-9)
        first = data[: processes[0]["n_kept"]]
        assert first == sorted(first)
        assert first[0] == pytest.approx(processes[0]["min_s"], abs=1e-9)


def test_the_record_reads_back_as_a_run(timed: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    run = read_run(timed[1])

    assert [row.verdict for row in run.rows] == [Verdict.VERIFIED] * 2
    assert run.settings == RunSettings(
        suite=None, rounds=2, timed=True, quick=False, interrupted=None, baseline="numpy_float32"
    )


def test_py_test_benchmark_compare_takes_the_record(
    timed: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    command = [sys.executable, "-m", "pytest_benchmark", "compare", str(timed[1])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - as above

    assert done.returncode == 0, done.stderr
    assert f"bench_epoch[numpy_float32-cpu-{NAMES[0]}]" in done.stdout


def test_saving_and_comparing_work_as_pytest_benchmark_documents(numpy_impl: Path, tmp_path: Path) -> None:
    storage = f"--benchmark-storage=file://{tmp_path}"
    options = ("--benchmark-only", storage, "--impl", numpy_impl, "--quick", "--device", "cpu")
    problem = PROBLEMS[:2]

    saved = pytest_(*options, "--benchmark-save=first", problems=problem)
    (stored,) = tmp_path.glob("*/0001_first.json")
    same = pytest_(
        *options, "--benchmark-compare=0001", "--benchmark-compare-fail=min:10000%", problems=problem
    )
    document = json.loads(stored.read_text())
    document["benchmarks"][0]["stats"]["min"] /= 1000
    stored.write_text(json.dumps(document))
    slower = pytest_(
        *options, "--benchmark-compare=0001", "--benchmark-compare-fail=min:10%", problems=problem
    )

    assert saved.returncode == 0, saved.stdout
    assert same.returncode == 0, same.stdout
    assert "(0001_first)" in same.stdout
    assert slower.returncode != 0
    assert "Performance has regressed" in slower.stdout + slower.stderr
    assert "= perceptron-bench =" in slower.stdout  # our tables come all the same


def test_disabled_each_case_runs_once_and_is_still_verified(numpy_impl: Path, copy_of: Copy) -> None:
    wrong = copy_of("numpy_float32", ("problem.learning_rate, vector", "2 * problem.learning_rate, vector"))

    good = pytest_("--benchmark-disable", "--impl", numpy_impl, "--device", "cpu")
    bad = pytest_("--benchmark-disable", "--impl", wrong, "--device", "cpu")

    assert good.returncode == 0, good.stdout
    assert "2 passed" in good.stdout
    assert "NOT TIMED" in good.stdout
    assert bad.returncode == 1
    assert "INVALID: loss of step 2 (epoch 1, batch 2): expected" in bad.stdout


def test_an_invalid_case_fails_has_no_time_and_leaves_the_others_theirs(
    numpy_impl: Path, copy_of: Copy, tmp_path: Path
) -> None:
    wrong = copy_of("numpy_float32", ("problem.learning_rate, vector", "2 * problem.learning_rate, vector"))
    record = tmp_path / "run.json"

    done = pytest_(
        "--benchmark-only", "--quick", "--device=cpu", "--impl", numpy_impl, "--impl", wrong,
        f"--benchmark-json={record}",
    )  # fmt: skip

    assert done.returncode == 1
    assert "2 failed, 2 passed" in done.stdout
    rows = {(row.implementation, row.verdict): row for row in read_run(record).rows}
    assert set(rows) == {("numpy_float32", Verdict.VERIFIED), ("copy", Verdict.INVALID)}
    assert rows["copy", Verdict.INVALID].processes == ()
    assert '"copy' not in json.dumps([b["name"] for b in json.loads(record.read_text())["benchmarks"]])


def test_where_no_case_is_right_the_tables_still_say_so(copy_of: Copy, tmp_path: Path) -> None:
    wrong = copy_of("numpy_float32", ("problem.learning_rate, vector", "2 * problem.learning_rate, vector"))

    done = pytest_(
        "--benchmark-only",
        "--quick",
        "--device=cpu",
        "--impl",
        wrong,
        f"--benchmark-json={tmp_path / 'r.json'}",
    )

    assert done.returncode == 1
    assert "INVALID: copy on cpu (every case)" not in done.stdout  # the two cases go wrong differently
    assert f"INVALID: copy on cpu ({NAMES[0]}): loss of step 2" in done.stdout
    assert "INTERNALERROR" not in done.stdout + done.stderr


def test_a_case_that_can_not_run_here_is_skipped_with_the_reason(numpy_impl: Path) -> None:
    done = pytest_("--benchmark-only", "--quick", "--impl", numpy_impl, "-rs")

    assert done.returncode == 0, done.stdout
    assert "2 passed, 2 skipped" in done.stdout
    assert re.search(
        r"not measured: (NumPy runs on the CPU only|this machine has no NVIDIA GPU)", done.stdout
    )


def test_where_nothing_can_be_measured_the_status_says_so(numpy_impl: Path) -> None:
    done = pytest_("--benchmark-only", "--quick", "--device=cuda", "--impl", numpy_impl)

    assert done.returncode == 1
    assert "not measured: numpy_float32 on cuda (every case): " in done.stdout


def test_a_precision_is_asked_for_in_every_problem_and_not_measured_on_a_cpu(numpy_impl: Path) -> None:
    done = pytest_(
        "--benchmark-only", "--quick", "--device=cpu", "--precision=tf32", "--impl", numpy_impl, "-rs"
    )

    assert done.returncode == 1
    assert "2 skipped" in done.stdout
    assert "not measured: numpy_float32 on cpu (every case): TF32 is a format of NVIDIA's" in done.stdout


def test_only_the_cases_that_k_selects_are_measured(numpy_impl: Path) -> None:
    done = pytest_("--benchmark-only", "--quick", "--device=cpu", "--impl", numpy_impl, "-k", NAMES[1])

    assert "1 passed, 1 deselected" in done.stdout
    assert NAMES[0] not in done.stdout[done.stdout.index("= perceptron-bench =") :]


def test_skipped_or_only_collected_benchmarks_measure_nothing(numpy_impl: Path) -> None:
    skipped = pytest_("--benchmark-skip", "--impl", numpy_impl)
    collected = pytest_("--collect-only", "--impl", numpy_impl)

    assert "round 1" not in skipped.stdout + collected.stdout
    assert "4 skipped" in skipped.stdout
    assert "4 tests collected" in collected.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
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


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_the_rounds_that_ended_and_exits_with_status_2(
    sent: signal.Signals, numpy_impl: Path, tmp_path: Path
) -> None:
    record = tmp_path / "run.json"
    command = [
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "benchmarks", "--benchmark-only",
        "--device=cpu", f"--impl={numpy_impl}", "--rounds=500", f"--benchmark-json={record}", *PROBLEMS,
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=CODE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
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
    assert run.settings.interrupted == "Ctrl-C or SIGTERM"
    assert {len(row.processes) >= 2 for row in run.rows} == {True}
