"""Pairs of processes: their order, when a case ends, and what one side's trouble means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.ab.pairs import PairedRun, paired_cases_of
from benchmarks.ab.sides import Side
from benchmarks.cases.implementations import read_entry
from benchmarks.compare.result import SideRecord
from benchmarks.compare.rule import Category, Rule
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.runner.dispatch import INSPECTION
from benchmarks.worker.messages import Runtime
from tests.ab.invented import FakeDispatcher
from tests.conftest import SMALL, NoProgress

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from benchmarks.compare.result import CaseVerdict
    from tests.ab.invented import MinS

NAMES = ("first", "second")
RULE = Rule()


def side(name: str, implementations: Sequence[str] = NAMES) -> Side:
    entry = read_entry(IMPLEMENTATIONS / "numpy_float32.py")
    entries = {each: replace(entry, name=each) for each in implementations}
    record = SideRecord(name=name, versions={}, commit=None, differs={})
    return Side(record=record, entries=entries, runtime=Runtime())


def compare(
    min_s: MinS,
    base: Side | None = None,
    new: Side | None = None,
    *,
    names: Sequence[str] = ("first",),
    unable: Collection[tuple[str, str]] = (),
    rule: Rule = RULE,
) -> tuple[list[CaseVerdict], FakeDispatcher]:
    sides = {"base": base or side("base"), "new": new or side("new")}
    paired_cases = paired_cases_of(sides, names, ("cpu",), (SMALL,), rule)
    dispatcher = FakeDispatcher(
        folder=Path(), progress=NoProgress(), worker_timeout_s=1.0, min_s=min_s, unable=unable
    )
    return PairedRun(paired_cases, dispatcher).run(), dispatcher


def test_the_sides_are_inspected_and_then_take_turns_in_going_first() -> None:
    _, dispatcher = compare(lambda *_: 1.0)

    assert [(pair, which) for pair, _, which in dispatcher.worker_runs] == [
        *((INSPECTION, which) for which in ("base", "new")),
        *((0, which) for which in ("new", "base")),
        *((1, which) for which in ("base", "new")),
        *((2, which) for which in ("new", "base")),
        *((3, which) for which in ("base", "new")),
        *((4, which) for which in ("new", "base")),
    ]


def test_each_case_stops_as_soon_as_it_is_decided_while_others_go_on() -> None:
    (first, second), dispatcher = compare(
        lambda name, which, _: 1.1 if (name, which) == ("second", "new") else 1.0, names=NAMES
    )

    assert (first.category, second.category) == (Category.UNCHANGED, Category.SLOWER)
    assert first.decision is not None
    assert second.decision is not None
    assert (first.decision.n_pairs, second.decision.n_pairs) == (5, 10)
    assert max(pair for pair, name, _ in dispatcher.worker_runs if name == "first") == 4


def test_the_ratio_is_that_of_the_two_processes_of_one_pair() -> None:
    (verdict,), _ = compare(lambda _, which, pair: (1.0 + pair) * (1.2 if which == "new" else 1.0))

    assert verdict.decision is not None
    assert verdict.decision.ratio == pytest.approx(1.2)
    assert verdict.ratios == pytest.approx([1.2] * 10)


def test_a_rule_that_needs_every_pair_never_stops_early() -> None:
    (verdict,), _ = compare(lambda *_: 1.0, rule=Rule(min_pairs=20, max_pairs=20))

    assert len(verdict.ratios) == 20
    assert verdict.category is Category.UNCHANGED


def test_a_case_that_only_the_base_has_is_missing_and_one_that_only_the_new_side_has_is_new() -> None:
    vanished, added = compare(lambda *_: 1.0, side("base", ["first"]), side("new", ["second"]), names=NAMES)[
        0
    ]

    assert (vanished.category, vanished.reason) == (Category.MISSING, "the new side lacks it")
    assert added.category is Category.NEW


@pytest.mark.parametrize("broken", ["base", "new"])
def test_a_side_that_breaks_makes_the_case_invalid_and_names_the_side(broken: str) -> None:
    (verdict,), dispatcher = compare(lambda _, which, pair: -1.0 if (which, pair) == (broken, 2) else 1.0)

    assert (verdict.category, verdict.reason) == (Category.INVALID, f"{broken}: it broke")
    assert verdict.decision is None
    assert max(pair for pair, *_ in dispatcher.worker_runs) == 2


@pytest.mark.parametrize("without", [["new"], ["base"], ["base", "new"]])
def test_a_case_that_a_side_can_not_run_is_missing_and_says_why(without: list[str]) -> None:
    (verdict,), _ = compare(lambda *_: 1.0, unable=[("first", key) for key in without])

    assert verdict.category is Category.MISSING
    assert verdict.reason == "; ".join(f"{key}: no such device" for key in without)


def test_a_new_case_is_inspected_and_invalid_if_it_breaks() -> None:
    def broken(_: str, __: str, pair: int) -> float:
        return -1.0 if pair == INSPECTION else 1.0

    (fine,), dispatcher = compare(lambda *_: 1.0, side("base", []), side("new", ["first"]))
    (wrong,), _ = compare(broken, side("base", []), side("new", ["first"]))

    assert (fine.category, dispatcher.worker_runs) == (Category.NEW, [(INSPECTION, "first", "new")])
    assert (wrong.category, wrong.reason) == (Category.INVALID, "new: it broke")


def test_what_the_inspection_found_unable_weakens_no_other_case() -> None:
    def breaks(name: str, _: str, pair: int) -> float:
        return -1.0 if (name, pair) == ("second", INSPECTION) else 1.0

    paired_cases = paired_cases_of(
        {"base": side("base"), "new": side("new")}, NAMES, ("cpu",), (SMALL,), Rule()
    )
    dispatcher = FakeDispatcher(folder=Path(), progress=NoProgress(), worker_timeout_s=1.0, min_s=breaks)
    paired_run = PairedRun(paired_cases, dispatcher)

    first, second = paired_run.run()

    assert (first.category, second.category) == (Category.UNCHANGED, Category.INVALID)
    assert paired_run.n_cases == 1


def test_every_case_sees_its_sides_take_turns_however_many_there_are() -> None:
    names = [f"case{i}" for i in range(5)]
    _, dispatcher = compare(lambda *_: 1.0, side("base", names), side("new", names), names=names)

    for name in names:
        firsts = [which for pair, each, which in dispatcher.worker_runs if each == name and pair >= 0][::2]
        assert firsts in (["new", "base"] * 2 + ["new"], ["base", "new"] * 2 + ["base"])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interrupt_keeps_what_was_measured_and_decides_nothing(error: BaseException) -> None:
    def interrupted(_: str, __: str, pair: int) -> float:
        if pair == 3:
            raise error
        return 1.0

    (verdict,), _ = compare(interrupted)

    assert verdict.category is Category.UNDECIDED
    assert "interrupted" in (verdict.reason or "")
    assert len(verdict.ratios) == 3
