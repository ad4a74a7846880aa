"""Only gradients that are derived alike are compared: by the framework, or else written out by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.analysis.gradient import by_hand, gradient_of
from benchmarks.analysis.head_to_head import lines_of
from benchmarks.cases.implementations import BY_FRAMEWORK, BY_HAND, OWN_LOSS_RULE, discover
from benchmarks.cases.problems import NAMED
from benchmarks.report.readme.page import Extras, overview
from tests.analysis.test_decision_map import sweep
from tests.helpers.records import row
from tests.helpers.runs import run_of_day, timed
from tests.report.readme.pages import FLOOR, cells_of, page

if TYPE_CHECKING:
    from benchmarks.records.row import Row

DERIVES = re.compile(r"value_and_grad\(|grad_and_value\(|\.backward\(\)|autograd\.grad\(")
OWN_RULE = re.compile(r"custom_vjp|autograd\.Function")
BOOK = NAMED["book"]


def epoch(name: str, epoch_s: float, gradient: str = BY_FRAMEWORK) -> Row:
    """Make a row of tier `epoch`; its framework is the first part of its name."""
    framework = name.partition("_")[0]
    return timed(name, [epoch_s] * 6, framework=framework, tier="epoch", problem=BOOK, gradient=gradient)


DERIVED = epoch("torch_a", 4e-5), epoch("jax_a", 2e-5, OWN_LOSS_RULE)
WRITTEN_OUT = epoch("torch_b", 1e-5, BY_HAND), epoch("jax_b", 3e-5, BY_HAND)


def compared(*rows: Row) -> list[list[str]]:
    """Return the lines of the first table of the README of these rows, without the problem's name."""
    lines = cells_of(page(run_of_day(0, *rows)))
    assert lines[0] == ["problem", "tier", "PyTorch", "JAX", "faster"]
    end = next(i for i, cells in enumerate(lines) if cells[:2] == ["tier", "implementation"])
    return [cells[1:] for cells in lines[1:end]]


def declared_by(source: str) -> str:
    """Return what a file with this code has to declare."""
    if not DERIVES.search(source):
        return BY_HAND
    return OWN_LOSS_RULE if OWN_RULE.search(source) else BY_FRAMEWORK


def test_each_file_declares_who_derives_its_gradient_as_its_code_does() -> None:
    entries = discover()

    assert {name: entry.gradient for name, entry in entries.items()} == {
        name: declared_by(entry.path.read_text(encoding="utf-8")) for name, entry in entries.items()
    }


@pytest.mark.parametrize(
    ("name", "recorded", "expected"),
    [
        ("jax_scan_fused_hand", None, BY_HAND),
        ("jax_scan_packed", None, BY_HAND),  # gone, but in published records
        ("numpy_float32", None, BY_HAND),
        ("jax_scan", None, OWN_LOSS_RULE),
        ("torch_step", None, BY_FRAMEWORK),
        ("gone", None, BY_FRAMEWORK),
        ("jax_scan", BY_HAND, BY_HAND),
        ("jax_scan_fused_hand", BY_FRAMEWORK, BY_FRAMEWORK),
    ],
)
def test_the_gradient_is_the_records_or_for_an_older_record_what_the_file_declares(
    name: str, recorded: str | None, expected: str
) -> None:
    assert gradient_of(row(name, gradient=recorded)) == expected


def test_the_frameworks_gradients_are_compared_first_and_those_by_hand_with_each_other() -> None:
    assert compared(*DERIVED, *WRITTEN_OUT) == [
        ["epoch", "torch_a 44.0 µs", "jax_a 22.0 µs", "JAX, 2× (2 to 2)"],
        ["epoch, by hand", "torch_b 11.0 µs", "jax_b 33.0 µs", "PyTorch, 3× (3 to 3)"],
    ]
    assert compared(*DERIVED) == [["epoch", "torch_a 44.0 µs", "jax_a 22.0 µs", "JAX, 2× (2 to 2)"]]


def test_a_gradient_by_hand_that_only_one_framework_has_is_shown_and_names_no_winner() -> None:
    torch, jax = DERIVED

    assert compared(torch, jax, WRITTEN_OUT[1]) == [
        ["epoch", "torch_a 44.0 µs", "jax_a 22.0 µs", "JAX, 2× (2 to 2)"],
        ["epoch, by hand", "—", "jax_b 33.0 µs", "—"],
    ]
    assert compared(torch, WRITTEN_OUT[1]) == [
        ["epoch", "torch_a 44.0 µs", "—", "—"],
        ["epoch, by hand", "—", "jax_b 33.0 µs", "—"],
    ]
    assert "**JAX**" not in page(run_of_day(0, torch, WRITTEN_OUT[1]))


def test_a_tier_that_only_one_framework_has_is_left_out() -> None:
    assert lines_of(run_of_day(0, DERIVED[0], WRITTEN_OUT[0])) == {}


def test_a_gradient_that_is_declared_otherwise_is_not_compared_with_the_frameworks() -> None:
    (lines,) = lines_of(run_of_day(0, *DERIVED, epoch("jax_odd", 1e-6, "by magic"))).values()

    assert [(line.jax and line.jax.implementation, line.by_hand) for line in lines] == [
        ("jax_a", False),
        ("jax_odd", True),
    ]


def test_the_distance_from_the_floor_has_lines_of_its_own_for_gradients_by_hand() -> None:
    lines = cells_of(page(run_of_day(0, *DERIVED, WRITTEN_OUT[1], FLOOR)))

    first_floor_s = 1e-5 * 1.025  # the median of the floor's rounds
    assert ["JAX's fastest", f"jax_a {2e-5 / first_floor_s:.3g}×"] in lines
    assert ["JAX's fastest, gradient by hand", f"jax_b {3e-5 / first_floor_s:.3g}×"] in lines
    assert not [cells for cells in lines if cells[0] == "PyTorch's fastest, gradient by hand"]


def test_numpy_is_not_named_among_the_gradients_by_hand() -> None:
    rows = [row("numpy_float32", framework="numpy", gradient=BY_HAND), row("mine", gradient=BY_HAND)]

    assert by_hand(rows) == "the gradient of mine is derived by hand"


@pytest.mark.parametrize("names", [["jax_jit", "jax_scan_fused_hand"], ["jax_jit", "jax_scan"]])
def test_the_table_of_compiling_and_the_map_name_the_gradients_by_hand_in_them(
    names: list[str],
) -> None:
    pytest.importorskip("altair")
    from benchmarks.report.plots.gallery import plots_of  # noqa: PLC0415 - needs an extra

    rows = [
        *sweep("torch_eager", warm_s=1e-3, cold_s=1e-3, epoch_s=1e-3),
        *(row for name in names for row in sweep(name, warm_s=0.1, cold_s=1.0, epoch_s=1e-4)),
    ]
    compiled = [replace(row, tier="epoch" if row.implementation in names else "eager") for row in rows]
    measured = run_of_day(0, *compiled)

    ((*_, plots),) = plots_of([measured]).items()
    (drawn,) = (plot for plot in plots if plot.kind == "decision-map")
    shown = overview([measured], Extras())

    note = by_hand(measured.rows)
    assert bool(note) == ("jax_scan_fused_hand" in names)
    assert ("derived by hand, as theirs are" in str(drawn.chart.to_dict()["title"])) == bool(note)
    assert f"not measured{note and f'; {note}'}." in shown
