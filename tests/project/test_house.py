"""docs/house.md describes the rooms as they are."""

from __future__ import annotations

import ast
import re
import tomllib

from benchmarks.paths import ROOT

PAGE = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")


def test_the_table_has_every_room_with_its_own_sentence_and_no_other() -> None:
    rooms = {
        f"{path.parent.relative_to(ROOT)}/": ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        for path in (ROOT / "benchmarks").rglob("__init__.py")
        if path.parent != ROOT / "benchmarks"
    }

    assert dict(re.findall(r"^\| `(benchmarks/[^`]*/)` \| (.*) \|$", PAGE, re.MULTILINE)) == rooms


def test_a_rooms_init_is_one_sentence_and_exports_nothing() -> None:
    for path in (ROOT / "benchmarks").rglob("__init__.py"):
        module = ast.parse(path.read_text(encoding="utf-8"))
        assert len(module.body) == 1, f"{path} has more than a docstring"
        assert "\n" not in (ast.get_docstring(module) or "\n"), f"{path} says more than a sentence, or none"


def test_the_picture_shows_the_layers_that_the_import_linter_checks() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = next(
        contract["layers"]
        for contract in pyproject["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == ["benchmarks"]
    )
    picture = re.search(r"```text\n(.*?)```", PAGE, re.DOTALL)

    assert picture is not None
    assert picture[1].splitlines() == layers


def test_every_file_that_the_walks_name_exists() -> None:
    named = set(re.findall(r"`((?:benchmarks|impls)/[\w/]+\.py)`", PAGE))

    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []


def test_no_room_has_more_than_about_a_dozen_files() -> None:
    crowded = {
        str(folder.relative_to(ROOT)): n_files
        for folder in (ROOT / "benchmarks").rglob("*/")
        if folder.name not in ("static", "__pycache__")
        and (n_files := sum(path.suffix == ".py" for path in folder.iterdir())) > 14
    }

    assert crowded == {}
