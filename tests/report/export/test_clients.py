"""Other tools that take our files as they are: each is run, or its documented reading is held against them.

github-action-benchmark is on no package registry (npm knows the name, but no version of it), nor is Bencher's
command (it is built from its repository, https://bencher.dev/docs/how-to/install-cli); so what they read is
written down here, from their documentation and sources.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from benchmarks.cli.main import main
from benchmarks.paths import CODE
from benchmarks.records.process import ProcessResult
from benchmarks.records.row import KEY
from benchmarks.report.export.trends import COLUMNS
from tests.helpers.runs import run_of_day, timed, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PUBLISHED = sorted((CODE / "results" / "runs").glob("*.json"))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a record that was measured just now, of two cases."""
    path = tmp_path_factory.mktemp("measured") / "run.json"
    sizes = [f"--problem=book,batch_size={batch_size},n_epochs=2" for batch_size in (16, 32)]
    choice = ("--impl=numpy_float32", "--baseline=numpy_float32", "--device=cpu", "--quick")
    command = [sys.executable, "-m", "benchmarks", "run", *choice, *sizes, "-o", str(path)]
    done = subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stdout + done.stderr
    return path


@pytest.fixture(params=[None, *PUBLISHED], ids=["measured", *(path.stem for path in PUBLISHED)])
def record(request: pytest.FixtureRequest, measured: Path) -> Path:
    """Give that record, then each published one."""
    return request.param or measured


def strictly(text: str) -> Any:
    """Read JSON as JavaScript's JSON.parse and Rust's serde_json do: NaN and Infinity are no JSON."""

    def refuse(constant: str) -> NoReturn:
        message = f"{constant} is no JSON"
        raise ValueError(message)

    return json.loads(text, parse_constant=refuse)


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def processes_of(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[ProcessResult]]]:
    """Give each benchmark's statistics with our own figures of it."""
    rows = {row["case"]: row for row in document[KEY]["rows"]}
    for benchmark in document["benchmarks"]:
        row = rows[benchmark["extra_info"][KEY]["case"]]
        yield benchmark["stats"], [ProcessResult(**each) for each in row["processes"]]


def test_py_test_benchmark_compares_records(measured: Path, tmp_path: Path) -> None:
    """https://pytest-benchmark.readthedocs.io/en/latest/comparing.html; this runs the tool itself."""
    copy = tmp_path / "copy.json"
    copy.write_bytes(measured.read_bytes())
    records = [measured, copy, *PUBLISHED]
    command = [sys.executable, "-m", "pytest_benchmark", "compare", *map(str, records)]
    done = subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)  # noqa: S603 - ours

    assert done.returncode == 0, done.stderr
    assert "Failed to load" not in done.stdout + done.stderr
    for record in records:
        for benchmark in json.loads(record.read_text())["benchmarks"]:
            assert benchmark["name"] in done.stdout


def test_github_action_benchmark_reads_a_record_as_tool_pytest(record: Path) -> None:
    """`extractPytestResult` in the action's src/extract.ts, for `tool: pytest`.

    It takes `fullname` for the name, by which it finds the chart and the last run's value; `stats.ops` for
    the value, larger being better; and shows `stats.stddev`, `mean` (in seconds) and `rounds` with it.
    https://github.com/benchmark-action/github-action-benchmark/blob/master/examples/pytest/README.md
    """
    benchmarks = strictly(record.read_text(encoding="utf-8"))["benchmarks"]

    assert benchmarks  # it refuses a file without any
    names = [benchmark["fullname"] for benchmark in benchmarks]
    assert len(set(names)) == len(names)
    for benchmark in benchmarks:
        params, stats = benchmark["params"], benchmark["stats"]
        case = "-".join(params[name] for name in ("implementation", "device", "problem"))
        assert benchmark["fullname"] == f"benchmarks/bench_epoch.py::bench_epoch[{case}]"  # stable
        assert all(is_number(stats[name]) for name in ("ops", "stddev", "mean", "rounds"))
        assert stats["ops"] > 0  # it divides by it
        assert stats["ops"] * stats["mean"] == pytest.approx(1)


