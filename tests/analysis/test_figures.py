"""The figures that are shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.analysis.columns import columns_of
from benchmarks.analysis.figures import Figures, figures_of
from benchmarks.records.process import Costs
from benchmarks.records.row import Verdict
from tests.helpers.records import ABSENT, INVALID, row, run_of
from tests.helpers.runs import timed

if TYPE_CHECKING:
    from benchmarks.records.run import Run


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


@pytest.mark.parametrize("bare", [INVALID, ABSENT, row("jax_jit", verdict=Verdict.FAILED, reason="crashed")])
def test_a_row_that_is_not_verified_has_a_reason_and_no_time(bare: Any) -> None:
    figures = shown(run_of(row(), bare, timed("native_floor", [1e-6] * 6)))[bare.implementation]

    assert not figures.is_timed
    assert figures.reason == bare.reason
    for name in (
        "typical_s", "best_s", "samples_per_s", "speedup", "times_floor", "cold_s", "warm_s", "memory_bytes"
    ):  # fmt: skip
        assert getattr(figures, name) is None


def test_the_share_of_its_cost_is_the_median_of_the_rounds_that_recorded_one() -> None:
    old = timed("old", [1e-6] * 3)
    processes = [
        replace(process, marginal_s=cost_s)
        for process, cost_s in zip(old.processes, (1e-6, 2e-6, 4e-6), strict=True)
    ]

    figures = shown(run_of(old, replace(old, implementation="new", processes=tuple(processes))))

    assert (figures["old"].conserved, figures["new"].conserved) == (None, 0.5)


def test_without_floor_or_baseline_there_is_no_ratio_to_it() -> None:
    figures = shown(run_of(timed("jax_scan", [1e-6] * 6)))["jax_scan"]

    assert figures.speedup is None
    assert figures.times_floor is None


def test_memory_is_the_devices_own_and_never_negative() -> None:
    costs = Costs(cold_first_call_s=1.0, peak_host_bytes=-5, peak_device_bytes=7)

    assert shown(run_of(row(costs=costs)))["torch_eager"].memory_bytes == 0
    assert shown(run_of(row(costs=costs, device="cuda")))["torch_eager"].memory_bytes == 7


def test_every_column_has_a_meaning_and_each_time_and_size_its_unit() -> None:
    assert columns_of(Figures)
    for column in columns_of(Figures):
        assert column.meaning
        ending = column.name.rpartition("_")[2]
        unit = {"s": "1/s" if "_per_" in column.name else "s", "bytes": "bytes", "j": "J"}.get(ending, "")
        assert column.unit.replace("×", "") == unit


def test_a_runs_figures_are_computed_once_and_those_of_an_equal_run_anew() -> None:
    run = run_of(row())

    assert figures_of(run) is figures_of(run)
    assert figures_of(replace(run)) is not figures_of(run)
    assert figures_of(replace(run)) == figures_of(run)


def test_the_energy_of_a_million_samples_is_mean_power_times_their_typical_time() -> None:
    processes = tuple(replace(each, power_w=100.0 + each.round) for each in row().processes)

    metered, bare = shown(run_of(replace(row(), processes=processes), row("jax_jit"))).values()

    assert metered.million_samples_j == pytest.approx(102.5 * 1e6 * 122.5e-6 / (32 * 4))
    assert bare.million_samples_j is None
