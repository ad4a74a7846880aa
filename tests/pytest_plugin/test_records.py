"""What `pytest --benchmark-only` prints and records, for us and for pytest-benchmark."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.paths import CODE
from benchmarks.records.row import KEY, Verdict
from benchmarks.records.run import RunSettings, read_run
from tests.pytest_plugin.calls import NAMES, PROBLEMS, pytest_, pytest_alone

pytestmark = pytest.mark.usefixtures("forked")


@pytest.fixture(scope="module")
def numpy_impl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy one implementation to its own folder, as a user would add one."""
    path = tmp_path_factory.mktemp("impls") / "numpy_float32.py"
    return Path(shutil.copyfile(CODE / "impls" / "numpy_float32.py", path))


@pytest.fixture(scope="module")
def timed(
    numpy_impl: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Measure once, for the tests that only read."""
    record = tmp_path_factory.mktemp("record") / "run.json"
    options = ("--impl", numpy_impl, "--rounds", "2", "--baseline", "numpy_float32", "--device", "cpu")
    return pytest_alone("--benchmark-only", f"--benchmark-json={record}", *options), record


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
    assert document["benchmarks"]
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
    slower = pytest_alone(  # it ends with a traceback
        *options, "--benchmark-compare=0001", "--benchmark-compare-fail=min:10%", problems=problem
    )

    assert saved.returncode == 0, saved.stdout
    assert same.returncode == 0, same.stdout
    assert "(0001_first)" in same.stdout
    assert slower.returncode != 0
    assert "Performance has regressed" in slower.stdout + slower.stderr
    assert "= perceptron-bench =" in slower.stdout  # our tables come all the same


@pytest.mark.parametrize(
    ("width", "chosen", "headings"),
    [
        (60, [], "Min"),
        (100, [], "Min Median"),
        (100, ["--benchmark-columns=mean,max,ops"], "Mean Max OPS"),
        (200, [], "Min Max Mean StdDev Median IQR Outliers OPS Rounds Iterations"),
    ],
)
def test_a_narrow_terminal_shows_the_columns_of_pytest_benchmark_that_fit_or_that_the_user_chose(
    width: int, chosen: list[str], headings: str, numpy_impl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    options = ("--benchmark-only", "--quick", "--device=cpu", f"--impl={numpy_impl}")

    done = pytest_(*options, *chosen, problems=PROBLEMS[:2])

    lines = done.stdout[done.stdout.index("-- benchmark ") :].splitlines()
    (table,) = (line for line in lines if line.startswith("Name (time in "))
    assert re.sub(r"Name \(.*?\)| \([KM]?ops/s\)", "", table).split() == headings.split()
    assert len(table.rstrip()) <= width
