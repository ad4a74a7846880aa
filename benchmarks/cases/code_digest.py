"""Digests of code: two runs with the same digest were measured by the same program.

Python is hashed by its syntax tree, without docstrings, comments, line breaks and the harness's imports of
its own modules: code that is moved or explained differently measures the same. Other files are hashed by
their bytes. A digest names its algorithm; digests of two algorithms can't be compared.
"""

import ast
import contextlib
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from benchmarks.paths import CODE, IMPLEMENTATIONS

ALGORITHM = "ast2"

MEASURED_CODE = ("benchmarks", "impls", "pyproject.toml", "constraints.txt")
"""Files and folders of the checkout that are code; a resumed run continues only with the same ones."""

TIMING_CODE = (
    "impls/contract.py",
    "benchmarks/cases/data.py",
    "benchmarks/cases/problems.py",
    "benchmarks/worker",
    "benchmarks/runner/rounds.py",
    "benchmarks/runner/settings.py",
    "benchmarks/runner/launch.py",
)
"""Files and folders that decide what is timed and how, in addition to the implementation's own file."""

NOT_READABLE = (SyntaxError, ValueError, MemoryError, RecursionError)
"""The errors of Python's parser: the last two for what is nested too deep."""

HASHED = (".py", ".c", ".cu", ".toml", ".txt")
OF_LOOP = (".py", ".c", ".cu")
"""Suffixes of an implementation's files, which have its name."""

CONTRACT = "contract.py"
OWN_PACKAGES = ("benchmarks", "impls")


def checkout_digest() -> str:
    """Return the digest of the checkout's code as it is on the disk, byte by byte, committed or not."""
    return _digest_of(hashlib.sha256(file.read_bytes()).hexdigest() for file in files_below(MEASURED_CODE))


def timed_code_digest(path: Path, harness: Iterable[str] | None = None) -> str:
    """Return the digest of the code that decides an implementation's times: its files and TIMING_CODE.

    All imports of its files count: another library under the same name is another program. Who asks for many
    implementations reads TIMING_CODE once, by `harness_digests`.
    """
    own = (_digest_of_file(file.suffix, file.read_bytes(), all_imports=True) for file in files_of(path))
    return _digest_of([*own, *(harness_digests() if harness is None else harness)])


def harness_digests() -> list[str]:
    """Return the digest of each file of TIMING_CODE as it is on the disk."""
    return [_digest_of_file(file.suffix, file.read_bytes()) for file in files_below(TIMING_CODE)]


def files_of(loop: Path) -> list[Path]:
    """Return the implementation's files and those of the modules in its folder that it imports, sorted.

    A module that one of these imports counts, too. The contract does not: it is the harness's.
    """
    found: set[Path] = set()
    names = {loop.stem}
    while names:
        files = {loop.with_name(name + suffix) for name in names for suffix in OF_LOOP}
        new = {file for file in files - found if file.is_file() and file.name != CONTRACT}
        found |= new
        names = {name for file in new if file.suffix == ".py" for name in _imported(file.read_bytes())}
    return sorted(found)


@lru_cache(maxsize=1000)
def parsed(content: bytes) -> ast.Module:
    """Parse an implementation's file once, for all who only read the tree; it may declare its encoding.

    Raises:
        SyntaxError, ValueError, MemoryError, RecursionError: it is not Python; see NOT_READABLE.
    """
    return ast.parse(content)


@lru_cache(maxsize=1000)
def _imported(content: bytes) -> frozenset[str]:
    """Return the first names of the modules that Python code imports, below `impls` the second ones."""
    try:
        nodes = list(ast.walk(parsed(content)))
    except NOT_READABLE:
        return frozenset()
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            modules += [f"{node.module or IMPLEMENTATIONS.name}.{alias.name}" for alias in node.names]
    return frozenset(name.removeprefix(f"{IMPLEMENTATIONS.name}.").partition(".")[0] for name in modules)


def same_code(one: str | None, other: str | None) -> bool | None:
    """Compare two digests; None: one is missing, or they are of two algorithms."""
    if one is None or other is None or _algorithm_of(one) != _algorithm_of(other):
        return None
    return one == other


def _algorithm_of(digest: str) -> str:
    return digest.rpartition(":")[0]  # records before version 3 hashed bytes and named no algorithm


def files_below(names: Iterable[str]) -> Iterable[Path]:
    """Return the files of code in these files and folders of the checkout."""
    for path in (CODE / name for name in names):
        if path.is_dir():
            yield from (file for file in path.rglob("*") if file.suffix in HASHED)
        elif path.is_file():
            yield path


def _digest_of(parts: Iterable[str]) -> str:
    joined = "".join(sorted(parts))  # sorted: a file that is moved is the same code
    return f"{ALGORITHM}:{hashlib.sha256(joined.encode()).hexdigest()[:16]}"


@lru_cache(maxsize=1000)  # every implementation's digest covers the same files of the harness
def _digest_of_file(suffix: str, content: bytes, *, all_imports: bool = False) -> str:
    if suffix == ".py":
        with contextlib.suppress(*NOT_READABLE):  # not Python: the worker reports the fault
            tree = parsed(content) if all_imports else ast.parse(content)
            content = repr(_tree_of(tree, all_imports=all_imports)).encode()
    return hashlib.sha256(content).hexdigest()


def _tree_of(node: object, *, all_imports: bool) -> object:
    """Reduce a node to lists and texts, without empty fields, which differ between Python versions."""
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
        return [
            type(node).__name__,
            [(n, _tree_of(value, all_imports=all_imports)) for n, value in fields],
        ]
    if isinstance(node, list):
        kept = (each for each in node if not _is_ignored(each, all_imports=all_imports))
        return [_tree_of(each, all_imports=all_imports) for each in kept]
    return repr(node)


def _is_ignored(node: object, *, all_imports: bool) -> bool:
    match node:
        case ast.ImportFrom(module=str(module), names=names):
            is_own = module.partition(".")[0] in OWN_PACKAGES and not any(alias.asname for alias in names)
            return is_own and not all_imports
        case ast.Expr(value=ast.Constant(value=str())) | ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=[]):
            return True
    return False
