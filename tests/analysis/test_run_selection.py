"""The run that is shown of several that measured a group."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.analysis.run_selection import headline_groups
from benchmarks.cases.problems import NAMED
from benchmarks.records.machine import Machine
from tests.conftest import SMALL
from tests.helpers.records import row, run_of
from tests.helpers.runs import run_of_day, timed

if TYPE_CHECKING:
    from benchmarks.records.row import Row
    from benchmarks.records.run import Run

GROUP = f"{row().group}"


def shown_run(*runs: Run) -> Run:
    ((_, groups),) = headline_groups(runs).items()
    return groups[GROUP]


def test_the_run_with_most_rounds_then_most_implementations_then_the_newest_is_shown() -> None:
    few, many = timed("torch_eager", [1e-6] * 3), timed("torch_eager", [1e-6] * 6)
    other = timed("jax_scan", [1e-6] * 6)
    runs = [
        run_of_day(day, *rows) for day, rows in enumerate([(many,), (many, other), (many, other), (few,)])
    ]

    ((_, groups),) = headline_groups(runs).items()

    assert groups == {GROUP: runs[2]}
    assert headline_groups(runs[::-1]) == headline_groups(runs)


@pytest.mark.parametrize("change", [{"commit": "b" * 10}, {"versions": {"torch": "2.14.0"}}])
def test_a_run_of_older_code_or_versions_is_not_shown_however_thorough_it_is(
    change: dict[str, Any],
) -> None:
    thorough = run_of_day(0, timed("torch_eager", [1e-6] * 6), commit="a" * 10)
    newer = run_of_day(1, timed("torch_eager", [1e-6] * 3), **{"commit": "a" * 10, **change})
    look = run_of_day(2, timed("torch_eager", [1e-6]), settings={"quick": True}, **change)

    assert shown_run(thorough, newer, look) is newer


def of_code(digest: str | None, *, n_rounds: int, implementation: str = "torch_eager") -> Row:
    return timed(implementation, [1e-6] * n_rounds, code_digest=digest)


def test_if_a_later_commit_left_the_timed_code_alone_the_more_thorough_run_is_shown() -> None:
    thorough = run_of_day(0, of_code("1", n_rounds=6), commit="a" * 10)
    newer = run_of_day(1, of_code("1", n_rounds=3), commit="b" * 10)
    as_thorough = run_of_day(2, of_code("1", n_rounds=6), commit="c" * 10)
    other_versions = run_of_day(3, of_code("1", n_rounds=3), versions={"torch": "2.14.0"})

    assert shown_run(thorough, newer) is thorough
    assert shown_run(thorough, newer, as_thorough) is as_thorough
    assert shown_run(thorough, newer, as_thorough, other_versions) is other_versions


@pytest.mark.parametrize("digest", ["2", None], ids=["another", "not known"])
def test_code_of_another_digest_or_without_a_digest_of_another_commit_is_other_code(
    digest: str | None,
) -> None:
    thorough = run_of_day(0, of_code("1", n_rounds=6), commit="a" * 10)
    newer = run_of_day(1, of_code(digest, n_rounds=3), commit="b" * 10)

    assert shown_run(thorough, newer) is newer


def test_one_changed_implementation_is_enough_and_one_that_only_one_run_has_is_no_change() -> None:
    changing = (of_code(digest, n_rounds=n, implementation="jax_jit") for digest, n in (("1", 6), ("2", 3)))
    thorough, newer = (
        run_of_day(day, of_code("1", n_rounds=n), each, commit=str(day) * 10)
        for day, (n, each) in enumerate(zip((6, 3), changing, strict=True))
    )
    without = run_of_day(2, of_code("1", n_rounds=3), commit="c" * 10)

    assert shown_run(thorough, newer) is newer
    assert shown_run(thorough, without) is thorough


def test_within_one_commit_the_digest_decides_whether_code_is_the_same() -> None:
    thorough = run_of_day(0, of_code("1", n_rounds=6), commit="aaaaaaaaaa with changes")
    newer = run_of_day(1, of_code("2", n_rounds=3), commit="aaaaaaaaaa with changes")

    assert shown_run(thorough, newer) is newer


def test_a_quick_look_or_an_untimed_run_is_shown_only_if_there_is_no_other() -> None:
    thorough, quick = run_of_day(0, row()), run_of_day(1, row(), settings={"quick": True})
    untimed = run_of_day(2, row(processes=()), settings={"timed": False})

    assert shown_run(thorough, quick, untimed) is thorough
    assert shown_run(quick, untimed) is quick
    assert shown_run(untimed) is untimed


def test_machines_are_listed_separately_that_of_the_newest_run_first() -> None:
    here, there = run_of_day(0, row()), run_of_day(1, row(), cpu="Another CPU")

    found = headline_groups([here, there])

    assert list(found.items()) == [(Machine.of(there), {GROUP: there}), (Machine.of(here), {GROUP: here})]
    assert str(Machine.of(there)) == "vm: Another CPU (2 CPUs)"


def test_an_interrupted_run_does_not_move_its_machine_before_others() -> None:
    whole = run_of_day(0, timed("torch_eager", [1e-3] * 6), machine="a")
    cut = run_of_day(1, timed("torch_eager", [1e-3] * 6), machine="b", settings={"interrupted": "Ctrl-C"})

    assert [each.machine for each in headline_groups([whole, cut])] == ["a", "b"]


def test_named_problems_come_first_in_the_order_of_their_declaration() -> None:
    problems = [SMALL, NAMED["wide"], NAMED["large"], NAMED["book"]]
    run = run_of(*(row(problem=problem) for problem in problems))

    ((_, groups),) = headline_groups([replace(run)]).items()

    assert [group.partition("-")[0] for group in groups] == ["book", "large", "wide", "B32"]


def test_without_runs_nothing_is_shown() -> None:
    assert headline_groups([]) == {}
