"""Lists the implementations: one file each, read without importing it (that is the worker's business)."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cases.code_digest import timed_code_digest
from benchmarks.errors import UsageError, unknown_name
from benchmarks.paths import IMPLEMENTATIONS
from impls import contract
from impls.contract import CONTRACT_VERSION, VARIANTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from impls.contract import Problem

CONTRACT = "contract.py"
RENAMED = ("OFFERS",)
"""Constants of an implementation that an earlier contract declared by another name."""

REFERENCE = "numpy_reference"
FLOOR = "native_floor"
"""The implementation that shows what the hardware allows."""

BY_FRAMEWORK, BY_HAND = "framework", "by hand"
"""Who derives the gradient, as GRADIENT declares it."""


@dataclass(frozen=True, kw_only=True)
class ImplementationFile:
    """An implementation as its file describes it."""

    name: str
    path: Path
    framework: str
    tier: str
    offers: tuple[str, ...]  # variants of problems, as "field=value"
    summary: str  # the first line of its docstring
    code_digest: str  # of what decides its times, as that lay there when the file was read
    cuda_graph: bool = False  # it says that it replays a captured one
    gradient: str = BY_FRAMEWORK  # who derives it: the framework, or the author by hand
    usual: bool = False  # it says that it is the usual program of its tier in its framework

    def declines(self, problem: Problem) -> str | None:
        """Say which variant the problem asks for and the implementation does not offer, or None."""
        asked = [f"{name}={getattr(problem, name)}" for name in VARIANTS]
        default = [f"{name}={values[0]}" for name, values in VARIANTS.items()]
        lacking = [variant for variant in asked if variant not in (*default, *self.offers)]
        return f"does not offer {' and '.join(lacking)}" if lacking else None


def discover(folder: Path = IMPLEMENTATIONS) -> dict[str, ImplementationFile]:
    """Find every implementation in the folder, by name: each file but the contract's and private ones."""
    paths = sorted(path for path in folder.glob("[!_.]*.py") if path.name != CONTRACT)
    return {path.stem: read_entry(path) for path in paths}


def read_entry(path: Path) -> ImplementationFile:
    """Read docstring, FRAMEWORK and TIER off the source, "?" where there is none.

    A file that is no implementation, or no Python, gets an entry too: its worker will say what is wrong, and
    that costs its own rows only.
    """
    code_digest = timed_code_digest(path)
    try:
        module = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        return ImplementationFile(
            name=path.stem,
            path=path,
            framework="?",
            tier="?",
            offers=(),
            summary=f"not Python: {error}",
            code_digest=code_digest,
        )
    constants = _constants(module)
    offers = constants.get("SUPPORTS")
    docstring = ast.get_docstring(module) or ""
    return ImplementationFile(
        name=path.stem,
        path=path,
        framework=str(constants.get("FRAMEWORK") or "?"),
        tier=str(constants.get("TIER") or "?"),
        offers=tuple(map(str, offers)) if isinstance(offers, tuple | list) else (),
        summary=docstring.partition("\n")[0],
        code_digest=code_digest,
        cuda_graph=constants.get("CUDA_GRAPH") is True,
        gradient=str(constants.get("GRADIENT") or BY_FRAMEWORK),
        usual=constants.get("USUAL") is True,
    )


def contract_version(folder: Path) -> int | None:
    """Read the version of the contract that lies with the implementations; None where none does.

    A contract without a number is version 1; so is one that is no Python.
    """
    path = folder / CONTRACT
    if not path.is_file():
        return None
    try:
        found = _constants(ast.parse(path.read_text(encoding="utf-8"))).get("CONTRACT_VERSION")
    except (SyntaxError, ValueError):
        return 1
    return found if isinstance(found, int) else 1


def _constants(module: ast.Module) -> dict[str, object]:
    """Evaluate the assignments at the module's top level that are written out."""
    return {
        target.id: _literal(statement.value)
        for statement in module.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(target, ast.Name)
    }


def _literal(expression: ast.expr | None) -> object:
    """Evaluate what is written out in the source; None for what must be computed."""
    try:
        return ast.literal_eval(expression) if expression else None
    except ValueError:
        return None


def select(names: Iterable[str], folder: Path = IMPLEMENTATIONS) -> list[ImplementationFile]:
    """Give the implementations to measure: those named (by name, or by the path of a file), else all.

    Raises:
        UsageError: no such implementation, not one at all, or the reference, against which others are held.

    """
    known = {name: entry for name, entry in discover(folder).items() if entry.tier != "reference"}
    return [_entry_of(name, known) for name in names] or list(known.values())


def _entry_of(name: str, known: dict[str, ImplementationFile]) -> ImplementationFile:
    if name in known:
        return known[name]
    if name == REFERENCE:
        message = f"{REFERENCE} is what the others are verified against; it is not timed"
        raise UsageError(message)
    if Path(name).suffix != ".py":
        raise unknown_name(name, known, kind="implementation")
    return read_named_file(Path(name))


def read_named_file(path: Path) -> ImplementationFile:
    """Read the implementation in a file that the user named.

    Raises:
        UsageError: there is no such file, or it was written for another version of the contract.

    """
    if not path.is_file():
        message = f"no such file: {path}; expected a Python file with an implementation"
        raise UsageError(message)
    if outdated := _outdated_names(path):
        message = (
            f"{path}: expected an implementation for version {CONTRACT_VERSION} of impls/contract.py, found "
            f"{', '.join(outdated)} of another version; CHANGELOG.md has the new names"
        )
        raise UsageError(message)
    return read_entry(path.resolve())


def _outdated_names(path: Path) -> list[str]:
    """Return the names in the file that the contract does not have, or has no longer."""
    try:
        module = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return []  # its worker will report that
    from_contract = [
        alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module == contract.__name__
        for alias in node.names
        if not hasattr(contract, alias.name)
    ]
    return [*dict.fromkeys(from_contract), *(name for name in RENAMED if name in _constants(module))]
