"""The two sides of a comparison: which Python, which files of which commit, which variables."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.discover import REFERENCE, discover, read_entry
from benchmarks.environment import PACKAGES
from benchmarks.errors import UsageError
from benchmarks.job import Runtime
from benchmarks.launch import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.discover import Entry

_ASK_VERSIONS = f"""
import importlib.metadata, json, platform, sys
versions = {{"python": platform.python_version()}}
for package in {PACKAGES!r}:
    try:
        versions[package] = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        versions[package] = "not installed"
json.dump(versions, sys.stdout)
"""


@dataclass(frozen=True, kw_only=True)
class SideOptions:
    """What the user said of one side; None and nothing: as it is here."""

    python: str | None = None
    ref: str | None = None
    impl: Path | None = None
    env: Sequence[str] = ()

    @property
    def says_nothing(self) -> bool:
        """Say whether the side is the checkout as it lies there, in this Python."""
        return not (self.python or self.ref or self.impl or self.env)


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side, ready to be measured."""

    name: str  # "base" or "new"
    entries: Mapping[str, Entry]  # by the name under which the two sides' cases are matched
    runtime: Runtime
    versions: Mapping[str, str]
    commit: str | None = None  # None: no git checkout
    differs: Mapping[str, str] = field(default_factory=dict)  # what the user set it apart by


@contextlib.contextmanager
def open_side(name: str, options: SideOptions, impls: Path, *, file_as: str) -> Iterator[Side]:
    """Make a side ready: ask its Python, check its commit out beside the checkout, and clean up afterwards.

    An implementation that was given as a file takes part under the name `file_as`.

    Raises:
        UsageError: there is no such Python, commit or file, or a variable is not NAME=VALUE.

    """
    if options.python and "site-packages" in ROOT.parts:
        message = (
            f"another Python can't be measured: the harness lies in {ROOT}, whose packages would hide the "
            "other Python's; install it with `pip install --editable`, from a checkout"
        )
        raise UsageError(message)
    python = find_python(options.python) if options.python else Runtime().python
    variables = tuple(sorted(parse_variable(text) for text in options.env))
    differs = {key: str(value) for key, value in vars(options).items() if value and key != "env"}
    differs |= {f"${key}": value for key, value in variables}
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(worktree(impls, options.ref)) if options.ref else impls
        yield Side(
            name=name,
            entries=_entries(options, folder, file_as),
            runtime=Runtime(python=python, variables=variables),
            versions=versions_in(python),
            commit=git_commit(folder),
            differs=differs,
        )


def _entries(options: SideOptions, folder: Path, file_as: str) -> dict[str, Entry]:
    if options.impl is None:
        found = discover(folder)
        return {name: entry for name, entry in found.items() if name != REFERENCE}
    if not options.impl.is_file():
        message = f"no such file: {options.impl}; expected a Python file with an implementation"
        raise UsageError(message)
    return {file_as: read_entry(options.impl.resolve())}


def parse_variable(text: str) -> tuple[str, str]:
    """Read NAME=VALUE.

    Raises:
        UsageError: it is nothing of the kind.

    """
    name, equals, value = text.partition("=")
    if not (name and equals):
        message = f"environment variable: expected NAME=VALUE, found {text!r}"
        raise UsageError(message)
    return name, value


def find_python(text: str) -> str:
    """Give the path of a Python, named by a command, a path or the folder of a virtual environment.

    The path is not resolved: through the link of a virtual environment Python finds its packages.

    Raises:
        UsageError: there is none.

    """
    path = Path(text)
    if path.is_dir():
        path = path / "bin" / "python"
    found = shutil.which(str(path))
    if found is None:
        message = f"no Python at {path}: expected a command, its path, or a virtual environment's folder"
        raise UsageError(message)
    return str(Path(found).absolute())


def versions_in(python: str) -> dict[str, str]:
    """Ask a Python for its version and its frameworks'.

    Raises:
        UsageError: it does not answer, is too old, or lacks NumPy, which every worker needs.

    """
    done = subprocess.run(  # noqa: S603 - the Python that the user named
        [python, "-c", _ASK_VERSIONS], capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        message = f"{python}: expected a Python, found a program that says {done.stderr.strip()[-300:]!r}"
        raise UsageError(message)
    versions: dict[str, str] = json.loads(done.stdout)
    if tuple(map(int, versions["python"].split(".")[:2])) < (3, 11):
        message = f"{python}: expected Python 3.11 or later, found {versions['python']}"
        raise UsageError(message)
    if versions["numpy"] == "not installed":
        message = f"{python} has no NumPy, which every worker needs: {python} -m pip install numpy"
        raise UsageError(message)
    return versions


@contextlib.contextmanager
def worktree(folder: Path, ref: str) -> Iterator[Path]:
    """Check another commit of the folder's repository out, in a temporary worktree; give the folder there.

    A commit that has no such folder has no implementation: those of the other side are new then.

    Raises:
        UsageError: the folder is in no git checkout, or there is no such commit.

    """
    top = Path(git(folder, "rev-parse", "--show-toplevel"))
    commit = git(
        folder, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", expected=f"a commit named {ref!r}"
    )
    with tempfile.TemporaryDirectory(prefix="perceptron-bench-worktree-") as scratch:
        tree = Path(scratch, "tree")
        git(top, "worktree", "add", "--detach", "--quiet", str(tree), commit)
        try:
            inside = tree / folder.resolve().relative_to(top.resolve())
            yield inside
        finally:
            git(top, "worktree", "remove", "--force", str(tree))


def git_commit(folder: Path) -> str | None:
    """Give the folder's short commit, marked where files in the folder differ from it; None: no checkout."""
    there = next(each for each in (folder, *folder.parents) if each.is_dir())
    try:
        sha = git(there, "rev-parse", "--short=10", "HEAD")
        changed = git(there, "status", "--porcelain", "--", ".")
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
    done = subprocess.run(  # noqa: S603 - git
        [program, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        found = done.stderr.strip() or "none"
        message = f"{folder}: expected {expected}, found {found} (git {' '.join(arguments[:2])})"
        raise UsageError(message)
    return done.stdout.strip()
