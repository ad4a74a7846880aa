"""Calls of pytest on the benchmarks, from the checkout."""

from __future__ import annotations

import subprocess
from contextlib import chdir
from typing import TYPE_CHECKING

import pytest

from benchmarks.paths import CODE
from tests.helpers.processes import called_here
from tests.helpers.quiet import QUIETLY

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = ("-p", "no:cacheprovider", "benchmarks")
PROBLEMS = ("--problem", "book,batch_size=32,n_epochs=2", "--problem", "book,batch_size=16,n_epochs=2")
NAMES = ("B32-D2-N5-E2", "B16-D2-N5-E2")

WRONG_STEP = ("problem.learning_rate, vector", "2 * problem.learning_rate, vector")
"""A change of NumPy's loop that makes it wrong."""


def pytest_(*arguments: str | Path, problems: tuple[str, ...] = PROBLEMS) -> subprocess.CompletedProcess[str]:
    """Run pytest on the benchmarks in this process."""
    with chdir(CODE):
        return called_here(pytest.main, *OPTIONS, *arguments, *problems)


def pytest_alone(
    *arguments: str | Path, problems: tuple[str, ...] = PROBLEMS
) -> subprocess.CompletedProcess[str]:
    """Run pytest on the benchmarks in a new process, as a user does."""
    command = [*QUIETLY, "pytest", *OPTIONS, *map(str, arguments), *problems]
    return subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)  # noqa: S603 - our own
