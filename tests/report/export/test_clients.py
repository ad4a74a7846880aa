"""Other tools that read our files as they are: each tool is run, or its documented reading is repeated here.

No package registry has github-action-benchmark (npm has the name without a version) or Bencher's command (it
is built from its repository, https://bencher.dev/docs/how-to/install-cli). The tests follow their
documentation and sources.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from benchmarks.paths import CODE
from benchmarks.records.process import ProcessResult
from benchmarks.records.row import KEY
from tests.helpers.quiet import QUIETLY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PUBLISHED = sorted((CODE / "results" / "runs").glob("*.json"))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Measure a record of two cases."""
    path = tmp_path_factory.mktemp("measured") / "run.json"
    sizes = [f"--problem=book,batch_size={batch_size},n_epochs=2" for batch_size in (16, 32)]
    choice = ("--impl=numpy_float32", "--baseline=numpy_float32", "--device=cpu", "--quick")
    command = [*QUIETLY, "benchmarks", "run", *choice, *sizes, "-o", str(path)]
    done = subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert done.returncode == 0, done.stdout + done.stderr
    return path


@pytest.fixture(params=[None, *PUBLISHED], ids=["measured", *(path.stem for path in PUBLISHED)])
def record(request: pytest.FixtureRequest, measured: Path) -> Path:
    """Return that record, then each published one."""
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
    """Return the statistics of each benchmark with our own figures of it."""
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
        names = [benchmark["name"] for benchmark in json.loads(record.read_text())["benchmarks"]]
        assert names
        assert [name for name in names if name not in done.stdout] == []


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
    assert names
    assert len(set(names)) == len(names)
    assert all(1 <= len(name.encode()) <= 1024 for name in names)
    for stats, processes in processes_of(document):
        assert all(is_number(stats[name]) for name in ("mean", "stddev", "median", "iqr"))
        fastest_s, slowest_s = min(p.min_s for p in processes), max(p.max_s for p in processes)
        assert stats["min"] == pytest.approx(fastest_s, rel=1e-3)
        assert fastest_s * 0.999 <= stats["mean"] <= slowest_s * 1.001
