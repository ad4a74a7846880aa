"""The figures that are shown, and the run that speaks for a group."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.columns import columns_of
from benchmarks.figures import Figures, figures_of, headline_groups
from benchmarks.machine import Site
from benchmarks.problems import NAMED
from benchmarks.process import Costs
from benchmarks.record import Run, Verdict
from tests.conftest import SMALL
from tests.runs import run_of_day, timed
from tests.test_record import ABSENT, INVALID, row, run_of

GROUP = f"{row().group}"


def shown(run: Run) -> dict[str, Figures]:
    return {figures.implementation: figures for figures in figures_of(run)}


def test_times_throughput_costs_and_deviation_are_those_of_the_row() -> None:
    figures = shown(run_of(row()))["torch_eager"]

    assert figures.typical_s == pytest.approx(122.5e-6)
    assert figures.best_s == pytest.approx(100e-6)
    assert figures.samples_per_s == pytest.approx(32 * 4 / 122.5e-6)
    assert (figures.cold_s, figures.warm_s, figures.memory_bytes) == (0.75, 0.5, 12_345_678)
    assert (figures.deviation, figures.n_rounds, figures.verdict) == (1e-7, 6, "verified")


def test_speedup_and_distance_from_the_floor_are_medians_over_the_rounds_in_which_both_ran() -> None:
    slow, fast = timed("torch_eager", [8e-6] * 6), timed("jax_scan", [2e-6, 4e-6, 4e-6, 4e-6, 4e-6, 8e-6])
    floor = timed("native_floor", [1e-6] * 5)  # five of the rounds

    figures = shown(run_of(slow, fast, floor))

    scan = figures["jax_scan"]
    assert (scan.speedup, scan.speedup_low, scan.speedup_high) == pytest.approx((2, 1, 4))
    assert scan.speedup_coverage == pytest.approx(1 - 2 / 2**6)
    assert scan.times_floor == pytest.approx(4)
    assert figures["native_floor"].times_floor == 1
    assert figures["torch_eager"].speedup == 1
    assert figures["native_floor"].speedup_coverage == pytest.approx(1 - 2 / 2**5)


@pytest.mark.parametrize("bare", [INVALID, ABSENT, row("jax_jit", verdict=Verdict.FAILED)])
def test_a_row_that_is_not_verified_has_a_reason_and_no_figure_of_time(bare: Any) -> None:
    figures = shown(run_of(row(), bare, timed("native_floor", [1e-6] * 6)))[bare.implementation]

    assert not figures.is_timed
    assert figures.reason == bare.reason
    for name in (
        "typical_s", "best_s", "samples_per_s", "speedup", "times_floor", "cold_s", "warm_s", "memory_bytes"
    ):  # fmt: skip
        assert getattr(figures, name) is None


def test_without_floor_or_baseline_there_is_no_ratio_to_it() -> None:
    figures = shown(run_of(timed("jax_scan", [1e-6] * 6)))["jax_scan"]

    assert figures.speedup is None
    assert figures.times_floor is None


def test_memory_is_the_devices_own_and_never_negative() -> None:
    costs = Costs(cold_first_call_s=1.0, peak_host_bytes=-5, peak_device_bytes=7)

    assert shown(run_of(row(costs=costs)))["torch_eager"].memory_bytes == 0
    assert shown(run_of(row(costs=costs, device="cuda")))["torch_eager"].memory_bytes == 7


def test_every_column_says_what_it_means_and_times_and_sizes_their_unit() -> None:
    for column in columns_of(Figures):
        assert column.meaning
        ending = column.name.rpartition("_")[2]
        assert column.unit == {"s": "1/s" if "_per_" in column.name else "s", "bytes": "bytes"}.get(
            ending, ""
        )


def test_most_rounds_then_most_implementations_then_the_newest_run_speaks_for_a_group() -> None:
    few, many = timed("torch_eager", [1e-6] * 3), timed("torch_eager", [1e-6] * 6)
    other = timed("jax_scan", [1e-6] * 6)
    runs = [
        run_of_day(day, *rows) for day, rows in enumerate([(many,), (many, other), (many, other), (few,)])
    ]

    ((_, groups),) = headline_groups(runs).items()

    assert groups == {GROUP: runs[2]}
    assert headline_groups(runs[::-1]) == headline_groups(runs)


@pytest.mark.parametrize("change", [{"commit": "b" * 10}, {"versions": {"torch": "2.14.0"}}])
def test_a_run_of_older_code_or_versions_does_not_speak_however_thorough_it_is(
    change: dict[str, Any],
) -> None:
    thorough = run_of_day(0, timed("torch_eager", [1e-6] * 6), commit="a" * 10)
    newer = run_of_day(1, timed("torch_eager", [1e-6] * 3), **{"commit": "a" * 10, **change})
    look = run_of_day(2, timed("torch_eager", [1e-6]), settings={"quick": True}, **change)

    ((_, groups),) = headline_groups([thorough, newer, look]).items()

    assert groups == {GROUP: newer}


def test_a_quick_look_or_an_untimed_run_speaks_only_where_no_other_can() -> None:
    thorough, quick = run_of_day(0, row()), run_of_day(1, row(), settings={"quick": True})
    untimed = run_of_day(2, row(processes=()), settings={"timed": False})

    def speaker(*runs: Run) -> Run:
        ((_, groups),) = headline_groups(runs).items()
        return groups[GROUP]

    assert speaker(thorough, quick, untimed) is thorough
    assert speaker(quick, untimed) is quick
    assert speaker(untimed) is untimed


def test_each_machine_has_its_own_speakers_that_of_the_newest_run_first() -> None:
    here, there = run_of_day(0, row()), run_of_day(1, row(), cpu="Another CPU")

    found = headline_groups([here, there])

    assert list(found.items()) == [(Site.of(there), {GROUP: there}), (Site.of(here), {GROUP: here})]
    assert str(Site.of(there)) == "vm: Another CPU (2 CPUs), 1 core used"


def test_named_problems_come_first_in_the_order_in_which_they_are_named() -> None:
    problems = [SMALL, NAMED["wide"], NAMED["large"], NAMED["book"]]
    run = run_of(*(row(problem=problem) for problem in problems))

    ((_, groups),) = headline_groups([replace(run)]).items()

    assert [group.partition("-")[0] for group in groups] == ["book", "large", "wide", "B32"]


def test_no_run_speaks_for_nothing() -> None:
    assert headline_groups([]) == {}
