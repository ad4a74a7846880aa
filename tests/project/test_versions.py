"""make test-versions: which versions are tested, and what is printed of each."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests import versions

if TYPE_CHECKING:
    from pathlib import Path

    Answers = dict[str, tuple[int, str, str]]

PASSED = """\
..s
SKIPPED [2] tests/impls/test_implementations.py:95: jax 0.9.2 has no such function
SKIPPED [1] tests/impls/test_implementations.py:95: this machine has no GPU
SKIPPED [3] tests/impls/test_implementations.py:120: jax 0.9.2 has no such function
2 passed, 6 skipped in 1.0s
"""


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Start no program: each has an exit status, an output and errors, which a test may change."""
    given = {"venv": (0, "", ""), "pip": (0, "", ""), "-c": (0, "0.9.2\n", ""), "pytest": (0, PASSED, "")}

    def run(*command: Any) -> subprocess.CompletedProcess[str]:
        name = next(each for each in given if each in command)
        return subprocess.CompletedProcess(command, *given[name])

    monkeypatch.setattr(versions, "run", run)
    monkeypatch.setattr(versions, "ENVIRONMENTS", tmp_path / "environments")
    return given


def test_by_default_the_oldest_version_that_the_project_allows_and_the_newest_are_tested() -> None:
    needed = versions.dependencies()
    oldest = [each for each in versions.bounds() if "==" in each]

    assert len(oldest) == len(versions.PACKAGES)
    assert {each.replace("==", ">=") for each in oldest} <= set(needed)
    assert set(versions.bounds()) == {*oldest, *versions.PACKAGES}


@pytest.mark.usefixtures("answers")
def test_a_version_that_passes_has_a_line_and_below_it_why_tests_were_skipped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert versions.main(["jax==0.9.2"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "jax 0.9.2: passed: 2 passed, 6 skipped in 1.0s",
        "  5 skipped: jax 0.9.2 has no such function",
        "  1 skipped: this machine has no GPU",
    ]


def test_one_version_that_fails_is_named_with_its_log_and_the_others_are_tested(
    answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers["pytest"] = (1, "F\n1 failed in 1.0s\n", "")

    assert versions.main(["jax==0.9.2", "jax"]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("jax 0.9.2: failed: 1 failed in 1.0s; see ")
    assert second.startswith("jax 0.9.2: failed")


def test_a_version_that_can_not_be_installed_has_pips_reason_and_is_no_success(
    answers: Answers, capsys: pytest.CaptureFixture[str]
) -> None:
    answers["pip"] = (1, "", "ERROR: from versions: 1\nERROR: No matching distribution found for jax==9\n")

    assert versions.main(["jax==9"]) == 1
    expected = "jax==9: cannot be installed here: No matching distribution found for jax==9\n"
    assert capsys.readouterr().out == expected


def test_an_environment_has_one_framework_and_the_rest_as_in_the_constraints(
    answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[tuple[str, ...]] = []
    answered = versions.run

    def run(*command: Any) -> subprocess.CompletedProcess[str]:
        commands.append(tuple(map(str, command)))
        return answered(*command)

    monkeypatch.setattr(versions, "run", run)
    assert answers
    versions.install("torch==2.11", versions.ENVIRONMENTS / "torch")

    (installed,) = (command for command in commands if "pip" in command)
    names = {versions.name_of(each) for each in installed}
    constraints = (versions.ENVIRONMENTS / "torch.txt").read_text(encoding="utf-8").splitlines()
    constrained = {versions.name_of(each) for each in constraints}
    assert "torch==2.11" in installed
    assert {"torch", "numpy", "pytest"} <= names
    assert names.isdisjoint({"jax", "jaxlib", "optax"})
    assert constrained.isdisjoint({"torch", "jax", "jaxlib"})
    assert {"numpy", "optax"} <= constrained