def test_bencher_reads_a_record_as_python_pytest(record: Path) -> None:
    """https://bencher.dev/docs/explanation/adapters/, and lib/bencher_adapter/src/adapters/python/pytest.rs.

    `machine_info` and `commit_info` must be objects; a benchmark's name is its `fullname`, 1 to 1024 bytes;
    latency is `stats.mean` ± `stddev` or, with `--average median`, `median` ± `iqr`: numbers, in seconds.
    """
    document = strictly(record.read_text(encoding="utf-8"))

    assert isinstance(document["machine_info"], dict)
    assert isinstance(document["commit_info"], dict)
    names = [benchmark["fullname"] for benchmark in document["benchmarks"]]
    assert len(set(names)) == len(names)
    assert all(1 <= len(name.encode()) <= 1024 for name in names)
    for stats, processes in processes_of(document):
        assert all(is_number(stats[name]) for name in ("mean", "stddev", "median", "iqr"))
        fastest_s, slowest_s = min(p.min_s for p in processes), max(p.max_s for p in processes)
        assert stats["min"] == pytest.approx(fastest_s, rel=1e-3)
        assert fastest_s * 0.999 <= stats["mean"] <= slowest_s * 1.001


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Give a history of two runs, of which the newer one is slower."""
    folder = tmp_path / "history"
    for day, scan_s in ((1, 6e-5), (0, 4e-5)):
        scan = timed("jax_scan", [scan_s + i * 1e-6 for i in range(6)])
        rows = (timed("native_floor", [1e-5] * 6), scan, timed("torch_eager", [1e-3 + day * 1e-9] * 4))
        run = run_of_day(day, *rows, commit_elsewhere="89abcdef01" if day else None)
        file = write(run, tmp_path / f"{day}.json")
        assert main(["track", "add", str(file), "--history", str(folder)]) == 0
    return folder


def test_github_action_benchmark_reads_the_statistic_that_gates_as_custom_smaller_is_better(
    history: Path, tmp_path: Path
) -> None:
    """`extractCustomBenchmarkResult` in src/extract.ts, for `tool: customSmallerIsBetter`.

    An array of {name, unit, value} and, optionally, range and extra, all but the value being text:
    https://github.com/benchmark-action/github-action-benchmark#examples. A range is brought to another unit
    where it reads "± NUMBER" (src/extractRangeInfo.ts).
    """
    out = tmp_path / "out.json"
    export = ["track", "export", "--format", "customSmallerIsBetter", "--history", str(history)]

    assert main([*export, "-o", str(out)]) == 0

    entries = strictly(out.read_text(encoding="utf-8"))
    assert [(entry["name"], entry["unit"], entry["value"]) for entry in entries] == [
        ("jax_scan-cpu-B32-D2-N4-E3 vs native_floor", "times native_floor", pytest.approx(6.25, rel=1e-3)),
        ("torch_eager-cpu-B32-D2-N4-E3 vs native_floor", "times native_floor", 100),
    ]
    ranges = [entry.get("range") for entry in entries]
    assert re.fullmatch(r"± \d+\.\d+", ranges[0])
    assert float(ranges[0].removeprefix("± ")) == pytest.approx(0.25)  # of 6.0 to 6.5
    assert ranges[1] is None  # fewer than five rounds tell no interval
    assert all(isinstance(value, str) for entry in entries for key, value in entry.items() if key != "value")
    assert "62.5 µs an epoch, native_floor 10 µs\n6 rounds\nA CPU (2 CPUs)" in entries[0]["extra"]
    told = "torch 2.13.0\ncommit 0123456789\ncommit of the implementations 89abcdef01"
    assert entries[0]["extra"].endswith(told)


def test_a_named_record_is_exported_instead_of_the_newest(
    history: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    older = str(tmp_path / "0.json")

    assert main(["track", "export", older, "--format=customSmallerIsBetter", "--history", str(history)]) == 0

    assert strictly(capsys.readouterr().out)[0]["value"] == pytest.approx(4.25, rel=1e-3)


def test_a_run_without_any_control_is_refused_as_the_action_would_refuse_an_empty_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(run_of_day(0, timed("jax_scan", [1e-5])), tmp_path / "run.json")

    assert main(["track", "export", str(file), "--format=customSmallerIsBetter"]) == 4

    assert "name another one with --baseline" in capsys.readouterr().err


def test_the_csv_has_one_row_per_case_and_run_and_every_column_is_explained(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()

    assert main(["track", "export", "--history", str(history)]) == 0

    reader = csv.DictReader(io.StringIO(capsys.readouterr().out))
    rows = list(reader)
    assert reader.fieldnames == [column.name for column in COLUMNS]
    assert [(row["implementation"], row["date"]) for row in rows] == [
        ("jax_scan", "2026-11-01T00:00:00+00:00"),
        ("jax_scan", "2026-11-02T00:00:00+00:00"),
        ("torch_eager", "2026-11-01T00:00:00+00:00"),
        ("torch_eager", "2026-11-02T00:00:00+00:00"),
    ]
    newest = rows[1]
    assert float(newest["ratio"]) == pytest.approx(6.25, rel=1e-3)
    assert float(newest["ratio_high"]) == pytest.approx(6.5)
    assert float(newest["min_us"]) == pytest.approx(62.5)
    assert float(newest["control_min_us"]) == pytest.approx(10)
    assert (newest["n_rounds"], newest["torch"], newest["jax"]) == ("6", "2.13.0", "")
    assert [(row["commit"], row["commit_elsewhere"]) for row in rows[:2]] == [
        ("0123456789", ""),
        ("0123456789", "89abcdef01"),
    ]
    assert rows[3]["ratio_low"] == ""
    with pytest.raises(SystemExit, match="0"):
        main(["track", "export", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert all(f"{column.name} {column.meaning}" in shown for column in COLUMNS)
