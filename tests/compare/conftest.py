"""Fixtures that call `perceptron-bench compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.cli.main import main
from benchmarks.compare.result import Comparison
from benchmarks.records.run import Run
from tests.compare.records import BASE
from tests.helpers.comparisons import COMPARISON
from tests.helpers.runs import write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compare.records import Call, Compare


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Call the command."""

    def called(*arguments: str, base: Run | Path = BASE, new: Run | Path = BASE) -> int:
        files = [
            write(each, tmp_path / f"{name}.json") if isinstance(each, Run) else each
            for name, each in {"base": base, "new": new}.items()
        ]
        return main(["compare", *map(str, files), *arguments])

    return called


@pytest.fixture
def compare(tmp_path: Path, call: Call) -> Compare:
    """Compare two runs."""

    def compared(base: Run, new: Run, *arguments: str) -> tuple[int, Comparison]:
        report = tmp_path / "report.json"
        report.unlink(missing_ok=True)
        status = call(*arguments, f"--json={report}", base=base, new=new)
        return status, COMPARISON.read(report)

    return compared
