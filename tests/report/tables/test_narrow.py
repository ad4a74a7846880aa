"""What matters most is readable on every terminal: each case, and beside or below it its verdict."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from benchmarks.analysis.columns import Column
from benchmarks.analysis.figures import figures_of
from benchmarks.compare.rule import Category
from benchmarks.report.tables.comparison import comparison_grid
from benchmarks.report.tables.grid import Grid
from benchmarks.report.tables.run import figures_grid
from benchmarks.report.tables.scaling import scaling_grids
from benchmarks.report.tables.trends import CHANGES
from tests.conftest import SMALL
from tests.helpers.comparisons import comparison, verdict
from tests.helpers.records import INVALID, row, run_of
from tests.helpers.runs import timed
from tests.report.tables.test_grid import printed

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTHS = [60, 80, 100, 180]

SHORT, LONG = (
    "jax_scan-cpu-book-B1000-D2-N5-E12",
    "torch_compiled_step-cpu-wide-B1000-D256-N100-E12-host-step",
)
VERDICTS = {LONG: Category.SLOWER, SHORT: Category.UNCHANGED, f"a-{SHORT}": Category.INVALID}


def beside(text: str, names: Mapping[str, str]) -> dict[str, str]:
    """Return the rest of the line in which each name is whole, and the line below it."""
    lines = text.splitlines()
    found = {}
    for name in names:
        (n,) = [n for n, line in enumerate(lines) if name in line.split()]
        found[name] = " ".join([*lines[n].split()[1:], *lines[n + 1].split()])
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_a_comparison_shows_each_case_whole_with_its_verdict(width: int) -> None:
    text = printed(comparison_grid(comparison(*(verdict(*each) for each in VERDICTS.items()))), width)

    assert max(map(cell_len, text.splitlines())) <= width
    for name, seen in beside(text, VERDICTS).items():
        assert VERDICTS[name] in seen
        assert "+10.0 %" in seen


@pytest.mark.parametrize("width", WIDTHS)
def test_a_run_shows_each_implementation_whole_with_its_time_and_verdict(width: int) -> None:
    run = run_of(row("torch_compiled_step"), INVALID)

    text = printed(figures_grid("book on cpu", figures_of(run)), width)

    assert max(map(cell_len, text.splitlines())) <= width
    seen = beside(text, {row.implementation: row.verdict for row in run.rows})
    assert seen["torch_compiled_step"].startswith(("122 µs", "eager 122 µs"))
    assert " verified" in seen["torch_compiled_step"]
    assert "INVALID" in seen[INVALID.implementation]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_change_point_shows_its_case_whole_with_the_size_of_the_change(width: int) -> None:
    rows = [[f"{LONG} against native_floor", "2026-11-11 00:00", "000000000a", "+9.9%", "torch 2.13 → 2.14"]]

    text = printed(Grid(title="Change points", columns=CHANGES, rows=rows), width)

    assert max(map(cell_len, text.splitlines())) <= width
    assert LONG in text.split()
    for cell in rows[0][1:]:
        assert cell in text


def test_tables_of_scaling_show_each_line_whole_at_80_columns() -> None:
    loop, double = "torch_step_all_reduce", replace(SMALL, batch_size=200_000)
    run = run_of(
        timed(loop, [999e-6] * 6, problem=replace(SMALL, batch_size=100_000)),
        *(timed(loop, [888e-6] * 6, problem=double, n_ranks=n) for n in (1, 2)),
    )
    wide = replace(run, rows=tuple(replace(row, n_cores=4) for row in run.rows))

    for grid in (*scaling_grids(run), *scaling_grids(wide)):
        lines = printed(grid, 80).splitlines()
        assert max(map(cell_len, lines)) <= 80
        shown = [re.split(r"\s{2,}", line.strip()) for line in lines]
        assert all(list(row) in shown for row in grid.rows), grid.title
        words = " ".join(lines).split()
        assert all(word in words for title in grid.headings for word in title.split())


def test_where_a_table_has_no_room_each_row_is_a_block_with_all_its_cells() -> None:
    grid = comparison_grid(comparison(verdict(LONG, Category.SLOWER)))

    assert [line.rstrip() for line in printed(grid, 60).splitlines() if line.strip()] == [
        LONG,
        "  verdict slower · change +10.0 % · interval +5.0 to +20.0 %",
        "  base 100 µs · new 100 µs · sure 98.0 % · threshold 2.5 %",
        "  pairs 10",
    ]


def test_text_is_broken_between_words_before_rows_become_blocks() -> None:
    columns = [Column("case", is_text=True, value=lambda _: SHORT), Column("why", is_text=True, value=str)]

    lines = printed(Grid.of("", columns, ["the quick brown fox jumps over the lazy dog"]), 60).splitlines()

    assert any(line.split()[:1] == [SHORT] and "the quick" in line for line in lines)
    assert " ".join(" ".join(lines).replace(SHORT, "").split()).endswith(
        "the quick brown fox jumps over the lazy dog"
    )
