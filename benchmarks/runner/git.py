"""Git: the commit of a folder, and a worktree of another commit."""

import contextlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from benchmarks.cases.code_digest import MEASURED_CODE
from benchmarks.errors import UsageError
from benchmarks.paths import CODE, IN_WHEEL, is_checkout


@contextlib.contextmanager
def worktree(folder: Path, ref: str, scratch: Path) -> Iterator[Path]:
    """Check out another commit of the folder's repository in a temporary worktree; return the folder there.

    The worktree is made in the folder `scratch` and replaces one that a killed process left there. The folder
    does not exist where the commit lacks it.

    Raises:
        UsageError: the folder is in no git checkout, or there is no such commit.
    """
    top = Path(git(folder, "rev-parse", "--show-toplevel"))
    commit, tree = resolve(folder, ref), scratch / "worktree"
    shutil.rmtree(tree, ignore_errors=True)
    # Forced, because git still knows the one that was left there.
    git(top, "worktree", "add", "--force", "--detach", "--quiet", str(tree), commit)
    try:
        yield tree / folder.resolve().relative_to(top.resolve())
    finally:
        git(top, "worktree", "remove", "--force", str(tree))


def resolve(folder: Path, ref: str) -> str:
    """Return the full hash of a commit of the folder's repository.

    Raises:
        UsageError: the folder is in no git checkout, or there is no such commit.
    """
    question = ("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    try:
        return git(folder, *question, expected=f"a commit named {ref!r}")
    except UsageError as error:
        if git(folder, "rev-parse", "--is-shallow-repository") == "false":
            raise
        message = f"{error}; the checkout is shallow, so it may lack it: `git fetch --unshallow`"
        raise UsageError(message) from None


def harness_commit() -> str | None:
    """Return the commit of the harness; of a wheel, the one that pip built it from, or else the version."""
    if is_checkout(CODE):
        return git_commit(CODE, *MEASURED_CODE)
    for wheel in importlib.metadata.distributions(name="perceptron-bench"):
        if Path(str(wheel.locate_file(IN_WHEEL))).resolve() == CODE:
            origin = json.loads(wheel.read_text("direct_url.json") or "{}")  # see PEP 610
            commit = origin.get("vcs_info", {}).get("commit_id")
            return str(commit)[:10] if commit else f"unknown (version {wheel.version})"
    return None


def git_commit(folder: Path, *paths: str) -> str | None:
    """Return the folder's short commit, marked if these paths (default: the folder) differ from it.

    None, after a warning, where git can't say it: the folder is in no checkout, or in one of another user.
    """
    there = next(each for each in (folder, *folder.parents) if each.is_dir())
    try:
        sha = git(there, "rev-parse", "--short=10", "HEAD")
        changed = git(there, "status", "--porcelain", "--", *(paths or ["."]))
    except UsageError as error:
        _warn(f"records won't name the commit: {error}; `git -C {there} status` must work for them to")
        return None
    return f"{sha} with changes" if changed else sha


@cache
def _warn(text: str) -> None:
    """Print a warning, only once."""
    sys.stderr.write(f"warning: {text}\n")


def git(folder: Path, *arguments: str, expected: str = "a git checkout") -> str:
    """Run git in the folder and return its output.

    Raises:
        UsageError: it fails, or there is no git.
    """
    program = shutil.which("git")
    if program is None:
        message = "expected git on the path, found none; install it to compare commits"
        raise UsageError(message)
    if not folder.is_dir():
        message = f"no such folder: {folder}; expected {expected}"
        raise UsageError(message)
    done = subprocess.run([program, *arguments], cwd=folder, capture_output=True, check=False)  # noqa: S603 - git, without a shell
    output, errors = os.fsdecode(done.stdout), os.fsdecode(done.stderr)  # paths need not be UTF-8
    if done.returncode:
        found = " ".join(errors.split()) or "none"
        message = f"{folder}: expected {expected}, found {found} (git {' '.join(arguments[:2])})"
        raise UsageError(message)
    return output.strip()
