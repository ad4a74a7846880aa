"""A history and a record to put into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.helpers.runs import run_of_day, timed, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a history that does not exist yet."""
    return tmp_path / "history"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the path of a record."""
    return write(run_of_day(0, timed("torch_eager", [1e-3] * 6)), tmp_path / "run.json")
