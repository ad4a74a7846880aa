"""Runs made up for tests of the results' README, and how its text is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.cases.problems import NAMED
from benchmarks.report.readme.cells import NO_BREAK
from benchmarks.report.readme.page import Extras, overview
from tests.helpers.runs import run_of_day, timed

if TYPE_CHECKING:
    from benchmarks.records.row import Row
    from benchmarks.records.run import Run

BOOK = NAMED["book"]


def tier(name: str, framework: str, epoch_s: float, **changes: Any) -> Row:
    """Make a timed row of six rounds, of `book` and tier `step` unless changed."""
    changes = {"tier": "step", "problem": BOOK, **changes}
    return timed(name, [epoch_s * (1 + i / 100) for i in range(6)], framework=framework, **changes)


EAGER = tier("torch_eager", "torch", 1e-3, tier="eager")
STEPS = (tier("torch_step", "torch", 4e-4), tier("jax_jit", "jax", 2e-4), tier("jax_other", "jax", 3e-4))
FLOOR = tier("native_floor", "native", 1e-5, tier="floor")
RUN = run_of_day(0, EAGER, *STEPS, FLOOR)


def page(*runs: Run, **extras: Any) -> str:
    """Return the README of these runs, with plain spaces."""
    return overview(runs, Extras(**extras)).replace(NO_BREAK, " ")


def cells_of(text: str) -> list[list[str]]:
    """Return the cells of all tables' lines, without bold type."""
    return [
        [cell.strip().replace("**", "") for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ") and "---" not in line
    ]
