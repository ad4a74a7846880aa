"""The number of cores belongs to the case: rows of different numbers share a table and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.analysis.break_even import break_evens
from benchmarks.analysis.cost_model import cost_models
from benchmarks.analysis.figures import figures_of
from benchmarks.analysis.run_selection import headline_groups
from benchmarks.compare.two_runs import Settings, compare_runs
from benchmarks.records.machine import Machine
from benchmarks.report.tables.run import to_markdown
from benchmarks.track.trends import trends_of
from tests.conftest import SMALL
from tests.helpers.records import run_of
from tests.helpers.runs import record_of, run_of_day, timed

if TYPE_CHECKING:
    from benchmarks.records.row import Row

SIZES = (8, 16, 32)


def rows(n_cores: int, epoch_s: float) -> list[Row]:
    """Make a baseline and a faster row on that many cores."""
    return [
        timed("torch_eager", [2 * epoch_s] * 6, n_cores=n_cores),
        timed("jax_scan", [epoch_s] * 6, n_cores=n_cores),
    ]


MIXED = run_of(*rows(1, 4e-4), *rows(2, 3e-4))


def test_a_ratio_is_to_the_baseline_on_as_many_cores() -> None:
    speedups = {figures.case: figures.speedup for figures in figures_of(MIXED)}

    assert speedups["jax_scan-cpu-B32-D2-N4-E3"] == 2
    assert speedups["jax_scan-cpu-B32-D2-N4-E3-2cores"] == 2
    assert {figures.n_cores for figures in figures_of(MIXED)} == {1, 2}


def test_a_table_has_the_rows_of_one_number_of_cores_and_its_title_says_so_where_it_is_not_1() -> None:
    page = to_markdown([MIXED])

    assert "### B32-D2-N4-E3 on cpu\n" in page
    assert "### B32-D2-N4-E3 on cpu, 2 cores\n" in page
    assert "### break-even, B32-D2-N4-E3 on cpu, 2 cores\n" in page
    assert "1 or 2 cores per case" in page


def test_break_even_points_and_cost_models_are_of_one_number_of_cores() -> None:
    swept = [
        timed("jax_scan", [1e-5 * size] * 3, n_cores=n, problem=replace(SMALL, batch_size=size))
        for n in (1, 2)
        for size in SIZES
    ]

    assert [(pair.faster, pair.n_cores) for pair in break_evens(MIXED.rows)] == [
        ("jax_scan", 1),
        ("jax_scan", 2),
    ]
    assert [(model.n_cores, model.batch_sizes) for model in cost_models(swept)] == [(1, SIZES), (2, SIZES)]


def test_records_are_compared_case_by_case_of_as_many_cores() -> None:
    base, new = run_of_day(0, *rows(1, 1e-3), *rows(2, 1e-3)), run_of_day(1, *rows(2, 1.5e-3))

    found = {verdict.name: str(verdict.category) for verdict in compare_runs(base, new, Settings()).verdicts}

    assert found["jax_scan-cpu-B32-D2-N4-E3-2cores"] == "slower"
    assert found["jax_scan-cpu-B32-D2-N4-E3"] == "missing"


def test_a_trend_is_of_one_number_of_cores() -> None:
    records = [record_of(run_of_day(day, *rows(1 + day % 2, 1e-3)), Path(f"{day}.json")) for day in range(4)]

    trends = trends_of(records, "torch_eager")

    assert [(trend.case, len(trend.points)) for trend in trends] == [
        ("jax_scan-cpu-B32-D2-N4-E3", 2),
        ("jax_scan-cpu-B32-D2-N4-E3-2cores", 2),
    ]


def test_the_shown_run_of_a_group_is_chosen_among_those_of_as_many_cores() -> None:
    one, two = run_of_day(0, *rows(1, 1e-3)), run_of_day(1, *rows(2, 1e-3))

    shown = headline_groups([one, two])[Machine.of(one)]

    assert shown == {"B32-D2-N4-E3 on cpu": one, "B32-D2-N4-E3 on cpu, 2 cores": two}
