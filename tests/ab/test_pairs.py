"""Pairs of processes: their order, when a case ends, and what one side's trouble means."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.ab.pairs import MOST_TRIES, PairedRun, drawn_order, paired_cases_of
from benchmarks.ab.sides import Side
from benchmarks.cases.implementations import read_entry
from benchmarks.compare.result import SIDES, SideRecord
from benchmarks.compare.rule import Category, Rule
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.runner.case import Case
from benchmarks.runner.dispatch import INSPECTION
from benchmarks.verify import conservation
from benchmarks.verify.conservation import Judgement
from benchmarks.worker.messages import Runtime
from tests.ab.invented import FakeDispatcher
from tests.conftest import SMALL, NoProgress

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from benchmarks.compare.result import CaseVerdict
    from impls.contract import Device
    from tests.ab.invented import MinS

NAMES = ("first", "second")
RULE = Rule()
EVERY_PAIR = Rule(min_pairs=20, max_pairs=20)
SEED = "a seed"


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
    seed: str = SEED,
) -> tuple[list[CaseVerdict], FakeDispatcher]:
    sides = {"base": base or side("base"), "new": new or side("new")}
    paired_cases = paired_cases_of(sides, product((SMALL,), ("cpu",), (1,), names), rule)
    dispatcher = FakeDispatcher(
        folder=Path(), progress=NoProgress(), worker_timeout_s=1.0, min_s=min_s, unable=unable
    )
    return PairedRun(paired_cases, dispatcher, seed).run(), dispatcher


def test_the_sides_are_inspected_and_then_go_first_as_the_coin_falls() -> None:
    _, dispatcher = compare(lambda *_: 1.0, rule=EVERY_PAIR)

    group = ("first", "cpu", "float32")
    assert [(pair, which) for pair, _, which in dispatcher.worker_runs] == [
        (pair, which) for pair in range(INSPECTION, 20) for which in drawn_order(SEED, pair, group)
    ]


@pytest.mark.parametrize("can", ["at once", "no spare CPU", "on a GPU", "over ranks", "measured before"])
def test_both_sides_of_a_pair_prepare_at_once_where_they_can_and_are_timed_as_the_coin_falls(
    can: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Case, "skip_reason", None)
    device: Device = "cuda" if can == "on a GPU" else "cpu"
    paired_cases = paired_cases_of(
        {each: side(each) for each in SIDES},
        [(SMALL, device, 2 if can == "over ranks" else 1, "first")],
        Rule(min_pairs=5, max_pairs=5),
    )
    if can == "measured before":
        for pair in range(5):
            (tmp_path / f"{pair:02}-00-base-cpu-1.report").touch()
    dispatcher = FakeDispatcher(
        folder=tmp_path,
        progress=NoProgress(),
        worker_timeout_s=1.0,
        min_s=lambda *_: 1.0,
        spare_cpus=() if can == "no spare CPU" else (0,),
    )

    PairedRun(paired_cases, dispatcher, SEED).run()

    pairs = [tuple(worker_run.side for worker_run in pair) for pair in dispatcher.at_once]
    orders = [drawn_order(SEED, pair, ("first", "cpu", "float32")) for pair in range(5)]
    assert pairs == (orders if can == "at once" else [])
    assert len(dispatcher.worker_runs) == 2 * len(orders)


def test_the_coin_is_fair_and_its_tosses_depend_on_neither_seed_nor_pair_nor_case() -> None:
    tosses = np.array(
        [
            [[drawn_order(str(seed), pair, group) == SIDES for pair in range(20)] for group in NAMES]
            for seed in range(1000)
        ]
    )

    assert tosses.mean(axis=0) == pytest.approx(0.5, abs=0.08)  # five standard deviations
    flat = tosses.reshape(1000, -1)
    correlations = np.corrcoef(flat, rowvar=False)[~np.eye(40, dtype=bool)]
    assert abs(correlations).max() < 0.16


def test_each_process_records_its_place_in_the_order_and_the_sides_of_a_pair_differ() -> None:
    (verdict, _), dispatcher = compare(lambda *_: 1.0, names=NAMES, rule=EVERY_PAIR)

    base, new = (
        {each.round: each.position for each in row.processes} for row in (verdict.base, verdict.new) if row
    )
    firsts = {pair: which for pair, name, which in reversed(dispatcher.worker_runs) if name == "first"}
    assert {pair: "new" if new[pair] < base[pair] else "base" for pair in base} == firsts


def test_unchanged_needs_two_pairs_in_each_order() -> None:
    def one_wild_pair(_: str, which: str, pair: int) -> float:
        return 1.2 if (which, pair) == ("new", 0) else 1.0  # else the interval of 8 pairs would be a bound

    for seed in map(str, range(100)):
        _, dispatcher = compare(one_wild_pair, seed=seed)
        firsts = [which for _, _, which in dispatcher.worker_runs][::2]

        assert len(firsts) >= 5
        assert min(firsts.count(which) for which in SIDES) >= 2
        assert len(firsts) == 5 or min(firsts[:-1].count(which) for which in SIDES) < 2


def test_a_pair_in_which_a_side_could_not_be_checked_is_dropped_whole_and_replaced() -> None:
    def unchecked(_: str, which: str, pair: int) -> float:
        return 0.0 if (which, pair) in (("base", 1), ("new", 3)) else 1.0 + pair

    (verdict,), dispatcher = compare(unchecked, rule=EVERY_PAIR)

    assert verdict.category is Category.UNCHANGED
    assert verdict.ratios == [1.0] * 20
    assert max(pair for pair, *_ in dispatcher.worker_runs) == 21


def test_a_case_of_which_too_many_pairs_can_not_be_checked_is_undecided_and_says_so() -> None:
    def busy(_: str, which: str, pair: int) -> float:
        return 0.0 if which == "new" and pair % 3 else 1.0

    (verdict,), dispatcher = compare(busy, rule=EVERY_PAIR)

    assert verdict.category is Category.UNDECIDED
    assert verdict.reason == "too many pairs could not be checked after 14 pairs"
    assert max(pair for pair, *_ in dispatcher.worker_runs) == MOST_TRIES * 20 - 1


@pytest.mark.parametrize(
    ("busy", "category"), [(False, Category.INVALID), (True, Category.UNDECIDED)], ids=["quiet", "busy"]
)
def test_a_side_whose_times_are_below_their_cost_is_not_faster(
    busy: bool,  # noqa: FBT001 - a parameter
    category: Category,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    low = Judgement(checks=[], cost_s=1.0, share=0.7, busy=busy)
    monkeypatch.setattr(conservation, "judge", lambda *_: low)

    (verdict,), _ = compare(lambda _, which, pair: 0.7 if which == "new" else 1.0 + pair)

    assert verdict.category is category
    assert verdict.decision is None
    assert "at least 0.8 of it, found 0.70 of it" in (verdict.reason or "")


def test_each_case_stops_as_soon_as_it_is_decided_while_others_go_on() -> None:
    (first, second), dispatcher = compare(
        lambda name, which, _: 1.1 if (name, which) == ("second", "new") else 1.0, names=NAMES
    )

    assert (first.category, second.category) == (Category.UNCHANGED, Category.SLOWER)
    assert first.decision is not None
    assert second.decision is not None
    n_pairs = first.decision.n_pairs
    assert n_pairs < second.decision.n_pairs == 10
    assert max(pair for pair, name, _ in dispatcher.worker_runs if name == "first") == n_pairs - 1


def test_the_ratio_is_that_of_the_two_processes_of_one_pair() -> None:
    (verdict,), _ = compare(lambda _, which, pair: (1.0 + pair) * (1.2 if which == "new" else 1.0))

    assert verdict.decision is not None
    assert verdict.decision.ratio == pytest.approx(1.2)
    assert verdict.ratios == pytest.approx([1.2] * 10)


def test_a_rule_that_needs_every_pair_never_stops_early() -> None:
    (verdict,), _ = compare(lambda *_: 1.0, rule=EVERY_PAIR)

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
        {"base": side("base"), "new": side("new")}, product((SMALL,), ("cpu",), (1,), NAMES), Rule()
    )
    dispatcher = FakeDispatcher(folder=Path(), progress=NoProgress(), worker_timeout_s=1.0, min_s=breaks)
    paired_run = PairedRun(paired_cases, dispatcher, SEED)

    first, second = paired_run.run()

    assert (first.category, second.category) == (Category.UNCHANGED, Category.INVALID)
    assert paired_run.n_cases == 1


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
