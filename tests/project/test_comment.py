"""The workflow that comments on a pull request: one comment, on the right one, of inert text."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from benchmarks.paths import CODE
from tests.project.test_workflows import PULL_REQUEST, faults_of, run_step

yaml = pytest.importorskip("yaml")

FAKE = Path(__file__).with_name("fake_gh.py")
TEXT = (CODE / ".github" / "workflows" / "comment.yml").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load(TEXT)
JOB = WORKFLOW["jobs"]["comment"]
MARKER = JOB["env"]["MARKER"]

SHA = "a" * 40
BRANCH = 'a"b&c=$(touch ran)`touch ran`'
EVENT = {
    "github.token": "the token that writes",
    "github.repository": "owner/project",
    "github.event.workflow_run.id": "7",
    "github.event.workflow_run.html_url": "https://github.example/run/7",
    "github.event.workflow_run.conclusion": "failure",
    "github.event.workflow_run.head_sha": SHA,
    "github.event.workflow_run.head_repository.full_name": "somebody/fork",
    "github.event.workflow_run.head_repository.owner.login": "somebody",
    "github.event.workflow_run.head_branch": BRANCH,
}

HOSTILE = f"""
{MARKER}
@octocat and \\@octocat, owner/project#1
\r\r@octocat
```
</code></pre><script>alert(1)</script> <img src="https://evil.example">
~~~
\t[here](https://evil.example) https://evil.example
\x00\x1b[31m
1. @octocat

> @octocat
"""


def pull(number: int = 5, *, sha: str = SHA, repository: str = "somebody/fork") -> dict[str, Any]:
    """Return an open pull request, as far as the workflow looks at it."""
    head = {"label": f"somebody:{BRANCH}", "sha": sha, "repo": {"full_name": repository}}
    return {"number": number, "head": head}


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a repository with one pull request and no comment."""
    if shutil.which("jq") is None:
        pytest.skip("there is no jq")
    folder = tmp_path / "github"
    folder.mkdir()
    set_up(folder, pulls=[pull()], comments=[])
    monkeypatch.setenv("GITHUB", str(folder))
    return folder


def set_up(folder: Path, **lists: list[dict[str, Any]]) -> None:
    for name, found in lists.items():
        (folder / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")


def run_it(github: Path, report: bytes | None = b"a report\n") -> str:
    """Let the workflow run after a measurement with this report; return its log."""
    if report is not None:
        (github / "ab").mkdir(exist_ok=True)
        (github / "ab" / "ab.md").write_bytes(report)
    variables = {
        name: re.sub(r"\$\{\{ (.*?) \}\}", lambda match: EVENT[match[1]], value)
        for name, value in JOB["env"].items()
    }
    checkout = github.with_name("checkout")
    shutil.rmtree(checkout, ignore_errors=True)
    (checkout / "bin").mkdir(parents=True)
    gh = checkout / "bin" / "gh"
    gh.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {FAKE} "$@"\n')
    gh.chmod(0o755)
    (step,) = JOB["steps"]
    done, _ = run_step(step["run"], variables, checkout, status=0)
    assert done.returncode == 0, done.stderr
    assert not (checkout / "ran").exists()
    return done.stdout


def comments_in(github: Path) -> list[str]:
    found = json.loads((github / "comments.json").read_text(encoding="utf-8"))
    return [each["body"] for each in found]


def quoted_in(body: str) -> str:
    """Return the text of the code block that ends a comment; everything before it is the workflow's own."""
    marker, *own, code = MarkdownIt().parse(body)
    assert (marker.type, marker.content.strip()) == ("html_block", MARKER)
    assert [token.type for token in own] == ["paragraph_open", "inline", "paragraph_close"]
    assert code.type == "code_block"
    return code.content


def test_a_pull_request_has_one_comment_with_its_newest_report(github: Path) -> None:
    run_it(github, b"## 1 slower\n\n| case |\n")
    run_it(github, b"## 1 unchanged\n\n| case |\n")

    (body,) = comments_in(github)
    assert quoted_in(body) == "## 1 unchanged\n\n| case |\n"
    assert f"Speed of {SHA} against its base: **failure**. [The run](https://github.example/run/7)" in body


def test_no_comment_but_the_workflows_own_is_changed(github: Path) -> None:
    others = [
        {"id": 1, "issue": 5, "user": {"login": "somebody"}, "body": f"{MARKER}\nmine"},
        {"id": 2, "issue": 5, "user": {"login": "github-actions[bot]"}, "body": f"quoted: {MARKER}"},
        {"id": 3, "issue": 6, "user": {"login": "github-actions[bot]"}, "body": f"{MARKER}\non another one"},
    ]
    set_up(github, comments=others)

    run_it(github)
    run_it(github)

    assert comments_in(github)[:-1] == [each["body"] for each in others]
    assert len(comments_in(github)) == len(others) + 1


def test_no_text_of_a_report_is_markup_or_mentions_somebody(github: Path) -> None:
    run_it(github, HOSTILE.encode())

    (body,) = comments_in(github)
    visible = HOSTILE.translate(dict.fromkeys(map(ord, "\r\0\x1b"))).lstrip("\n")
    assert quoted_in(body) == visible


@pytest.mark.parametrize("line", [b"@octocat\n", b"\n@octocat", "µ".encode(), b"\xff\n"])
def test_a_report_that_is_too_long_is_cut(line: bytes, github: Path) -> None:
    run_it(github, line * 200_000)

    (body,) = comments_in(github)
    assert len(quoted_in(body)) > 10_000


def test_a_comment_says_that_its_commit_has_no_report(github: Path) -> None:
    run_it(github)
    shutil.rmtree(github / "ab")
    run_it(github, report=None)

    (body,) = comments_in(github)
    assert body.endswith("No report was found.\n")


def test_a_link_in_the_artifact_is_not_followed(github: Path) -> None:
    (github / "secret").write_text("a secret")
    (github / "ab").mkdir()
    (github / "ab" / "ab.md").symlink_to(github / "secret")

    run_it(github, report=None)

    (body,) = comments_in(github)
    assert body.endswith("No report was found.\n")


@pytest.mark.parametrize(
    "pulls",
    [
        [],
        [pull(sha="b" * 40)],
        [pull(repository="somebody/another-fork")],
        [pull(5), pull(6)],
    ],
    ids=["none", "newer commit", "another fork", "two"],
)
def test_no_comment_is_written_where_the_pull_request_is_not_certain(
    pulls: list[dict[str, Any]], github: Path
) -> None:
    set_up(github, pulls=pulls)

    log = run_it(github)

    assert comments_in(github) == []
    assert "::notice title=No comment::" in log


def test_the_report_that_is_quoted_is_the_one_that_is_measured() -> None:
    for path in (PULL_REQUEST, CODE / "docs" / "performance.yml"):
        ((*_, measure, upload),) = (job["steps"] for job in yaml.safe_load(path.read_text())["jobs"].values())

        assert "--markdown ab.md" in measure["run"]
        assert upload["with"]["name"] == "ab"
        assert "ab.md" in upload["with"]["path"].split()
    (step,) = JOB["steps"]
    assert "--name ab " in step["run"]
    assert WORKFLOW[True]["workflow_run"]["workflows"] == [yaml.safe_load(PULL_REQUEST.read_text())["name"]]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (r"actions: read #", "contents: write #", "a job with permissions"),
        (
            r" steps:\n",
            f" steps:\n      - uses: a/b@{SHA} # v1.0.0\n",
            "an action runs with a token that writes",
        ),
        (r"\$HEAD_BRANCH", "${{ github.event.workflow_run.head_branch }}", "becomes a part of a script"),
        (r"github\.token", "secrets.TOKEN", "uses a secret"),
        (r"workflow_run:", "pull_request_target:", "more than its own rights"),
    ],
)
def test_what_makes_the_workflow_unsafe_is_found(old: str, new: str, fault: str) -> None:
    assert re.search(old, TEXT)

    assert fault in " ".join(faults_of(re.sub(old, new, TEXT)))
