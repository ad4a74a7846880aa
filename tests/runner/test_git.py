"""Git: the commit of a folder, and what a user reads if git refuses to name it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.errors import UsageError
from benchmarks.paths import IN_WHEEL
from benchmarks.runner import git as runner_git
from benchmarks.runner.git import git_commit, harness_commit, resolve
from tests.helpers.repository import commit_all, git

if TYPE_CHECKING:
    from pathlib import Path


def test_a_repository_of_another_user_is_warned_of_once_with_gits_reason_and_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commit_all(tmp_path)
    assert git_commit(tmp_path)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for its tests

    assert git_commit(tmp_path) is None
    assert git_commit(tmp_path) is None

    (warning,) = capsys.readouterr().err.splitlines()
    assert warning.startswith("warning: records won't name the commit: ")
    assert "detected dubious ownership" in warning
    assert f"git config --global --add safe.directory {tmp_path}" in warning


def test_a_folder_in_no_repository_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert git_commit(tmp_path) is None

    assert "not a git repository" in capsys.readouterr().err


def test_a_commit_that_a_shallow_checkout_may_lack_is_refused_with_the_remedy(tmp_path: Path) -> None:
    origin, shallow = tmp_path / "origin", tmp_path / "shallow"
    origin.mkdir()
    commit_all(origin)
    commit_all(origin)
    git(tmp_path, "clone", "--quiet", "--depth=1", origin.as_uri(), str(shallow))

    assert resolve(origin, "HEAD~1")
    with pytest.raises(UsageError, match=r"a commit named 'HEAD~1', .* shallow, .*`git fetch --unshallow`"):
        resolve(shallow, "HEAD~1")
    with pytest.raises(UsageError, match="expected a commit named 'HEAD~9', found none") as caught:
        resolve(origin, "HEAD~9")
    assert "unshallow" not in str(caught.value)


def test_code_that_is_neither_a_checkout_nor_a_wheels_has_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_git, "is_checkout", lambda _: False)  # copied into another repository, say

    assert harness_commit() is None


@pytest.mark.parametrize(
    ("origin", "commit"),
    [
        ({"url": "https://a.b/c", "vcs_info": {"vcs": "git", "commit_id": "0123456789abcdef"}}, "0123456789"),
        ({"url": "file:///c.whl", "archive_info": {}}, "unknown (version 9.9)"),
        (None, "unknown (version 9.9)"),
    ],
)
def test_a_wheel_is_named_by_the_commit_that_pip_built_it_from_or_by_its_version(
    origin: dict[str, object] | None, commit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "perceptron_bench-9.9.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: perceptron-bench\nVersion: 9.9\n")
    if origin:
        (told / "direct_url.json").write_text(json.dumps(origin))
    monkeypatch.setattr(runner_git, "CODE", (tmp_path / IN_WHEEL).resolve())
    monkeypatch.syspath_prepend(tmp_path)

    assert harness_commit() == commit
