"""Whose gradient is derived by hand, and what is said where such a way wins."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.by_hand import BY_HAND, by_hand, without_them
from benchmarks.decision_map import YARDSTICK
from benchmarks.discover import discover
from benchmarks.like_for_like import like_for_like
from benchmarks.overview import Extras, overview
from benchmarks.problems import NAMED
from tests.runs import run_of_day, timed
from tests.test_decision_map import sweep

if TYPE_CHECKING:
    from benchmarks.record import Run

DERIVES = re.compile(r"value_and_grad\(|grad_and_value\(|\.backward\(\)|autograd\.grad\(")
BOOK, LARGE = NAMED["book"], NAMED["large"]


def run(*, hand_s: float = 1e-5, of_jax: bool = True) -> Run:
    rows = [
        timed("torch_epoch", [6e-5] * 6, framework="torch", tier="epoch", problem=BOOK),
        timed("jax_scan_packed", [hand_s] * 6, framework="jax", tier="epoch", problem=BOOK),
        timed("jax_scan", [3e-5] * 6, framework="jax", tier="epoch", problem=BOOK),
        timed("torch_step", [4e-5] * 6, framework="torch", tier="step", problem=BOOK),
        timed("jax_jit", [2e-5] * 6, framework="jax", tier="step", problem=BOOK),
    ]
    return run_of_day(0, *(row for row in rows if of_jax or row.implementation != "jax_scan"))


def said(measured: Run) -> str:
    pairs, derived = like_for_like(measured), like_for_like(measured, without=BY_HAND)
    return without_them(pairs, derived, plain=str, label=lambda _: "")


def test_by_hand_are_those_whose_file_has_no_framework_derive_anything() -> None:
    entries = [entry for entry in discover().values() if entry.framework != YARDSTICK]

    derives = {entry.name for entry in entries if DERIVES.search(entry.path.read_text(encoding="utf-8"))}

    assert len(derives) > 6
    assert {entry.name for entry in entries} - derives == {*BY_HAND}


def test_where_a_way_by_hand_wins_the_fastest_that_the_framework_derives_is_compared_too() -> None:
    assert said(run()).replace("\N{NO-BREAK SPACE}", " ") == (
        "The gradient of jax_scan_packed is derived by hand. Where the frameworks derive it, "
        "jax_scan against torch_epoch: JAX, 2× (2 to 2)."
    )


def test_where_no_way_by_hand_is_the_fastest_nothing_is_said_and_without_another_nothing_compared() -> None:
    assert said(run(hand_s=5e-5)) == ""
    assert said(run(of_jax=False)) == "The gradient of jax_scan_packed is derived by hand."


def test_problems_that_the_same_two_decide_are_told_together() -> None:
    book = run()
    large = [replace(row, problem=LARGE) for row in book.rows]

    told = overview([replace(book, rows=(*book.rows, *large))], Extras())

    assert re.search(
        r"derive it, jax_scan against torch_epoch: \*\*book\*\* JAX, 2× \(2.to.2\); \*\*large\*\* JAX, 2×",
        told,
    )


@pytest.mark.parametrize("names", [["jax_jit", "jax_scan_packed"], ["jax_jit", "jax_scan"]])
def test_beside_the_table_of_compiling_and_the_map_it_is_told_where_such_a_way_takes_part(
    names: list[str],
) -> None:
    pytest.importorskip("altair")
    from benchmarks.pictures.gallery import pictures_of  # noqa: PLC0415 - needs an extra

    rows = [
        *sweep("torch_eager", warm_s=1e-3, cold_s=1e-3, epoch_s=1e-3),
        *(row for name in names for row in sweep(name, warm_s=0.1, cold_s=1.0, epoch_s=1e-4)),
    ]
    compiled = [replace(row, tier="epoch" if row.implementation in names else "eager") for row in rows]
    measured = run_of_day(0, *compiled)

    ((*_, pictures),) = pictures_of([measured]).items()
    (drawn,) = (picture for picture in pictures if picture.kind == "decision-map")
    page = overview([measured], Extras())

    told = by_hand(names)
    assert bool(told) == ("jax_scan_packed" in names)
    assert ("derived by hand, as theirs are" in str(drawn.chart.to_dict()["title"])) == bool(told)
    assert f"not measured there{told and f'; {told}'}." in page
