"""The two sides of a comparison: which Python, which files of which commit, which variables."""

import contextlib
import glob
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ab.import_digest import files_digest
from benchmarks.ab.versions import importable_by, versions_in
from benchmarks.cases.code_digest import files_of
from benchmarks.cases.implementations import (
    REFERENCE,
    ImplementationFile,
    contract_version,
    discover,
    entry_of,
    file_of,
    require_current,
)
from benchmarks.compare.result import SideRecord
from benchmarks.errors import UsageError
from benchmarks.paths import CODE, IMPLEMENTATIONS, is_checkout, real_path
from benchmarks.runner.git import git_commit, harness_commit, resolve, worktree
from benchmarks.runner.signals import interruptible
from benchmarks.worker.messages import Runtime
from impls.contract import CONTRACT_VERSION


@dataclass(frozen=True, kw_only=True)
class SideOptions:
    """How one side differs from the checkout and this Python, as the user describes it."""

    python: str | None = None
    ref: str | None = None
    impl: Path | None = None
    env: Sequence[str] = ()

    @property
    def is_default(self) -> bool:
        """Whether the side is the checkout as it is on the disk, in this Python."""
        return not (self.python or self.ref or self.impl or self.env)

    def runtime(self) -> Runtime:
        """Return the Python and the variables of its processes.

        Raises:
            UsageError: there is no such Python, or a variable is not NAME=VALUE.
        """
        python = find_python(self.python) if self.python else Runtime().python
        return Runtime(python=python, variables=tuple(sorted(map(parse_variable, self.env))))

    def identity(self, impls: Path) -> tuple[object, ...]:
        """Return everything that decides what the side runs now.

        That is its Python with all code that it can import, and the commit or the code in the folder of the
        implementations; for one given as a file, all files with its name and the modules that it imports.

        Raises:
            UsageError: there is no such Python or commit.
        """
        runtime = self.runtime()
        python = runtime, versions_in(runtime), importable_by(runtime)
        if self.ref:
            return *python, resolve(impls, self.ref)
        files = [impls]
        if self.impl:
            file = file_of(str(self.impl), impls)
            files = [*file.parent.glob(f"{glob.escape(file.stem)}.*"), *files_of(file)]
        return *python, files_digest(*(str(file.resolve()) for file in files))


@dataclass(frozen=True, kw_only=True)
class Side:
    """One side, ready to be measured."""

    record: SideRecord
    entries: Mapping[str, ImplementationFile]  # by the name under which the two sides' cases are matched
    runtime: Runtime

    @property
    def is_one_file(self) -> bool:
        """Whether it is an implementation given as a file, and not a folder of implementations."""
        return "impl" in self.record.differs

    def of(self, names: Iterable[str]) -> list[ImplementationFile]:
        """Return the implementations with these names; no names stand for all."""
        asked = [*names] or [*self.entries]
        return [self.entries[name] for name in asked if name in self.entries]

    def require_current(self, names: Iterable[str]) -> None:
        """Refuse those of the named implementations that use names of another version of the contract.

        Raises:
            UsageError: there is one.
        """
        ref = self.record.differs.get("ref")
        remedy = "compare with a commit that has" if ref else "change it to"
        for name in self.entries.keys() & names:
            path = self.entries[name].path
            where = f"side {self.record.name} ({ref}): {path.name}" if ref else str(path)
            require_current(path, where, remedy)


@contextlib.contextmanager
def open_sides(
    options: Mapping[str, SideOptions], impls: Path, *, file_as: str = "", scratch: Path
) -> Iterator[dict[str, Side]]:
    """Make the sides ready and clean up afterwards; see `open_side`."""
    with contextlib.ExitStack() as stack:
        with interruptible():
            sides = {
                name: stack.enter_context(open_side(name, side, impls, file_as=file_as, scratch=scratch))
                for name, side in options.items()
            }
        yield sides


@contextlib.contextmanager
def open_side(
    name: str, options: SideOptions, impls: Path, *, file_as: str = "", scratch: Path
) -> Iterator[Side]:
    """Make a side ready: ask its Python, check its commit out into `scratch`, and clean up afterwards.

    An implementation that was given by itself takes part under the name `file_as`.

    Raises:
        UsageError: there is no such Python, commit or file, a variable is not NAME=VALUE, or the
            implementations were written for another version of the contract.
    """
    is_of_wheel = real_path(impls) == IMPLEMENTATIONS and not is_checkout(CODE)
    _require_consistent(name, options, is_of_wheel=is_of_wheel)
    runtime = options.runtime()
    differs = {key: str(value) for key, value in vars(options).items() if value and key != "env"}
    differs |= {f"${key}": value for key, value in runtime.variables}
    with contextlib.ExitStack() as stack:
        there = worktree(impls, options.ref, scratch / name) if options.ref else contextlib.nullcontext(impls)
        folder = stack.enter_context(there)
        commit = harness_commit() if is_of_wheel else git_commit(folder)
        record = SideRecord(name=name, versions=versions_in(runtime), commit=commit, differs=differs)
        yield Side(record=record, entries=_entries(name, options, folder, file_as), runtime=runtime)


def _require_consistent(name: str, options: SideOptions, *, is_of_wheel: bool) -> None:
    if options.impl and options.ref:
        message = f"side {name}: expected --{name}-impl or --{name}-ref, found both; leave one out"
        raise UsageError(message)
    if options.ref and is_of_wheel:
        message = f"side {name}: expected a git checkout, found an installed package; name your --impl-dir"
        raise UsageError(message)


def _entries(name: str, options: SideOptions, folder: Path, file_as: str) -> dict[str, ImplementationFile]:
    if options.impl is None:
        _require_contract(name, options.ref or str(folder), contract_version(folder))
        return {name: entry for name, entry in discover(folder).items() if name != REFERENCE}
    return {file_as: entry_of(str(options.impl), folder)}


def _require_contract(side: str, where: str, found: int | None) -> None:
    if found not in (None, CONTRACT_VERSION):
        message = (
            f"side {side} ({where}): expected version {CONTRACT_VERSION} of impls/contract.py, found version "
            f"{found}; compare with a commit of version {CONTRACT_VERSION}, or use the release of that side"
        )
        raise UsageError(message)


def parse_variable(text: str) -> tuple[str, str]:
    """Split NAME=VALUE.

    Raises:
        UsageError: the text has another form.
    """
    name, equals, value = text.partition("=")
    if not (name and equals):
        message = f"environment variable: expected NAME=VALUE, found {text!r}"
        raise UsageError(message)
    return name, value


def find_python(text: str) -> str:
    """Return the path of a Python, named by a command, a path or the folder of a virtual environment.

    The path is not resolved: Python finds the packages of a virtual environment through the link in it.

    Raises:
        UsageError: there is no such Python.
    """
    path = Path(text)
    if path.is_dir():
        path = path / "bin" / "python"
    found = shutil.which(str(path))
    if found is None:
        message = f"no Python at {path}: expected a command, its path, or a virtual environment's folder"
        raise UsageError(message)
    return str(Path(found).absolute())
