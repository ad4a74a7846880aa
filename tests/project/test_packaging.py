"""What the project's files declare about it agrees with each other and with what the code imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.paths import CODE

PYPROJECT = tomllib.loads((CODE / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]

OURS = {"benchmarks", "impls", "tests"}
PROVIDERS = {**packages_distributions(), "pynvml": ["nvidia-ml-py"]}
"""Module -> distributions; the extra `cuda` is not installed where there is no GPU."""


def test_pyproject_citation_and_changelog_name_the_same_version_and_licence() -> None:
    citation = yaml.safe_load((CODE / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (CODE / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d[^\]]*)\]", changelog, flags=re.MULTILINE)

    assert newest
    assert {PROJECT["version"], str(citation["version"]), newest[1]} == {PROJECT["version"]}
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (CODE / "LICENSE").read_text()


def imported_by(folder: str) -> set[str]:
    """Return the top-level names of the third-party modules that a folder's Python files import."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (CODE / folder).rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    from_ = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    names = {name.partition(".")[0] for name in [*plain, *from_] if name}
    return names - OURS - sys.stdlib_module_names


@pytest.mark.parametrize(
    ("folder", "extras"), [("benchmarks", ["report", "cuda"]), ("impls", []), ("tests", ["report", "dev"])]
)
def test_every_imported_module_comes_with_a_declared_dependency(folder: str, extras: list[str]) -> None:
    optional = [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    declared = {canonicalize_name(Requirement(line).name) for line in [*PROJECT["dependencies"], *optional]}
    imported = imported_by(folder)

    assert imported
    assert [
        name
        for name in sorted(imported)
        if declared.isdisjoint(map(canonicalize_name, PROVIDERS.get(name, ())))
    ] == []


def test_developers_have_what_builds_the_wheel() -> None:
    assert set(PYPROJECT["build-system"]["requires"]) <= set(PROJECT["optional-dependencies"]["dev"])


def test_make_test_leaves_out_the_long_tests_and_make_test_long_runs_no_others() -> None:
    makefile = (CODE / "Makefile").read_text(encoding="utf-8")
    selections = re.findall(r"^(test[a-z-]*): .*\n\t\$\(PYTEST\) (.*) \$\(ARGS\)$", makefile, re.MULTILINE)

    assert dict(selections) == {"test": '-m "not long"', "test-long": "-m long tests"}
