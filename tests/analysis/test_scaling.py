"""What ranks gain: against one core, one process on as many cores, and with more rows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from benchmarks.analysis.scaling import strong_scaling, weak_scaling
from benchmarks.report.readme.page import Extras, overview
from benchmarks.report.tables.run import to_markdown
from tests.conftest import SMALL
from tests.helpers.records import run_of
from tests.helpers.runs import timed

DOUBLE = replace(SMALL, batch_size=2 * SMALL.batch_size)

RUN = run_of(
    timed("torch_eager", [5e-3] * 6),
    timed("torch_ddp", [8e-3] * 6),
    timed("torch_ddp", [6e-3] * 6, n_cores=2),
    timed("torch_ddp", [5e-3] * 6, n_ranks=2),
    timed("torch_ddp", [10e-3] * 6, n_ranks=2, problem=DOUBLE),
    timed("jax_scan", [1e-3] * 6),
)


def test_strong_scaling_is_over_one_core_and_over_one_process_on_as_many() -> None:
    lines = {(line.problem, line.implementation, line.on): line for line in strong_scaling(RUN)}

    ranks = lines["B32-D2-N4-E3", "torch_ddp", "2 ranks"]
    assert (ranks.over_one_core, ranks.efficiency, ranks.over_one_process) == pytest.approx((1.6, 0.8, 1.2))
    process = lines["B32-D2-N4-E3", "torch_ddp", "2 cores"]
    assert (process.over_one_core, process.over_one_process) == pytest.approx((8 / 6, 1.0))


def test_typical_times_are_compared_because_a_sample_over_ranks_is_no_epoch() -> None:
    core, ranks = timed("torch_ddp", [8e-3] * 6), timed("torch_ddp", [5e-3] * 6, n_ranks=2)
    ranks = replace(ranks, processes=tuple(replace(each, median_s=5.2e-3) for each in ranks.processes))

    *_, last = strong_scaling(run_of(core, ranks))

    assert last.over_one_core == pytest.approx(core.processes[0].median_s / 5.2e-3)


def test_the_baseline_is_the_first_line_on_one_core_and_other_loops_of_one_process_are_left_out() -> None:
    found = [(line.implementation, line.on) for line in strong_scaling(RUN) if line.problem.startswith("B32")]

    assert found == [
        ("torch_eager", "1 core"),
        *(("torch_ddp", on) for on in ("1 core", "2 cores", "2 ranks")),
    ]


def test_a_loop_that_ran_on_one_number_of_ranks_only_is_left_out() -> None:
    assert {line.problem for line in strong_scaling(RUN)} == {"B32-D2-N4-E3"}


def test_ranks_of_several_cores_are_named_with_them() -> None:
    places = ((1, 8), (2, 4))
    rows = (timed("torch_ddp", [5e-3] * 6, n_ranks=n_ranks, n_cores=n) for n_ranks, n in places)

    assert [line.on for line in strong_scaling(run_of(*rows))] == ["8 cores", "2×4 cores"]


def test_weak_scaling_is_against_one_rank_with_as_many_rows() -> None:
    (line,) = weak_scaling(RUN)

    assert (line.problem, line.n_ranks, line.rows_each) == ("D2-N4-E3", 2, 32)
    assert line.efficiency == pytest.approx(0.8)


def test_the_tables_of_a_run_over_ranks_show_both_and_those_of_other_runs_neither() -> None:
    page = re.sub(" +", " ", to_markdown([RUN]))

    assert "### strong scaling, B32-D2-N4-E3 on cpu\n" in page
    assert "| torch_ddp | 2 ranks | 5.50 ms | 1.6× | 80% | 1.2× |" in page
    assert "### weak scaling, D2-N4-E3 on cpu\n" in page
    assert "### Do more ranks pay?\n" in overview([RUN], Extras())
    without = run_of(timed("torch_eager", [1e-3] * 6))
    assert "scaling" not in to_markdown([without]) + overview([without], Extras())
