"""What becomes of the cases of two records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.compare.rule import Category
from benchmarks.records.row import Row, Verdict
from tests.compare.records import BASE, NOISY_S, QUIET_S, case, new_run, without_times
from tests.helpers.runs import run_of_day

if TYPE_CHECKING:
    from tests.compare.records import Compare


@pytest.mark.parametrize(
    ("new", "arguments", "status", "category"),
    [
        (case(), [], 0, Category.UNCHANGED),
        (case(1.2), [], 1, Category.SLOWER),
        (case(1 / 1.2), [], 0, Category.FASTER),
        (case(1.2), ["--threshold=25"], 0, Category.UNCHANGED),
        (case(1.2), ["--threshold=torch=25"], 0, Category.UNCHANGED),
        (case(1.07), [], 3, Category.UNDECIDED),
        (case(minima_s=NOISY_S), [], 3, Category.UNDECIDED),
        (case(minima_s=NOISY_S), ["--undecided-ok"], 0, Category.UNDECIDED),
        (without_times(Verdict.INVALID, "loss of step 2"), [], 5, Category.INVALID),
        (without_times(Verdict.FAILED, "killed"), [], 5, Category.INVALID),
        (without_times(Verdict.NOT_MEASURED, "no compiler"), [], 5, Category.MISSING),
        (replace(case(), processes=()), [], 5, Category.MISSING),
    ],
    ids=[
        *("unchanged", "slower", "faster", "within the threshold", "within its threshold"),
        *("near the threshold", "noisy", "noisy, allowed", "invalid", "failed", "skipped", "untimed"),
    ],
)
def test_the_category_and_the_exit_status_say_what_became_of_a_case(
    new: Row, arguments: list[str], status: int, category: Category, compare: Compare
) -> None:
    found_status, comparison = compare(BASE, new_run(new), *arguments)

    assert [verdict.category for verdict in comparison.verdicts] == [category]
    assert found_status == status
    assert comparison.verdicts[0].reason == new.reason or new.processes == ()


def test_a_case_only_the_new_record_has_is_new_and_fine(compare: Compare) -> None:
    status, comparison = compare(BASE, new_run(case(), case(name="jax_scan")))

    assert {verdict.name[:8]: verdict.category for verdict in comparison.verdicts} == {
        "jax_scan": Category.NEW,
        "torch_ea": Category.UNCHANGED,
    }
    assert status == 0


@pytest.mark.parametrize("allowed", [[], ["--undecided-ok"]])
@pytest.mark.parametrize(
    ("new", "categories"),
    [
        ([case()], [Category.UNCHANGED, Category.MISSING]),
        ([case(), case(name="jax_renamed")], [Category.UNCHANGED, Category.MISSING, Category.NEW]),
        ([], [Category.MISSING, Category.MISSING]),
    ],
    ids=["vanished", "renamed", "all gone"],
)
def test_a_case_that_is_gone_or_was_renamed_is_no_silent_pass(
    new: list[Row], categories: list[Category], allowed: list[str], compare: Compare
) -> None:
    base = run_of_day(0, case(), case(name="jax_scan"))
    if not new:
        new = [replace(row, processes=()) for row in base.rows]

    status, comparison = compare(base, new_run(*new), *allowed)

    assert [verdict.category for verdict in comparison.verdicts] == categories
    assert status == 5


def test_a_case_that_was_wrong_in_the_base_is_no_silent_pass(compare: Compare) -> None:
    status, comparison = compare(run_of_day(0, without_times(Verdict.FAILED, "killed")), new_run(case()))

    assert status == 5
    assert comparison.verdicts[0].reason == "base: killed"


def test_what_neither_record_measured_is_left_out_in_words_and_alone_is_no_pass(compare: Compare) -> None:
    absent = replace(without_times(Verdict.NOT_MEASURED, "no GPU"), implementation="torch_cuda")

    status, comparison = compare(run_of_day(0, case(), absent), new_run(case(), absent))
    assert (status, len(comparison.verdicts)) == (0, 1)
    assert comparison.notes[0] == f"left out, measured in neither record: {absent.case}"

    status, comparison = compare(run_of_day(0, absent), new_run(absent))
    assert (status, len(comparison.verdicts)) == (5, 0)


def test_a_slowdown_is_told_even_where_another_case_is_gone(compare: Compare) -> None:
    assert compare(run_of_day(0, case(), case(name="jax_scan")), new_run(case(1.2)))[0] == 1


def test_a_record_that_was_cut_short_and_records_in_the_wrong_order_are_told(compare: Compare) -> None:
    cut = run_of_day(1, case(), settings={"interrupted": "Ctrl-C"})

    _, comparison = compare(cut, BASE)

    assert comparison.notes[:2] == (
        "base: the run was interrupted (Ctrl-C): some rounds are missing",
        "the base was measured after the new record: are they in the right order?",
    )


def test_too_few_rounds_for_so_many_cases_are_undecided_and_say_how_many_it_takes(
    compare: Compare, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"case_{i}" for i in range(5)]
    rows, slower = ([case(factor, name, QUIET_S[:4]) for name in names] for factor in (1.0, 1.5))

    status, comparison = compare(run_of_day(0, *rows), new_run(*slower))

    assert status == 3
    assert {verdict.category for verdict in comparison.verdicts} == {Category.UNDECIDED}
    assert comparison.verdicts[0].reason == "4 rounds are too few for 5 cases: measure 5, or fewer cases"
    assert "could detect" not in capsys.readouterr().out  # in so few, nothing would
    assert compare(run_of_day(0, rows[0]), new_run(slower[0]))[0] == 1  # enough for one


def test_only_cases_with_times_on_both_sides_share_the_error_probability(compare: Compare) -> None:
    new_cases = [case(name=f"case_{i}") for i in range(100)]

    status, comparison = compare(BASE, new_run(case(1.2), *new_cases))

    assert status == 1
    assert comparison.verdicts[0].category is Category.SLOWER


def test_3_rounds_are_enough_for_one_case_because_their_order_is_as_rare_as_alpha(compare: Compare) -> None:
    rows = [case(factor, minima_s=QUIET_S[:3]) for factor in (1.0, 1.5)]

    status, comparison = compare(run_of_day(0, rows[0]), new_run(rows[1]))  # one of 20 orders: 5 %

    assert (status, comparison.verdicts[0].reason) == (1, None)
    assert compare(run_of_day(0, rows[0]), new_run(rows[1]), "--alpha=0.049")[0] == 3


def test_drift_widens_the_interval_and_so_can_take_a_verdict_away(compare: Compare) -> None:
    widths = {}
    for drift in ("0", "3", "30"):
        status, comparison = compare(BASE, new_run(case(1.2)), f"--drift={drift}")
        decision = comparison.verdicts[0].decision
        assert decision is not None
        widths[drift] = decision.high / decision.low
        assert status == (3 if drift == "30" else 1)

    assert widths["3"] == pytest.approx(widths["0"] * 1.03**2)
    assert widths["30"] == pytest.approx(widths["0"] * 1.3**2)


def test_a_record_compared_with_itself_is_said_to_be_the_same(compare: Compare) -> None:
    _, same = compare(BASE, BASE)
    _, other = compare(BASE, new_run(case()))

    assert [note for note in same.notes if "both are the same record" in note]
    assert not [note for note in other.notes if "both are the same record" in note]
