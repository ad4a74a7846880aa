"""docs/house.md describes the rooms as they are, and CONTRIBUTING.md names files that exist."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from benchmarks.paths import CODE
from tests.units import LONGEST

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (CODE / "docs" / "house.md").read_text(encoding="utf-8")
CONTRIBUTING = (CODE / "CONTRIBUTING.md").read_text(encoding="utf-8")
HARNESS = CODE / "benchmarks"

STEPS = re.findall(r"^\d\. (.*(?:\n   .*)*)", PAGE, re.MULTILINE)
"""Of the walks."""

FILE = re.compile(r"`((?:benchmarks|impls)/[\w/]+\.py)`")
TASKS = re.findall(r"^\| ((?!task)[a-z].*) \| (.*) \|$", CONTRIBUTING, re.MULTILINE)


def is_room(path: Path) -> bool:
    return (path / "__init__.py").is_file()


def test_the_table_has_every_room_with_its_own_sentence_and_no_other() -> None:
    rooms = {
        f"{path.parent.relative_to(CODE)}/": ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        for path in HARNESS.rglob("__init__.py")
        if path.parent != HARNESS
    }

    assert dict(re.findall(r"^\| `(benchmarks/[^`]*/)` \| (.*) \|$", PAGE, re.MULTILINE)) == rooms


def test_a_rooms_init_is_one_sentence_and_exports_nothing() -> None:
    paths = [*HARNESS.rglob("__init__.py")]

    assert paths
    for path in paths:
        module = ast.parse(path.read_text(encoding="utf-8"))
        assert len(module.body) == 1, f"{path} has more than a docstring"
        assert "\n" not in (ast.get_docstring(module) or "\n"), f"{path} says more than a sentence, or none"


def test_the_picture_shows_the_layers_that_the_import_linter_checks() -> None:
    pyproject = tomllib.loads((CODE / "pyproject.toml").read_text(encoding="utf-8"))
    layers = next(
        contract["layers"]
        for contract in pyproject["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == ["benchmarks"]
    )
    picture = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)

    assert picture is not None
    assert picture[1].splitlines() == layers
    names = re.findall(r"\w+", picture[1])
    assert [name for name in names if not is_room(HARNESS / name)] == [
        name for name in names if (HARNESS / f"{name}.py").is_file()
    ]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_of_a_walk_names_files_and_what_is_in_them(step: str) -> None:
    files = [CODE / path for path in FILE.findall(step)]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    names = [name for name in re.findall(r"`([^`]+)`", step) if "/" not in name]

    assert files
    assert [name for name in names if not re.search(rf"\b{name}\b", code)] == []


def test_every_file_that_house_and_contributing_name_exists() -> None:
    named = {path for page in (PAGE, CONTRIBUTING) for path in FILE.findall(page)}

    assert named
    assert [path for path in sorted(named) if not (CODE / path).is_file()] == []


def test_the_five_tasks_change_as_few_files_as_was_promised() -> None:
    n_files = [len(FILE.findall(files)) for _, files in TASKS]

    assert len(TASKS) == 5
    assert all(found <= most for found, most in zip(n_files, (1, 1, 2, 3, 1), strict=True))


def test_the_page_lists_every_study_that_can_be_run() -> None:
    listed = re.findall(r"^python -m benchmarks\.studies\.([\w.]+)", PAGE, re.MULTILINE)
    with_main = [
        ".".join(path.relative_to(HARNESS / "studies").with_suffix("").parts)
        for path in (HARNESS / "studies").rglob("*.py")
        if re.search(r"^def main\(.*\) -> int:", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]

    assert listed
    assert sorted(listed) == sorted(with_main)


def test_the_folders_of_the_tests_have_the_names_of_the_rooms() -> None:
    tests = CODE / "tests"
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}

    assert {str(each) for each in folders if not is_room(HARNESS / each)} == {"impls", "project"}


def test_no_room_has_more_than_about_a_dozen_files() -> None:
    n_files = Counter(path.parent for path in HARNESS.rglob("*.py"))

    assert len(n_files) > 10
    assert {str(folder): n for folder, n in n_files.items() if n > 15} == {}


def test_no_file_of_the_harness_or_of_a_loop_has_more_than_250_lines() -> None:
    paths = [path for folder in ("benchmarks", "impls") for path in (CODE / folder).rglob("*.py")]

    assert paths
    assert [str(path) for path in paths if len(path.read_text(encoding="utf-8").splitlines()) > 250] == []


def test_the_files_with_which_the_tests_begin_exist() -> None:
    assert [place for place in LONGEST if not (CODE / place.partition("::")[0]).exists()] == []
