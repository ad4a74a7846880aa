"""What ranks observed, as the observations of their case: the worst counts and is named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.hosts import Equipment
from benchmarks.records.row import Verdict
from benchmarks.runner.case import Case, CaseResult
from benchmarks.worker.samples import summarize
from tests.conftest import SMALL
from tests.verify.test_agreement import measurement_of
from tests.verify.test_fairness import INSPECTION, TIMING, TORCH

if TYPE_CHECKING:
    from benchmarks.records.row import Row
    from benchmarks.worker.messages import Measurement

RIGHT = replace(measurement_of(SMALL), timing=TIMING, inspection=INSPECTION)


def row_of(*by_rank: Measurement) -> Row:
    """Return the row of a case after one round of these ranks."""
    entry = replace(TORCH, spans_ranks=True)
    result = CaseResult.of(Case(entry, "cpu", SMALL, n_ranks=len(by_rank)))
    result.add(by_rank, round_=0, position=0, wall_s=100)
    return result.row()


def moved(by: float) -> Measurement:
    """Return a rank's answer whose losses and weights are off by so much."""
    outcome = replace(RIGHT.lowest, losses=[loss + by for loss in RIGHT.lowest.losses])
    return replace(RIGHT, lowest=outcome, highest=outcome)


def check_of(row: Row, name: str) -> tuple[str, bool | None]:
    return next((check.found, check.holds) for check in row.manifest if check.name == name)


def test_ranks_that_agree_are_one_verified_process_with_the_first_call_and_the_memory_of_the_worst() -> None:
    assert RIGHT.inspection
    hungry = replace(RIGHT.inspection, peak_host_bytes=10**9)

    row = row_of(RIGHT, replace(RIGHT, first_call_s=77.0, inspection=hungry))

    assert (row.verdict, row.reason) == (Verdict.VERIFIED, None)
    assert row.costs
    assert (row.costs.cold_first_call_s, row.costs.peak_host_bytes) == (77.0, 10**9)
    (process,) = row.processes
    assert process.cpu_per_wall == 2 * TIMING.cpu_per_wall
    assert check_of(row, "losses and parameters of the ranks") == ("bit-identical", True)


def test_ranks_within_the_tolerance_are_verified_and_the_row_says_how_far_they_are_apart() -> None:
    row = row_of(RIGHT, moved(1e-7))

    assert row.verdict is Verdict.VERIFIED
    found, holds = check_of(row, "losses and parameters of the ranks")
    assert found.startswith("up to 1.0e-07 apart")
    assert holds is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"data_digest": "another"}, "rank 1: other data: expected digest"),
        ({"dtypes": ["float64"]}, "expected float32, found rank 1: float64"),
        ({"other_cpus": [7]}, "found rank 1: 1, of which 7 not allotted"),
        (
            {"timing": replace(TIMING, n_compilations=3)},
            "compilations while timed: expected 0, found rank 1: 3",
        ),
        (
            {"timing": replace(TIMING, summary=summarize([1e-3, 2e-3]))},
            "times of the ranks: expected the slowest rank's, on each, found 2 different ones",
        ),
    ],
    ids=["data", "types", "CPUs", "compilations", "times"],
)
def test_what_is_wrong_on_one_rank_makes_the_row_invalid_and_names_the_rank(
    change: dict[str, Any], reason: str
) -> None:
    row = row_of(RIGHT, replace(RIGHT, **change))

    assert row.verdict is Verdict.INVALID
    assert reason in (row.reason or "")


def test_the_host_of_each_rank_is_recorded() -> None:
    first = Equipment(machine="vm", cpu="A CPU", n_cpus=2, gpu=None, versions={"numpy": "2.0"})
    result = CaseResult.of(Case(replace(TORCH, spans_ranks=True), "cpu", SMALL, n_ranks=3))
    hosts = (first, first, replace(first, machine="vm2"))

    result.add((RIGHT,) * 3, round_=0, position=0, hosts=hosts)

    assert check_of(result.row(), "hosts of the ranks") == ("vm: rank 0, 1; vm2: rank 2", None)


def test_a_replica_that_drifts_is_named_and_a_fault_of_all_ranks_is_the_loops() -> None:
    assert (row_of(RIGHT, RIGHT, moved(0.1)).reason or "").startswith("rank 2: loss of step 1 ")
    assert (row_of(moved(0.1), moved(0.1)).reason or "").startswith("loss of step 1 ")


def test_a_rank_that_stops_a_step_early_is_named() -> None:
    short = replace(
        RIGHT,
        lowest=replace(RIGHT.lowest, losses=RIGHT.lowest.losses[:-1]),
        highest=replace(RIGHT.highest, losses=RIGHT.highest.losses[:-1]),
    )

    assert (row_of(RIGHT, short).reason or "").startswith("rank 1: stopped after 11 steps, expected 12")
