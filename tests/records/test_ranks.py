"""Ranks belong to the case, as cores do: rows of different numbers share a table and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.analysis.break_even import break_evens
from benchmarks.analysis.cost_model import cost_models
from benchmarks.analysis.figures import figures_of
from benchmarks.compare.two_runs import Settings, compare_runs
from benchmarks.records.row import KEY
from benchmarks.records.run import parse_run
from benchmarks.report.tables.run import to_markdown
from tests.conftest import SMALL
from tests.helpers.records import document_of, row, run_of
from tests.helpers.runs import run_of_day, timed

SIZES = (8, 16, 32)

PLACES = ((1, 1), (1, 2), (2, 1), (2, 2))
"""Ranks, and cores of each."""

NAMES = {
    (1, 1): ("torch_eager-cpu-B32-D2-N4-E3", "cpu"),
    (1, 2): ("torch_eager-cpu-B32-D2-N4-E3-2cores", "cpu, 2 cores"),
    (2, 1): ("torch_eager-cpu-B32-D2-N4-E3-R2", "cpu, 2 ranks"),
    (2, 2): ("torch_eager-cpu-B32-D2-N4-E3-R2-2cores", "cpu, 2 ranks, 2 cores each"),
}

MIXED = run_of(
    *(
        timed(name, [epoch_s / n_ranks] * 6, n_ranks=n_ranks, n_cores=n_cores)
        for n_ranks, n_cores in PLACES
        for name, epoch_s in (("torch_eager", 2e-4), ("jax_scan", 1e-4))
    )
)


@pytest.mark.parametrize(("n_ranks", "n_cores"), PLACES)
def test_ranks_and_the_cores_of_each_are_in_the_names_of_case_and_place_unless_they_are_1(
    n_ranks: int, n_cores: int
) -> None:
    made = row(n_ranks=n_ranks, n_cores=n_cores)

    assert (made.case, made.place) == NAMES[n_ranks, n_cores]
    assert made.group == f"B32-D2-N4-E3 on {made.place}"


def test_a_record_without_ranks_is_of_single_processes_and_one_with_them_is_read_as_it_was() -> None:
    document = document_of(run_of(row(), row(n_ranks=2)))
    del document[KEY]["rows"][0]["n_ranks"]

    run = parse_run(json.dumps(document).encode(), Path("run.json"))

    assert [each.n_ranks for each in run.rows] == [1, 2]


def test_figures_break_even_points_models_and_titles_are_of_one_number_of_ranks() -> None:
    swept = [
        timed("jax_scan", [1e-5 * size] * 3, n_ranks=n, problem=replace(SMALL, batch_size=size))
        for n in (1, 2)
        for size in SIZES
    ]

    assert [(each.case, each.n_ranks, each.speedup) for each in figures_of(MIXED) if "jax" in each.case] == [
        (NAMES[place][0].replace("torch_eager", "jax_scan"), place[0], 2) for place in PLACES
    ]
    assert [(pair.n_ranks, pair.n_cores) for pair in break_evens(MIXED.rows)] == [*PLACES]
    assert [(model.n_ranks, model.batch_sizes) for model in cost_models(swept)] == [(1, SIZES), (2, SIZES)]
    page = to_markdown([MIXED])
    assert "### break-even, B32-D2-N4-E3 on cpu, 2 ranks, 2 cores each\n" in page
    assert "1 or 2 or 4 cores per case" in page


def test_records_are_compared_case_by_case_of_as_many_ranks() -> None:
    one, two = timed("jax_scan", [1e-3] * 6), timed("jax_scan", [1e-3] * 6, n_ranks=2)
    slower = timed("jax_scan", [1.5e-3] * 6, n_ranks=2)

    found = compare_runs(run_of_day(0, one, two), run_of_day(1, slower), Settings()).verdicts

    assert {each.name: str(each.category) for each in found} == {one.case: "missing", two.case: "slower"}


def test_a_rank_that_waits_for_others_is_not_called_short_of_its_core() -> None:
    waiting = timed("jax_scan", [1e-3] * 6, n_ranks=2)
    half = tuple(replace(process, cpu_per_wall=0.5) for process in waiting.processes)

    alone, together = (to_markdown([run_of(replace(waiting, n_ranks=n, processes=half))]) for n in (1, 2))

    assert "less than" in alone
    assert "less than 9" not in together
