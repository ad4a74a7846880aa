"""Lists the implementations: one file each, read without importing it, which only a worker does."""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases.code_digest import CONTRACT, NOT_READABLE, harness_digests, parsed, timed_code_digest
from benchmarks.cases.code_lines import more_lines
from benchmarks.errors import UsageError, unknown_name
from benchmarks.paths import IMPLEMENTATIONS
from impls import contract
from impls.contract import CONTRACT_VERSION, VARIANTS, Problem

RENAMED = ("OFFERS",)
"""Constants of an implementation that an earlier contract declared by another name."""

REFERENCE, REFERENCE_TIER = "numpy_reference", "reference"
FLOOR = "native_floor"
"""The implementation that shows what the hardware allows."""

BY_FRAMEWORK, OWN_LOSS_RULE, BY_HAND = "framework", "framework, own loss rule", "by hand"
"""Who derives the gradient by the parameters, as GRADIENT declares it; the rule is of the loss node alone."""

REMOVED = {"jax_scan_packed": BY_HAND}
"""Who derived the gradient of implementations whose files are gone: their records don't say it."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """An implementation as its file describes it."""

    name: str
    path: Path
    framework: str
    tier: str
    supports: tuple[str, ...]  # variants of problems, as "field=value"
    summary: str  # the first line of its docstring
    cuda_graph: bool  # whether it declares that it replays a captured graph
    gradient: str  # who derives it: the framework, or the author by hand
    spans_ranks: bool  # whether it declares that it can train over several processes
    usual: bool  # whether it declares that it is the usual program of its tier in its framework
    private_names: tuple[str, ...]  # private or undocumented ones that it declares to rest on


@dataclass(frozen=True, kw_only=True)
class ImplementationFile(Description):
    """An implementation to measure: what its file describes, and its code when the file was read."""

    code_digest: str  # of the code that decides its times
    more_lines: int  # of code than the textbook's loop

    def declines(self, problem: Problem, n_ranks: int = 1) -> str | None:
        """Describe what the problem needs on so many ranks and the implementation does not offer, or None."""
        if n_ranks > 1 and not self.spans_ranks:
            return "does not span ranks (SPANS_RANKS)"
        sizes = dict.fromkeys((problem.batch_size, problem.last_batch_size or problem.batch_size))
        if uneven := [f"{size:,}" for size in sizes if size % n_ranks]:
            return f"{n_ranks} ranks can't share batches of {' and '.join(uneven)} rows equally"
        asked = [f"{name}={getattr(problem, name)}" for name in VARIANTS]
        default = [f"{name}={values[0]}" for name, values in VARIANTS.items()]
        lacking = [variant for variant in asked if variant not in (*default, *self.supports)]
        return f"does not offer {' and '.join(lacking)}" if lacking else None


def discover(folder: Path = IMPLEMENTATIONS) -> dict[str, ImplementationFile]:
    """Find every implementation in the folder, by name: each file but the contract's and private ones."""
    harness = harness_digests()
    return {name: read_entry(path, harness) for name, path in _files_in(folder).items()}


def describe_all(folder: Path = IMPLEMENTATIONS) -> list[Description]:
    """Read what every implementation in the folder describes, without its code, which takes a second."""
    return [_describe(path) for path in _files_in(folder).values()]


def _files_in(folder: Path) -> dict[str, Path]:
    paths = sorted(path for path in folder.glob("[!_.]*.py") if path.name != CONTRACT)
    return {path.stem: path for path in paths}


def read_entry(path: Path, harness: Sequence[str] | None = None) -> ImplementationFile:
    """Read docstring, FRAMEWORK and TIER from the source, "?" where there is none.

    A file that is no implementation, or no Python, has an entry, too: its worker reports the fault, which
    then costs only its own rows. `harness` are the digests of TIMING_CODE, where they are known.
    """
    return ImplementationFile(
        **vars(_describe(path)),
        code_digest=timed_code_digest(path, harness),
        more_lines=more_lines(path),
    )


def _describe(path: Path) -> Description:
    module, fault = _parse(path)
    constants = _constants(module)
    return Description(
        name=path.stem,
        path=path,
        framework=str(constants.get("FRAMEWORK") or "?"),
        tier=str(constants.get("TIER") or "?"),
        supports=_texts(constants.get("SUPPORTS")),
        summary=fault or (ast.get_docstring(module) or "").partition("\n")[0],
        cuda_graph=constants.get("CUDA_GRAPH") is True,
        gradient=str(constants.get("GRADIENT") or BY_FRAMEWORK),
        spans_ranks=constants.get("SPANS_RANKS") is True,
        usual=constants.get("USUAL") is True,
        private_names=_texts(constants.get("PRIVATE_NAMES")),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple | list) else ()


