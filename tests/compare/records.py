"""Records made up for tests of what `compare` finds in them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from tests.helpers.runs import run_of_day, timed

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.compare.result import Comparison
    from benchmarks.records.row import Row, Verdict
    from benchmarks.records.run import Run


QUIET_S = (100e-6, 100.2e-6, 100.4e-6, 100.6e-6, 100.8e-6, 101e-6)
NOISY_S = (60e-6, 80e-6, 100e-6, 120e-6, 140e-6, 160e-6)


def case(factor: float = 1.0, name: str = "torch_eager", minima_s: tuple[float, ...] = QUIET_S) -> Row:
    return timed(name, [factor * min_s for min_s in minima_s])


def without_times(verdict: Verdict, reason: str) -> Row:
    return replace(case(), verdict=verdict, reason=reason, processes=())


BASE = run_of_day(0, case())


def new_run(*rows: Row, **provenance: Any) -> Run:
    return run_of_day(1, *rows, **provenance)


class Call(Protocol):
    def __call__(self, *arguments: str, base: Run | Path = ..., new: Run | Path = ...) -> int:
        """Call the command on two records, BASE where none is given; return the exit status."""


class Compare(Protocol):
    def __call__(self, base: Run, new: Run, *arguments: str) -> tuple[int, Comparison]:
        """Compare two runs; return the exit status and the comparison."""
