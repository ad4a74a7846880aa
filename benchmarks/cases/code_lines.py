"""How many lines of code a loop takes, without blank lines, comments and docstrings."""

import ast
import re
from functools import lru_cache
from pathlib import Path

from benchmarks.cases.code_digest import NOT_READABLE, files_of, parsed
from benchmarks.paths import IMPLEMENTATIONS

TEXTBOOK = "torch_eager"
"""The implementation that writes the loop as textbooks do."""

C_COMMENT = re.compile(rb"//[^\n]*|/\*.*?\*/", re.DOTALL)


def more_lines(loop: Path) -> int:
    """Return how many more lines of code than the textbook's loop an implementation takes."""
    return n_code_lines(loop) - n_code_lines(IMPLEMENTATIONS / f"{TEXTBOOK}.py")


def n_code_lines(loop: Path) -> int:
    """Count the lines of an implementation's files and of the modules in its folder that it imports."""
    return sum(_n_lines(file.read_bytes(), is_python=file.suffix == ".py") for file in files_of(loop))


@lru_cache(maxsize=1000)  # the textbook's is compared with every other one
def _n_lines(content: bytes, *, is_python: bool) -> int:
    if not is_python:
        return sum(bool(line.strip()) for line in C_COMMENT.sub(b"", content).splitlines())
    lines = enumerate(map(bytes.strip, content.splitlines()), start=1)
    documented = _docstring_lines(content)
    return sum(bool(line) and line[:1] != b"#" and number not in documented for number, line in lines)


def _docstring_lines(content: bytes) -> set[int]:
    """Return the numbers of the lines of all statements that are only a text; none if it is not Python."""
    try:
        nodes = ast.walk(parsed(content))
    except NOT_READABLE:
        return set()
    return {
        number
        for node in nodes
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node.value.value, str)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
