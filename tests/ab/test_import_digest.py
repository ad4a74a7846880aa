"""By what a side is known again."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

from benchmarks.ab.sides import (
    SideOptions,
)
from benchmarks.ab.versions import importable_by
from benchmarks.paths import IMPLEMENTATIONS

if TYPE_CHECKING:
    from pathlib import Path


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
