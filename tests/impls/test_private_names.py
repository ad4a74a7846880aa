"""Each implementation declares the private names that it rests on, and no others."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import discover

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.cases.implementations import ImplementationFile

PRIVATE = re.compile(r"(?!self\.|impls\.)\S*\._(?!_|(?:replace|asdict|make|fields)\b)\S*")
"""A dotted name with a part that begins with one underscore; not the file's own, nor a NamedTuple's."""


def names_in(source: str) -> set[str]:
    """Return the dotted names, keywords and texts of a file; an imported name begins with its module's."""
    body = [node for node in ast.parse(source).body if not _declares_names(node)]
    nodes = [node for statement in body for node in ast.walk(statement)]
    imported = dict(pair for node in nodes for pair in _imports(node))
    return {*imported.values(), *(name for node in nodes for name in _names(node, imported))}


def _declares_names(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PRIVATE_NAMES"


def _imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield each name that an import binds, and what it stands for."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        yield from ((alias.asname or alias.name, f"{module}{alias.name}") for alias in node.names)


def _names(node: ast.AST, imported: dict[str, str]) -> Iterator[str]:
    match node:
        case ast.Attribute():
            root, *rest = ast.unparse(node).split(".")
            yield ".".join([imported.get(root, root), *rest])
        case ast.keyword(arg=str(name)) | ast.Constant(value=str(name)):
            yield name


def is_part(name: str, declared: str) -> bool:
    """Check whether a name is the declared one, or in it; of a local object only the last part is known."""
    last = declared.rpartition(".")[2]
    is_known = last.startswith("_") and last in name.split(".")
    return name == declared or name.startswith(f"{declared}.") or is_known


def undeclared(source: str, declared: tuple[str, ...]) -> set[str]:
    """Return the private names in a file that are neither declared nor the beginning of a declared one."""
    private = filter(PRIVATE.fullmatch, names_in(source))
    return {
        name
        for name in private
        if not any(is_part(name, each) or each.startswith(f"{name}.") for each in declared)
    }


def missing(source: str, declared: tuple[str, ...]) -> set[str]:
    """Return the declared names that are not in a file."""
    names = names_in(source)
    return {each for each in declared if not any(is_part(name, each) for name in names)}


@pytest.mark.parametrize("entry", discover().values(), ids=lambda entry: entry.name)
def test_each_file_declares_the_private_names_that_it_rests_on_and_no_others(
    entry: ImplementationFile,
) -> None:
    source = entry.path.read_text(encoding="utf-8")

    assert undeclared(source, entry.private_names) == set()
    assert missing(source, entry.private_names) == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from torch._a.b import c", "torch._a.b.c"),
        ("from torch.a import _b as c", "torch.a._b"),
        ("import torch._a as t\nt.b = 1", "torch._a"),
        ("import torch\nif torch:\n    torch._a.b.c = 1", "torch._a"),
        ("import torch.nn.functional as F\nF._a()", "torch.nn.functional._a"),
        ("def f(x):\n    return x(1)._a", "x(1)._a"),
        ('load("jax._src.a")', "jax._src.a"),
    ],
)
def test_a_private_name_that_is_not_declared_is_found(source: str, found: str) -> None:
    assert found in undeclared(source, ())
    assert undeclared(source, (found,)) == set()
    assert missing(source, (found,)) == set()


@pytest.mark.parametrize(
    "source",
    [
        "self._a = 1",
        "torch.__version__",
        "_a(1).b",
        "from impls._a import b",
        "state._replace(a=1)",
        '"see torch._a"',
    ],
)
def test_a_files_own_names_and_its_prose_are_not_private_names_of_a_framework(source: str) -> None:
    assert undeclared(source, ()) == set()


def test_a_declared_name_that_is_not_in_the_code_is_found() -> None:
    declaration = 'PRIVATE_NAMES = ("torch._a", "xla_b", "xla_c")\n'

    assert missing(f"{declaration}f(xla_b=1, **{{'xla_c': 2}})", ("torch._a", "xla_b", "xla_c")) == {
        "torch._a"
    }
