"""What is asked of git: which commit this is, and another one beside it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def worktree(folder: Path, ref: str, scratch: Path) -> Iterator[Path]:
    """Check another commit of the folder's repository out, in a worktree for the time; give the folder there.

    The worktree is made in the folder `scratch`; one that a killed process left there is replaced. A commit
    that has no such folder has no implementation: those of the other side are new then.

    Raises:
        UsageError: the folder is in no git checkout, or there is no such commit.

    """
    top = Path(git(folder, "rev-parse", "--show-toplevel"))
    commit, tree = resolve(folder, ref), scratch / "worktree"
    shutil.rmtree(tree, ignore_errors=True)
    # Forced: git still knows the one that was left there.
    git(top, "worktree", "add", "--force", "--detach", "--quiet", str(tree), commit)
    try:
        inside = tree / folder.resolve().relative_to(top.resolve())
        yield inside
    finally:
        git(top, "worktree", "remove", "--force", str(tree))


def resolve(folder: Path, ref: str) -> str:
    """Give the full hash of a commit of the folder's repository.

    Raises:
        UsageError: the folder is in no git checkout, or there is no such commit.

    """
    found = ("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    return git(folder, *found, expected=f"a commit named {ref!r}")


def git_commit(folder: Path, *paths: str) -> str | None:
    """Return the folder's short commit, marked if these paths, else any in the folder, differ from it.

    None where the folder is in no checkout, or there is no git.
    """
    there = next(each for each in (folder, *folder.parents) if each.is_dir())
    try:
        sha = git(there, "rev-parse", "--short=10", "HEAD")
        changed = git(there, "status", "--porcelain", "--", *(paths or ["."]))
    except UsageError:
        return None
    return f"{sha} with changes" if changed else sha


def git(folder: Path, *arguments: str, expected: str = "a git checkout") -> str:
    """Run git in the folder and give what it prints.

    Raises:
        UsageError: it fails, or there is no git.

    """
    program = shutil.which("git")
    if program is None:
        message = "no git on the path: comparing commits needs it"
        raise UsageError(message)
    if not folder.is_dir():
        message = f"no such folder: {folder}; expected {expected}"
        raise UsageError(message)
    done = subprocess.run(  # noqa: S603 - git
        [program, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        found = done.stderr.strip() or "none"
        message = f"{folder}: expected {expected}, found {found} (git {' '.join(arguments[:2])})"
        raise UsageError(message)
    return done.stdout.strip()
