"""Which gradients are derived by hand, and the note on an implementation with such a gradient that wins."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.analysis.figures import gradient_of
from benchmarks.analysis.head_to_head import by_hand, like_for_like
from benchmarks.cases.implementations import BY_FRAMEWORK, BY_HAND, discover
from benchmarks.cases.problems import NAMED
from benchmarks.report.readme.head_to_head import note_on_gradients
from benchmarks.report.readme.page import Extras, overview
from tests.analysis.test_decision_map import sweep
from tests.helpers.records import row
from tests.helpers.runs import run_of_day, timed

if TYPE_CHECKING:
    from benchmarks.records.run import Run

DERIVES = re.compile(r"value_and_grad\(|grad_and_value\(|\.backward\(\)|autograd\.grad\(")
BOOK, LARGE = NAMED["book"], NAMED["large"]


def run(*, hand_s: float = 1e-5, of_jax: bool = True) -> Run:
    rows = [
        timed("torch_epoch", [6e-5] * 6, framework="torch", tier="epoch", problem=BOOK),
        timed("jax_scan_fused_hand", [hand_s] * 6, framework="jax", tier="epoch", problem=BOOK),
        timed("jax_scan", [3e-5] * 6, framework="jax", tier="epoch", problem=BOOK),
        timed("torch_step", [4e-5] * 6, framework="torch", tier="step", problem=BOOK),
        timed("jax_jit", [2e-5] * 6, framework="jax", tier="step", problem=BOOK),
    ]
    return run_of_day(0, *(row for row in rows if of_jax or row.implementation != "jax_scan"))


def said(measured: Run) -> str:
    pairs, derived = like_for_like(measured), like_for_like(measured, by_hand=False)
    return note_on_gradients(pairs, derived, plain=str, label=lambda _: "")


def test_each_file_declares_who_derives_its_gradient_as_its_code_does() -> None:
    derives = {
        name: DERIVES.search(entry.path.read_text(encoding="utf-8")) for name, entry in discover().items()
    }

    assert {name: entry.gradient for name, entry in discover().items()} == {
        name: BY_FRAMEWORK if found else BY_HAND for name, found in derives.items()
    }


@pytest.mark.parametrize(
    ("name", "recorded", "expected"),
    [
        ("jax_scan_fused_hand", None, BY_HAND),
        ("jax_scan_packed", None, BY_HAND),  # gone, but in published records
        ("jax_scan", None, BY_FRAMEWORK),
        ("gone", None, BY_FRAMEWORK),
        ("jax_scan", BY_HAND, BY_HAND),
        ("jax_scan_fused_hand", BY_FRAMEWORK, BY_FRAMEWORK),
    ],
)
def test_the_gradient_is_the_records_or_for_an_older_record_what_the_file_declares(
    name: str, recorded: str | None, expected: str
) -> None:
    assert gradient_of(row(name, gradient=recorded)) == expected


def test_numpy_is_not_named_among_the_gradients_by_hand() -> None:
    rows = [row("numpy_float32", framework="numpy", gradient=BY_HAND), row("mine", gradient=BY_HAND)]

    assert by_hand(rows) == "the gradient of mine is derived by hand"


def test_if_a_gradient_by_hand_wins_the_fastest_derived_one_is_compared_too() -> None:
    assert said(run()).replace("\N{NO-BREAK SPACE}", " ") == (
        "The gradient of jax_scan_fused_hand is derived by hand. If the framework derives it, "
        "jax_scan against torch_epoch: JAX, 2× (2 to 2)."
    )


def test_there_is_no_note_if_none_by_hand_is_fastest_and_no_comparison_without_another() -> None:
    assert said(run(hand_s=5e-5)) == ""
    assert said(run(of_jax=False)) == "The gradient of jax_scan_fused_hand is derived by hand."


def test_problems_with_the_same_two_implementations_share_a_sentence() -> None:
    book = run()
    large = [replace(row, problem=LARGE) for row in book.rows]

    text = overview([replace(book, rows=(*book.rows, *large))], Extras())

    assert re.search(
        r"derives it, jax_scan against torch_epoch: \*\*book\*\* JAX, 2× \(2.to.2\); \*\*large\*\* JAX, 2×",
        text,
    )


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
    page = overview([measured], Extras())

    note = by_hand(measured.rows)
    assert bool(note) == ("jax_scan_fused_hand" in names)
    assert ("derived by hand, as theirs are" in str(drawn.chart.to_dict()["title"])) == bool(note)
    assert f"not measured{note and f'; {note}'}." in page
