"""The workflow for pull requests: which loops are measured, and in whose environments."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import discover
from benchmarks.cli.main import build_parser
from tests.project.test_workflows import PULL_REQUEST, TEMP, run_step, steps_with

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

yaml = pytest.importorskip("yaml")


def measured(folder: Path) -> Namespace:
    """Run the step that measures, and return the arguments of `ab`."""
    ((script, variables),) = (step.values for step in steps_with("ab", [PULL_REQUEST]))
    _, arguments = run_step(script, variables, folder, status=0)
    return build_parser().parse_args(arguments)


def installed(folder: Path) -> list[str]:
    """Run the step that installs the base's frameworks, and return its calls of Python."""
    steps = yaml.safe_load(PULL_REQUEST.read_text(encoding="utf-8"))["jobs"]["ab"]["steps"]
    (script,) = (step["run"] for step in steps if "the base's frameworks" in step.get("name", ""))
    done, called = run_step(script, {}, folder, status=0)
    assert done.returncode == 0, done.stderr
    return called


def check_out(folder: Path, file: str, text: str) -> None:
    """Make a checkout of two commits; the second one writes the file."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "--quiet"], cwd=folder, check=True)  # noqa: S603 - our own
    for name, content in (("constraints.txt", "torch==1\n"), (file, text)):
        (folder / name).write_text(content)
        for command in (["add", name], ["commit", "--quiet", "--no-gpg-sign", "--message=one"]):
            subprocess.run([*git, *command], cwd=folder, check=True)  # noqa: S603 - our own


def test_the_usual_loops_are_measured_and_those_that_the_pull_request_changes(tmp_path: Path) -> None:
    usual = {each.name for each in discover().values() if each.usual and each.framework in ("torch", "jax")}

    asked = measured(tmp_path)

    assert (set(asked.impl), asked.changed, asked.base_ref) == (usual, True, "HEAD^1")


def test_one_that_changes_versions_is_measured_against_those_of_its_base(tmp_path: Path) -> None:
    check_out(tmp_path, "constraints.txt", "torch==2\n")

    called = installed(tmp_path)

    temp, base = tmp_path / TEMP, tmp_path / TEMP / "base"
    assert called == [
        f"{tmp_path}/bin/python -m venv {base}",
        f"{base}/bin/python -m pip install --constraint {temp}/constraints.txt torch jax optax numpy",
    ]
    assert (temp / "constraints.txt").read_text() == "torch==1\n"
    assert measured(tmp_path).base_python == str(base)


def test_one_that_does_not_change_versions_has_one_environment(tmp_path: Path) -> None:
    check_out(tmp_path, "README.md", "Another one.\n")

    assert installed(tmp_path) == []
    assert measured(tmp_path).base_python is None
