"""Lines of code: what is counted, and what an implementation has more than the textbook's loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.code_lines import TEXTBOOK, more_lines, n_code_lines
from benchmarks.cases.implementations import discover, read_entry
from benchmarks.paths import IMPLEMENTATIONS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("source", "n_lines"),
    [
        ("", 0),
        ("x = 1\n\n   \ny = 2", 2),
        ("# a comment\nx = 1  # another one\n    # a third one\n", 1),
        ('"""A docstring\n\nof three lines."""\nx = 1\n"""Of x."""\n', 1),
        ('def f():\n    """Return 1."""\n    return 1\n', 2),
        ("x = (\n    1,\n)\n", 3),
        ('x = """a text\nis no docstring"""\n', 2),
        ("if x:\n    pass\nelse:\n    pass\n", 4),
        ("x = 1\r\n\r\ny = 2\r\n", 2),
        ("def (:\n", 1),
    ],
)
def test_blank_lines_comments_and_docstrings_are_not_counted(
    source: str, n_lines: int, tmp_path: Path
) -> None:
    path = tmp_path / "loop.py"
    path.write_bytes(source.encode())

    assert n_code_lines(path) == n_lines


def test_a_modules_own_c_file_and_the_modules_beside_it_that_it_imports_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "loop.py"
    path.write_text("import _helper\nimport numpy\n", encoding="utf-8")
    (tmp_path / "loop.c").write_text(
        "#include <math.h>\n\n/* two\n   lines */\nint x; // one\n", encoding="utf-8"
    )
    (tmp_path / "_helper.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "other.py").write_text("x = 1\n", encoding="utf-8")

    assert n_code_lines(path) == 2 + 2 + 1


def test_the_textbook_has_no_more_lines_than_itself_and_a_longer_loop_has_more(tmp_path: Path) -> None:
    source = (IMPLEMENTATIONS / f"{TEXTBOOK}.py").read_text(encoding="utf-8")
    longer = tmp_path / "longer.py"
    longer.write_text(f"{source}\n# a comment\nX = 1\nY = 2\n", encoding="utf-8")

    assert more_lines(IMPLEMENTATIONS / f"{TEXTBOOK}.py") == 0
    assert more_lines(longer) == 2
    assert read_entry(longer).more_lines == 2
    assert discover()["torch_epoch"].more_lines > 0
