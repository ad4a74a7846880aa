"""Slots: how the problems of a suite are divided, and what came of each part."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest

from benchmarks.campaign.slots import describe, has_wrong, slots_of
from benchmarks.cases.problems import NAMED
from benchmarks.cases.suites import SUITES
from benchmarks.cli.campaign import arguments_of, problems_of
from benchmarks.pytest_plugin.options import Options
from tests.helpers.records import INVALID, row, run_of
from tests.helpers.runs import write

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.records.row import Row


@pytest.mark.parametrize(
    ("n_problems", "n_slots", "sizes"),
    [(7, 3, [2, 2, 3]), (4, 4, [1, 1, 1, 1]), (2, 8, [1, 1]), (5, 1, [5])],
)
def test_slots_are_as_equal_as_can_be_and_none_is_empty(
    n_problems: int, n_slots: int, sizes: list[int], tmp_path: Path
) -> None:
    problems = [f"book,batch_size={size}" for size in range(n_problems)]

    slots = slots_of([[problem] for problem in problems], n_slots, [], tmp_path)

    assert [len(slot.problems) for slot in slots] == sizes
    assert [*chain.from_iterable(slot.problems for slot in slots)] == problems
    assert len({slot.record for slot in slots}) == len(slots)


def test_a_suite_names_each_problem_once() -> None:
    problems = [*chain.from_iterable(problems_of(Options(suite="sweep")))]

    assert len(problems) < len(SUITES["sweep"].problems)  # it names `book` in three sweeps
    assert "book,batch_size=1000" in problems
    assert "book,n_features=2" not in problems


def test_every_slot_has_a_problem_that_a_cpu_can_measure(tmp_path: Path) -> None:
    slots = slots_of(problems_of(Options(suite="full")), 100, [], tmp_path)

    lower = [slot for slot in slots if any("precision=" in problem for problem in slot.problems)]
    assert lower
    assert all(slot.problems[0] in NAMED for slot in lower)


def test_a_slot_is_a_run_of_its_problems_with_the_options_of_the_campaign(tmp_path: Path) -> None:
    options = Options(impl=["jax_scan", "torch_step"], suite="sweep", rounds=2, cores=2, resume=True)

    (slot,) = slots_of([["book"], ["small"]], 1, arguments_of(options), tmp_path)

    assert sorted(slot.arguments[1:]) == [
        *("--cores=2", "--impl=jax_scan", "--impl=torch_step", f"--output={slot.record}"),
        *("--problem=book", "--problem=small", "--resume", "--rounds=2", "--suite=sweep"),
    ]
    assert slot.arguments[0] == "run"


@pytest.mark.parametrize(
    ("rows", "interrupted", "found"),
    [
        ([row()], None, "1 case"),
        ([row(), INVALID], None, "2 cases, 1 INVALID"),
        ([row()], "Ctrl-C", "1 case, interrupted"),
    ],
)
def test_a_slot_is_done_when_its_run_was_not_interrupted(
    rows: list[Row], interrupted: str | None, found: str, tmp_path: Path
) -> None:
    (slot,) = slots_of([["book"]], 1, [], tmp_path)
    assert not slot.is_done
    run = run_of(*rows, interrupted=interrupted)
    write(run, slot.record)

    assert describe(run) == found
    assert slot.is_done == (interrupted is None)
    assert has_wrong(slot) == (INVALID in rows)
