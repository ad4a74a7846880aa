"""The command `run` of the command line: measure, keep the record, write the report."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.markup import escape

from benchmarks.cli.report import report_locally
from benchmarks.files import keep, told_if_unwritable, try_to_replace
from benchmarks.paths import LOCAL_RUNS, LOOKS, ROOT
from benchmarks.terminal import Terminal

if TYPE_CHECKING:
    import argparse

WITHOUT_RECORD: dict[int, str] = {
    pytest.ExitCode.USAGE_ERROR: "nothing was measured",
    pytest.ExitCode.NO_TESTS_COLLECTED: "nothing was measured: no case matches",
}


def run(parsed: argparse.Namespace) -> int:
    """Measure through pytest, so that there is one way to measure and one format; then write the report.

    Raises:
        UsageError: the output can't be written.

    """
    default = (
        LOOKS if parsed.quick or parsed.suite == "quick" else LOCAL_RUNS
    ) / f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}.json"
    output = (parsed.output or default).resolve()
    with told_if_unwritable(output, remedy="name another file with -o"):
        try_to_replace(output)
    console = Terminal(soft_wrap=True, highlight=False)
    with tempfile.TemporaryDirectory(prefix="perceptron-bench-") as folder:
        record = Path(folder, "run.json")
        status = _measure(parsed, record)
        if not record.exists() or not record.stat().st_size:
            console.print(WITHOUT_RECORD.get(status, "no record written: no case was verified and timed"))
            return status
        keep(record, output)
    console.print(f"record: {escape(str(output))}")
    if output.parent == LOCAL_RUNS:
        for line in report_locally():
            console.print(escape(line))
    return status


def _measure(parsed: argparse.Namespace, record: Path) -> int:
    return pytest.main(
        [
            str(ROOT / "benchmarks" / "bench_epoch.py"),
            f"--rootdir={ROOT}",
            f"--config-file={ROOT / 'pyproject.toml'}",
            "--benchmark-only",
            f"--benchmark-json={record}",
            "--quiet",
            "--no-header",
            "-p",
            "no:cacheprovider",
            f"-k={parsed.k}",
            f"--device={parsed.device}",
            f"--suite={parsed.suite}",
            f"--cores={parsed.cores}",
            f"--baseline={parsed.baseline}",
            f"--worker-timeout={parsed.worker_timeout}",
            *(["--quick"] if parsed.quick else []),
            *(["--resume"] if parsed.resume else []),
            *([] if parsed.rounds is None else [f"--rounds={parsed.rounds}"]),
            *([] if parsed.max_time is None else [f"--max-time={parsed.max_time}"]),
            *([f"--precision={parsed.precision}"] if parsed.precision else []),
            *(f"--impl={name}" for name in parsed.impl or []),
            *(f"--problem={text}" for text in parsed.problem or []),
        ]
    )
