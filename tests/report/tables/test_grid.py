"""Tables on a terminal: which columns have room. And a column's declaration is all that a table needs."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from rich.console import Console

from benchmarks.analysis.columns import Column
from benchmarks.analysis.figures import figures_of
from benchmarks.paths import CODE
from benchmarks.report.tables.grid import Grid
from benchmarks.report.tables.run import columns, figures_grid
from tests.helpers.records import INVALID, process, row, run_of

TIMES_S = {
    "torch_eager": 100e-6,
    "torch_compiled_step": 30e-6,
    "jax_scan_fused_hand": 10e-6,
    "native_floor": 5e-6,
}
RUN = run_of(
    *(
        row(name, processes=tuple(process(i, time_s + i * 1e-7, 1.2 * time_s) for i in range(6)))
        for name, time_s in TIMES_S.items()
    ),
    replace(INVALID, implementation="jax_nojit"),
)
GRID = figures_grid("book on cpu", figures_of(RUN))


def printed(grid: Grid, width: int) -> str:
    terminal = io.StringIO()
    Console(file=terminal, width=width).print(grid)
    return terminal.getvalue()


def cells(text: str) -> list[list[str]]:
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if line.strip(" ─")]


def test_a_terminal_of_240_columns_shows_every_column() -> None:
    _, head, *rows = cells(printed(GRID, 240))

    assert head == GRID.headings
    assert rows == [list(row) for row in GRID.rows]


def test_at_80_columns_each_row_keeps_its_case_time_ratio_and_verdict_on_one_line() -> None:
    _, head, *rows = cells(printed(GRID, 80))

    assert head == ["implementation", "typical", "vs torch_eager", "95 %", "verdict"]
    assert len(rows) >= len(RUN.rows)
    for row_, figures in zip(rows, figures_of(RUN), strict=False):
        assert row_ == [column.write(figures) for column in GRID.columns if column.title in head]


def test_columns_of_low_priority_give_way_first_and_are_named_below() -> None:
    kept = [set(cells(printed(GRID, width))[1]) for width in range(240, 60, -3)]

    assert kept[-1] < kept[0]
    for wide, narrow in pairwise(kept):
        assert narrow <= wide
        gone = [column for column in GRID.columns if column.title in wide - narrow]
        assert all(
            column.priority >= other.priority
            for column in gone
            for other in GRID.columns
            if other.title in narrow
        )
    hidden = [title for title in GRID.headings if title not in cells(printed(GRID, 80))[1]]
    assert f"no room for: {', '.join(hidden)}" in " ".join(printed(GRID, 80).split())
    assert "no room" not in printed(GRID, 240)


def test_a_name_that_is_too_long_is_folded_and_nothing_of_it_is_lost() -> None:
    grid = Grid.of("", [Column("case", is_text=True, value=str)], ["x" * 100])

    assert printed(grid, 40).count("x") == 100


def test_a_column_that_is_shown_if_known_needs_a_value_in_some_line() -> None:
    columns = [Column("a", value=str), Column("b", value=lambda line: line or None, if_known=True)]

    assert Grid.of("", columns, [0, 0]).headings == ["a"]
    assert Grid.of("", columns, [0, 1]).headings == ["a", "b"]


@pytest.mark.parametrize("text", ["[bold]x[/]", ":bug:", "[link=http://y]z[/]"])
def test_markup_in_a_cell_or_a_heading_is_shown_as_text(text: str) -> None:
    grid = Grid.of(text, [Column(text, is_text=True, value=str)], [text])

    assert printed(grid, 80).count(text) == 3


def test_the_page_about_reading_explains_columns_in_the_words_of_their_declaration() -> None:
    page = (CODE / "docs" / "reading.md").read_text(encoding="utf-8")
    section = page.partition("\n## Columns\n")[2].partition("\n## ")[0]
    explained = re.findall(r"^\| (.*?) \| (.*?) \|$", section, re.MULTILINE)[1:]
    declared = [(column.title, column.meaning) for column in columns("NAME")]

    assert explained
    assert explained == [pair for pair in declared if pair in explained]
