"""Trends: which records are compared, which are in one trend, and what differs between two runs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.records.machine import FULL_PRECISION
from benchmarks.records.row import Verdict
from benchmarks.track.trends import (
    Trend,
    differences,
    points_of,
    trends_of,
)
from tests.helpers.runs import record_of, run_of_day, timed

if TYPE_CHECKING:
    from benchmarks.records.row import Row
    from benchmarks.track.history import Record

FLOOR = timed("native_floor", [1e-5] * 6)
SCAN = timed("jax_scan", [4e-5] * 6)
EAGER = timed("torch_eager", [1e-3] * 6)


def record(*rows: Row, day: int = 0, **changes: Any) -> Record:
    return record_of(run_of_day(day, *rows, **changes), Path(f"{day}.json"))


def held(record: Record, baseline: str | None = None) -> dict[str, str]:
    """Return the baseline of each implementation."""
    return {p.row.implementation: p.baseline.implementation for p in points_of(record, baseline)}


def keys(trends: list[Trend]) -> list[tuple[str, str, int]]:
    return [(trend.case.partition("-")[0], trend.baseline, len(trend.points)) for trend in trends]


def test_a_run_counts_by_the_median_over_the_rounds_of_the_ratio_of_the_fastest_epochs() -> None:
    floor = timed("native_floor", [1e-5, 1e-5, 2e-5, 1e-5, 1e-5])
    scan = timed("jax_scan", [4e-5, 5e-5, 8e-5, 6e-5, 9e-5])

    (point,) = points_of(record(floor, scan))

    assert point.ratio.value == pytest.approx(5)  # of 4, 5, 4, 6 and 9; not 6 / 1, the quotient of medians
    assert point.min_s == pytest.approx(6e-5)
    assert point.baseline_min_s == pytest.approx(1e-5)
    assert point.n_rounds == 5


def test_what_slows_the_whole_machine_for_a_round_or_a_run_drops_out() -> None:
    slow = [1.0, 3.0, 1.0, 7.0, 1.5, 2.0]
    quiet, busy = (
        points_of(record(timed("native_floor", [1e-5 * s for s in factors]), timed("jax_scan", scan)))[0]
        for factors, scan in (([1.0] * 6, [4e-5] * 6), (slow, [4e-5 * s for s in slow]))
    )

    assert busy.ratio.value == pytest.approx(quiet.ratio.value)


def test_only_rounds_in_which_both_ran_are_counted() -> None:
    (point,) = points_of(record(timed("native_floor", [1e-5] * 2), timed("jax_scan", [4e-5, 4e-5, 9e-5])))

    assert point.n_rounds == 2
    assert point.ratio.value == pytest.approx(4)


def test_the_baseline_is_the_one_that_is_named_or_else_the_floor_or_else_the_runs_own() -> None:
    assert held(record(FLOOR, SCAN, EAGER)) == {"jax_scan": "native_floor", "torch_eager": "native_floor"}
    assert held(record(SCAN, EAGER)) == {"jax_scan": "torch_eager"}
    assert held(record(FLOOR, SCAN, EAGER), "jax_scan") == {
        "native_floor": "jax_scan",
        "torch_eager": "jax_scan",
    }


def test_a_run_that_was_cut_short_is_no_point_beside_the_one_that_went_on_with_it() -> None:
    def lasting(n_rounds: int, day: int, factor: float = 1.0, **settings: Any) -> Record:
        minima_s = [factor * each for each in (4e-5, 5e-5, 6e-5)[:n_rounds]]
        rows = timed("native_floor", [1e-5] * n_rounds), timed("jax_scan", minima_s)
        return record(*rows, day=day, settings={"rounds": 3, **settings})

    cut_short, whole, another = lasting(2, day=0), lasting(3, day=1), lasting(2, day=2, factor=1.1)
    in_a_later_block = lasting(3, day=0, interrupted="Ctrl-C or SIGTERM")

    (alone,) = trends_of([cut_short])
    (trend,) = trends_of([cut_short, whole, another])
    (blocks,) = trends_of([in_a_later_block, whole])
    (same,) = trends_of([lasting(3, day=0), whole])  # not cut short: equal by chance

    assert [point.record for point in alone.points] == [cut_short]
    assert [point.record for point in trend.points] == [whole, another]
    assert [point.record for point in blocks.points] == [whole]
    assert len(same.points) == 2


def test_a_baseline_counts_only_where_it_was_timed_on_the_same_problem_and_device() -> None:
    invalid = timed("native_floor", [], verdict=Verdict.INVALID, reason="…")
    elsewhere = timed("native_floor", [1e-5] * 6, device="cuda")

    assert held(record(invalid, SCAN, EAGER)) == {"jax_scan": "torch_eager"}
    assert held(record(elsewhere, SCAN)) == {}


def test_a_case_without_a_time_has_no_point() -> None:
    failed = timed("jax_scan", [1e-5], verdict=Verdict.FAILED, reason="…")

    assert held(record(FLOOR, failed)) == {}


@pytest.mark.parametrize(
    "other",
    [
        {"cpu": "Another CPU"},
        {"n_cpus": 4},
        {"gpu": "NVIDIA H100, 570.1"},
        {"worker_variables": {**FULL_PRECISION, "NVIDIA_TF32_OVERRIDE": "1"}},
        {"worker_variables": {**FULL_PRECISION, "JAX_DEFAULT_MATMUL_PRECISION": "bfloat16"}},
    ],
    ids=",".join,
)
def test_runs_on_other_hardware_or_in_another_precision_are_no_part_of_a_trend(
    other: dict[str, Any],
) -> None:
    trends = trends_of([record(FLOOR, SCAN), record(FLOOR, SCAN, day=1, **other), record(FLOOR, SCAN, day=2)])

    assert sorted(keys(trends)) == [("jax_scan", "native_floor", 1), ("jax_scan", "native_floor", 2)]
    assert len({str(trend.machine) for trend in trends}) == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"machine": "runner-1"}, {"machine": "runner-2"}),
        ({"system": "Linux-6.1"}, {"system": "Linux-6.18"}),
        ({"gpu": "NVIDIA H100, 570.1"}, {"gpu": "NVIDIA H100, 580.2"}),
        ({"versions": {"torch": "2.13.0"}}, {"versions": {"torch": "2.14.0"}}),
        ({"commit": "0123456789"}, {"commit": None}),
    ],
    ids=["name", "kernel", "driver", "versions", "commit"],
)
def test_runs_of_other_versions_or_on_a_machine_of_another_name_stay_in_the_trend(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    trends = trends_of([record(FLOOR, SCAN, **before), record(FLOOR, SCAN, day=1, **after)])

    assert keys(trends) == [("jax_scan", "native_floor", 2)]


def test_a_case_compared_with_two_baselines_has_two_trends() -> None:
    trends = trends_of([record(FLOOR, SCAN), record(SCAN, EAGER, day=1)])

    assert keys(trends) == [("jax_scan", "native_floor", 1), ("jax_scan", "torch_eager", 1)]


def test_what_differs_between_two_runs_is_named_with_both_values() -> None:
    (before,) = points_of(record(FLOOR, SCAN))
    (after,) = points_of(
        record(
            FLOOR,
            timed("jax_scan", [4e-5] * 6, data_digest="fedcba9876543210"),
            commit=None,
            versions={"python": "3.11.7", "torch": "2.14.0", "jax": "0.11.0"},
            worker_variables={**FULL_PRECISION, "XLA_FLAGS": "--xla_x"},
        )
    )

    assert differences(before, after) == [
        "commit 0123456789 → none",
        "torch 2.13.0 → 2.14.0",
        "jax none → 0.11.0",
        "XLA_FLAGS none → --xla_x",
        "digest of the data 0123456789abcdef → fedcba9876543210",
    ]
    assert differences(before, before) == []


def test_an_interval_comes_with_six_rounds() -> None:
    (point,) = points_of(record(FLOOR, timed("jax_scan", [4e-5 + i * 1e-6 for i in range(6)])))

    assert point.ratio.low == pytest.approx(4)
    assert point.ratio.high == pytest.approx(4.5)
    assert math.isclose(point.ratio.value, math.sqrt(4.2 * 4.3))