def is_by_hand(gradient: str) -> bool:
    """Check whether the gradient by the parameters is written out; so is one that is declared otherwise."""
    return gradient not in (BY_FRAMEWORK, OWN_LOSS_RULE)


def contract_version(folder: Path) -> int | None:
    """Read the version of the contract in the folder of implementations; None where there is no contract.

    A contract without a number, or one that is not Python, is version 1.
    """
    path = folder / CONTRACT
    if not path.is_file():
        return None
    found = _constants(_parse(path)[0]).get("CONTRACT_VERSION")
    return found if isinstance(found, int) else 1


def _parse(path: Path) -> tuple[ast.Module, str]:
    """Return the file's syntax tree and "", or an empty tree and the reason."""
    try:
        return parsed(path.read_bytes()), ""
    except (OSError, *NOT_READABLE) as error:
        return ast.Module([], []), f"not Python: {error or type(error).__name__}"


def _constants(module: ast.Module) -> dict[str, object]:
    """Evaluate the literal assignments at the module's top level."""
    return {
        target.id: _literal(statement.value)
        for statement in module.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(target, ast.Name)
    }


def _literal(expression: ast.expr | None) -> object:
    try:
        return ast.literal_eval(expression) if expression else None
    except (TypeError, *NOT_READABLE):  # it must be computed, or can't be
        return None


def select(names: Iterable[str], folder: Path = IMPLEMENTATIONS) -> list[ImplementationFile]:
    """Return the implementations to measure: those with these names or paths, or all where none is named.

    Raises:
        UsageError: there is no such implementation, or it is the reference, which is not timed.
    """
    if chosen := [entry_of(name, folder) for name in names]:
        return chosen
    return [entry for entry in discover(folder).values() if entry.tier != REFERENCE_TIER]


def is_known(name: str) -> bool:
    """Check whether one of our implementations that are timed has this name."""
    return name != REFERENCE and name in _files_in(IMPLEMENTATIONS)


def entry_of(named: str, folder: Path = IMPLEMENTATIONS) -> ImplementationFile:
    """Read the implementation that the user named: as in the folder, or by a path.

    Raises:
        UsageError: there is none, it is for another version of the contract, or it is the reference.
    """
    entry = _read_named_file(file_of(named, folder))
    if entry.tier == REFERENCE_TIER:
        raise _not_timed(named)
    return entry


def file_of(named: str, folder: Path = IMPLEMENTATIONS) -> Path:
    """Return the file of the implementation that the user named: as in the folder, or by a path.

    Raises:
        UsageError: it is neither a name that the folder has nor the path of a Python file.
    """
    files = _files_in(folder)
    if named not in files and Path(named).suffix != ".py":
        raise unknown_name(named, [each for each in files if each != REFERENCE], kind="implementation")
    return files.get(named, Path(named))


def _not_timed(name: str) -> UsageError:
    return UsageError(f"{name} verifies the others; it is not timed")


def _read_named_file(path: Path) -> ImplementationFile:
    if not path.is_file():
        message = f"no such file: {path}; expected a Python file with an implementation"
        raise UsageError(message)
    require_current(path, str(path))
    return read_entry(path.resolve())


def require_current(path: Path, where: str, remedy: str = "change it to") -> None:
    """Refuse a file that uses names of another version of the contract; `where` names it in the message.

    Raises:
        UsageError: it does.
    """
    if outdated := _outdated_names(path):
        message = (
            f"{where}: expected an implementation for version {CONTRACT_VERSION} of impls/contract.py, found "
            f"{', '.join(outdated)} of another version; {remedy} the new names, see CHANGELOG.md"
        )
        raise UsageError(message)


def _outdated_names(path: Path) -> list[str]:
    """Return the names in the file that the contract does not have, or has no longer."""
    module, _ = _parse(path)  # its worker reports a fault
    from_contract = [
        alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module == contract.__name__
        for alias in node.names
        if not hasattr(contract, alias.name)
    ]
    return [*dict.fromkeys(from_contract), *(name for name in RENAMED if name in _constants(module))]
