"""Fixtures: invented times, and a repository of implementations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.ab import comparison
from benchmarks.paths import IMPLEMENTATIONS
from tests.ab.invented import FakeDispatcher
from tests.helpers.repository import commit_all, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ab.invented import Invented, MinS


@pytest.fixture
def invented(monkeypatch: pytest.MonkeyPatch) -> Invented:
    """Invent what the processes measure, on a machine without a GPU."""
    monkeypatch.setattr(
        "benchmarks.runner.case.unsupported_reason", lambda device, *_: None if device == "cpu" else "no GPU"
    )

    def invent(min_s: MinS) -> None:
        monkeypatch.setattr(
            comparison, "Dispatcher", lambda **settings: FakeDispatcher(**settings, min_s=min_s)
        )

    return invent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Make a repository with a folder of implementations in two commits; the first is tagged "first"."""
    folder = tmp_path / "repository" / "impls"
    folder.mkdir(parents=True)
    source = (IMPLEMENTATIONS / "numpy_float32.py").read_text(encoding="utf-8")
    for name in ("first", "second"):
        (folder / "numpy_float32.py").write_text(f"{source}# {name}\n", encoding="utf-8")
        commit_all(folder.parent)
        git(folder.parent, "tag", name)
    return folder
