"""What the project's files declare about it agrees with each other and with what the code imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.paths import CODE

PYPROJECT = tomllib.loads((CODE / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]

OURS = {"benchmarks", "impls", "tests"}


@cache
def providers() -> dict[str, list[str]]:
    """Return a module's distributions: not every machine has all extras, and Python 3.14 has no ruptures."""
    return {
        **packages_distributions(),
        "pynvml": ["nvidia-ml-py"],
        "ruptures": ["ruptures"],
        "submitit": ["submitit"],
        "triton": ["triton"],
    }


def test_pyproject_citation_and_changelog_name_the_same_version_and_licence() -> None:
    citation = yaml.safe_load((CODE / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (CODE / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d[^\]]*)\]", changelog, flags=re.MULTILINE)

    assert newest
    assert {PROJECT["version"], str(citation["version"]), newest[1]} == {PROJECT["version"]}
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (CODE / "LICENSE").read_text()


def supported_pythons() -> list[str]:
    """Return the versions of Python that the classifiers name, the oldest first."""
    return re.findall(
        r"^Programming Language :: Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE
    )


def test_every_file_names_the_same_oldest_and_newest_python() -> None:
    pythons = supported_pythons()
    oldest, newest = pythons[0], pythons[-1]
    minors = [int(python.partition(".")[2]) for python in pythons]
    tools = tomllib.loads((CODE / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    workflow = yaml.safe_load((CODE / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))

    assert minors == list(range(minors[0], minors[-1] + 1))
    assert PROJECT["requires-python"] == f">={oldest},<3.{minors[-1] + 1}"
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"] == [oldest, newest]
    assert (tools["mypy"]["python_version"], tools["ruff"]["target-version"]) == (oldest, f"py3{minors[0]}")
    for page in ("README.md", "CONTRIBUTING.md"):
        assert f"Python {oldest} to {newest}" in (CODE / page).read_text(encoding="utf-8")


def test_the_readme_names_the_pythons_with_which_the_results_were_measured() -> None:
    readme = (CODE / "README.md").read_text(encoding="utf-8")
    (sentence,) = re.findall(r"they were measured with ([^;]*?)\.\s", readme)
    records = [path.read_text(encoding="utf-8") for path in (CODE / "results" / "runs").glob("*.json")]
    measured = {python for record in records for python in re.findall(r'"python": ?"(3\.\d+)\.', record)}

    assert measured
    assert set(re.findall(r"Python (3\.\d+)", sentence)) == measured


def imported_by(folder: str) -> set[str]:
    """Return the top-level names of the third-party modules that a folder's Python files import."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (CODE / folder).rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    from_ = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    names = {name.partition(".")[0] for name in [*plain, *from_] if name}
    return names - OURS - sys.stdlib_module_names


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("benchmarks", ["cluster", "report", "cuda"]),
        ("impls", ["kernel"]),
        ("tests", ["report", "dev", "kernel"]),
    ],
)
def test_every_imported_module_comes_with_a_declared_dependency(folder: str, extras: list[str]) -> None:
    optional = [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    declared = {canonicalize_name(Requirement(line).name) for line in [*PROJECT["dependencies"], *optional]}
    imported = imported_by(folder)

    assert imported
    assert [
        name
        for name in sorted(imported)
        if declared.isdisjoint(map(canonicalize_name, providers().get(name, ())))
    ] == []


def test_developers_have_what_builds_the_wheel() -> None:
    assert set(PYPROJECT["build-system"]["requires"]) <= set(PROJECT["optional-dependencies"]["dev"])


def test_make_test_leaves_out_the_long_tests_and_make_test_long_runs_no_others() -> None:
    makefile = (CODE / "Makefile").read_text(encoding="utf-8")
    selections = re.findall(r"^(test[a-z-]*): .*\n\t\$\(PYTEST\) (.*) \$\(ARGS\)$", makefile, re.MULTILINE)

    assert dict(selections) == {"test": '-m "not long"', "test-long": "-m long tests"}
