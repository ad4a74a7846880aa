"""Repositories made up for tests, and copies of ours."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from benchmarks.paths import CODE

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *arguments: str) -> str:
    """Run git in the folder and return what it prints."""
    author = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(  # noqa: S603 - git
        ["git", *author, *arguments],  # noqa: S607 - from the path
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def commit_all(folder: Path) -> None:
    """Commit everything in the folder, which becomes a repository if it is none."""
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--no-gpg-sign", "--allow-empty", "--message", "a")


def copy_code(folder: Path, *names: str) -> None:
    """Copy folders of the checkout and what Python has compiled of them, but not what it is writing now."""
    for name in names:
        shutil.copytree(CODE / name, folder / name, ignore=shutil.ignore_patterns("unfinished", "*.pyc.*"))
