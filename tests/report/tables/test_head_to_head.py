"""The table of PyTorch against JAX on a terminal: it fits 80 columns and compares like for like."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from benchmarks.cases.implementations import BY_FRAMEWORK, BY_HAND
from benchmarks.cases.problems import NAMED
from benchmarks.report.tables.head_to_head import head_to_head_grids
from benchmarks.report.tables.run import to_markdown
from tests.helpers.records import row, run_of
from tests.helpers.runs import timed
from tests.report.tables.test_grid import printed

if TYPE_CHECKING:
    from benchmarks.records.row import Row

NAMES = {
    ("epoch", BY_FRAMEWORK): ("torch_aoti_onelog", "jax_scan_fused"),
    ("epoch", BY_HAND): ("torch_aoti_hand", "jax_scan_fused_hand"),
    ("step", BY_FRAMEWORK): ("torch_step", "jax_jit"),
    ("eager", BY_FRAMEWORK): ("torch_eager_fused", "jax_nojit"),
}
TIMES_S = {"epoch": (4e-5, 2e-5), "step": (4e-4, 2e-4), "eager": (8e-4, 1.31e-2)}


def rows_of(problem: str = "book", n_rounds: int = 6) -> list[Row]:
    """Make a timed row for each name."""
    return [
        timed(name, [time_s] * n_rounds, framework=name.partition("_")[0], tier=tier, gradient=gradient,
              problem=NAMED[problem])
        for (tier, gradient), names in NAMES.items()
        for name, time_s in zip(names, TIMES_S[tier], strict=True)
    ]  # fmt: skip


def lines_of(rows: list[Row], width: int) -> list[list[str]]:
    """Return the table's lines on a terminal of this width, as words."""
    (grid,) = head_to_head_grids(run_of(*rows))
    text = printed(grid, width)
    assert max(map(cell_len, text.splitlines())) <= width
    return [line.split() for line in text.splitlines() if line.strip()]


def test_on_80_columns_a_line_has_both_names_and_the_faster_framework() -> None:
    title, head, _, *lines, hidden = lines_of(rows_of(), 80)

    assert title[:6] == ["PyTorch", "against", "JAX", "on", "cpu,", "gradient"]
    assert head == ["problem", "tier", "PyTorch", "JAX", "faster"]
    assert lines == [
        ["book", "epoch", "torch_aoti_onelog", "jax_scan_fused", "JAX", "2×"],
        ["book", "by", "hand", "torch_aoti_hand", "jax_scan_fused_hand", "JAX", "2×"],
        ["book", "step", "torch_step", "jax_jit", "JAX", "2×"],
        ["book", "eager", "torch_eager_fused", "jax_nojit", "PyTorch", "16.4×"],
    ]
    assert " ".join(hidden) == "no room for: PyTorch's epoch, JAX's epoch, 95 %"


def test_on_a_wider_terminal_a_line_has_the_times_and_the_interval_too() -> None:
    _, _, _, first, *_ = lines_of(rows_of(), 140)

    assert " ".join(first) == "book epoch torch_aoti_onelog 44.0 µs jax_scan_fused 22.0 µs JAX 2× 2 to 2"


def test_without_an_interval_the_faster_framework_has_a_question_mark() -> None:
    _, _, _, first, *_ = lines_of(rows_of(n_rounds=1), 80)

    assert " ".join(first).endswith("jax_scan_fused JAX 2×?")


def test_only_named_problems_are_shown_where_there_are_any() -> None:
    unnamed = [replace(each, problem=row().problem) for each in rows_of()]

    assert {line[0] for line in lines_of([*unnamed, *rows_of("wide")], 140)[3:]} == {"wide"}
    assert {line[0] for line in lines_of(unnamed, 140)[3:]} == {"B32-D2-N4-E3"}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_each_device_has_a_table_and_markdown_too(device: str) -> None:
    rows = [replace(each, device=device) for each in rows_of()]  # type: ignore[arg-type] # one of two

    assert f"### PyTorch against JAX on {device}, gradient by the framework or by hand" in to_markdown(
        [run_of(*rows)]
    )
