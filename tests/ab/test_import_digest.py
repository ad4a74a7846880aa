"""By what a side is known again."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.ab.import_digest import files_digest
from benchmarks.ab.sides import SideOptions
from benchmarks.ab.versions import importable_by
from benchmarks.paths import IMPLEMENTATIONS

if TYPE_CHECKING:
    from pathlib import Path

SCANDIR = os.scandir


def test_a_side_is_known_again_unless_code_changed_that_its_processes_could_run(checkout: Path) -> None:
    repository = checkout.parent
    told = repository / "library" / "a-1.dist-info" / "direct_url.json"
    changes = [
        *("library/module.py", "elsewhere/edited.py", "impls/numpy_float32.c", "impls/helpers/helper.py"),
        *("library/notes.txt", "library/__pycache__/module.py"),
    ]
    for each in (told, *(repository / change for change in changes)):
        each.parent.mkdir(parents=True, exist_ok=True)
        each.touch()
    editable = {"url": (repository / "elsewhere").as_uri(), "dir_info": {"editable": True}}
    told.write_text(json.dumps(editable), encoding="utf-8")
    side = SideOptions(env=(f"PYTHONPATH={repository / 'library'}",))

    seen = [side.identity(checkout)]
    for change in changes:
        (repository / change).write_text("changed", encoding="utf-8")
        importable_by.cache_clear()
        seen.append(side.identity(checkout))

    unnoticed = [
        change for change, (before, now) in zip(changes, pairwise(seen), strict=True) if before == now
    ]
    assert unnoticed == ["library/notes.txt", "library/__pycache__/module.py"]


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError, NotADirectoryError])
def test_a_folder_that_can_not_be_read_or_was_removed_meanwhile_is_as_if_it_were_not_there(
    error: type[OSError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "module.py").touch()
    before = files_digest(str(tmp_path))
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "module.py").touch()
    assert files_digest(str(tmp_path)) != before

    def scandir(folder: str) -> Any:
        if folder.endswith("gone"):
            raise error(folder)
        return SCANDIR(folder)

    monkeypatch.setattr(os, "scandir", scandir)

    assert files_digest(str(tmp_path)) == before


def test_of_a_side_given_as_a_file_whatever_has_its_name_counts(checkout: Path) -> None:
    side = SideOptions(impl=checkout / "numpy_float32.py")
    first = side.identity(IMPLEMENTATIONS)
    (checkout / "another.py").write_text("", encoding="utf-8")
    assert side.identity(IMPLEMENTATIONS) == first

    (checkout / "numpy_float32.c").write_text("", encoding="utf-8")

    assert side.identity(IMPLEMENTATIONS) != first


def test_of_a_side_given_as_a_file_its_helpers_count(checkout: Path) -> None:
    loop, helper = checkout / "numpy_float32.py", checkout / "helper.py"
    loop.write_text("import helper\n", encoding="utf-8")
    helper.write_text("", encoding="utf-8")
    side = SideOptions(impl=loop)
    first = side.identity(IMPLEMENTATIONS)

    helper.write_text("A = 1\n", encoding="utf-8")

    assert side.identity(IMPLEMENTATIONS) != first
