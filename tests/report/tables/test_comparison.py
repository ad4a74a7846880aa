"""The table of a comparison, on terminals of several widths."""

from __future__ import annotations

import pytest

from benchmarks.compare.rule import Category
from benchmarks.report.tables.comparison import comparison_grid
from tests.helpers.comparisons import comparison, verdict
from tests.report.tables.test_grid import cells, printed

CASE = "jax_scan_fused_hand-cpu-book-B1000-D2-N5-E12"
GRID = comparison_grid(comparison(verdict(CASE, Category.SLOWER), verdict("b", Category.UNCHANGED)))


def test_at_80_columns_case_change_and_verdict_are_on_one_line() -> None:
    head, slower, *_ = cells(printed(GRID, 80))

    assert {"case", "change", "verdict"} <= {*head}
    shown = dict(zip(head, slower, strict=True))
    assert (shown["case"], shown["change"], shown["verdict"]) == (CASE, "+10.0 %", "slower")


@pytest.mark.parametrize("width", [180, 200])
def test_a_wide_terminal_shows_every_column(width: int) -> None:
    head, *rows = cells(printed(GRID, width))

    assert head == GRID.headings
    assert rows == [list(row) for row in GRID.rows]
