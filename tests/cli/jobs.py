"""Records of parallel jobs made up for tests of `perceptron-bench merge`."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_benchmark.stats import Stats

from benchmarks.cli.main import main
from benchmarks.records.row import KEY
from tests.helpers.records import INVALID, document_of
from tests.helpers.runs import timed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.records.row import Row
    from benchmarks.records.run import Run

    Job = Callable[..., Path]


def rows_of_job(day: int) -> list[Row]:
    """Make the baseline, which every job measures, and its own case, timed and INVALID."""
    own = ("jax_scan", "jax_jit", "torch_step")[day]
    invalid = replace(INVALID, implementation=f"wrong_{own}")
    times_s = [(1 + day / 10) * (1e-3 + i * 1e-6) for i in range(6)]
    return [timed("torch_eager", times_s), timed(own, [time_s / 10 for time_s in times_s]), invalid]


def with_benchmarks(run: Run) -> dict[str, Any]:
    """Make the whole file of a run, pytest-benchmark's part included."""
    return document_of(run) | {
        "machine_info": {"node": run.provenance.host.machine},
        "commit_info": {"id": "0123456789", "dirty": False},
        "benchmarks": [_benchmark(row) for row in run.rows if row.is_timed],
        "datetime": run.provenance.date,
        "version": "5.1.0",
    }


def _benchmark(row: Row) -> dict[str, Any]:
    stats = Stats()
    for process in row.processes:
        stats.update(process.min_s)
        stats.update(process.max_s)
    return {
        "group": row.group,
        "name": f"bench_epoch[{row.case}]",
        "fullname": f"benchmarks/bench_epoch.py::bench_epoch[{row.case}]",
        "params": {"implementation": row.implementation},
        "param": row.case,
        "extra_info": {KEY: {"schema_version": 3, "case": row.case}},
        "options": {},
        "stats": stats.as_dict() | {"data": stats.data, "iterations": 1},
    }


def write_document(document: dict[str, Any], path: Path) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def merge(*files: Path, output: Path) -> int:
    return main(["merge", *map(str, files), "-o", str(output)])
