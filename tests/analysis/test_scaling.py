"""What ranks gain: against one core, one process on as many cores, the baseline, and with more rows."""

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


def test_strong_scaling_is_over_one_core_over_one_process_on_as_many_and_over_the_baseline() -> None:
    lines = {(line.problem, line.n_ranks, line.n_cores): line for line in strong_scaling(RUN)}

    ranks = lines["B32-D2-N4-E3", 2, 1]
    assert (ranks.over_one_core, ranks.efficiency) == (1.6, 0.8)
    assert (ranks.over_one_process, ranks.over_baseline) == (1.2, 1.0)
    process = lines["B32-D2-N4-E3", 1, 2]
    assert (process.over_one_core, process.over_one_process) == (8 / 6, 1.0)
    assert {line.implementation for line in lines.values()} == {"torch_ddp"}
    assert lines["B64-D2-N4-E3", 2, 1].over_one_core is None


def test_weak_scaling_is_against_one_rank_with_as_many_rows() -> None:
    (line,) = weak_scaling(RUN)

    assert (line.problem, line.n_ranks, line.rows_each) == ("D2-N4-E3", 2, 32)
    assert line.efficiency == pytest.approx(0.8)


def test_the_tables_of_a_run_over_ranks_show_both_and_those_of_other_runs_neither() -> None:
    page = re.sub(" +", " ", to_markdown([RUN]))

    assert "### strong scaling, B32-D2-N4-E3 on cpu\n" in page
    assert "| torch_ddp | 2 | 1 | 5.50 ms | 1.6× | 80% | 1.2× | 1× |" in page
    assert "### weak scaling, D2-N4-E3 on cpu\n" in page
    assert "### Do more ranks pay?\n" in overview([RUN], Extras())
    without = run_of(timed("torch_eager", [1e-3] * 6))
    assert "scaling" not in to_markdown([without]) + overview([without], Extras())
