"""Each fairness check fires on what it is there for, and on nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.fairness import faults
from benchmarks.job import Timing
from benchmarks.statistics import summarize
from tests.conftest import SMALL
from tests.test_agreement import measurement_of

TIMING = Timing(
    first_call_s=0.5,
    summary=summarize([100e-6] * 10),
    export_s=12e-6,
    paused_export_s=10e-6,
    cpu_per_wall=1.0,
)
FAIR = replace(measurement_of(SMALL), timing=TIMING)


def test_a_fair_process_has_no_fault() -> None:
    assert faults(FAIR, n_cores=1) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"export_s": 65e-6}, "returned before the work was done: .* 55 µs longer"),
        ({"export_s": 510e-6, "paused_export_s": 510e-6}, "left the work to export, which took 510 µs"),
        ({"cpu_per_wall": 1.8}, r"used 1\.80 cores, expected at most 1"),
    ],
)
def test_each_unfairness_of_the_timing_is_named(change: dict[str, Any], message: str) -> None:
    (fault,) = faults(replace(FAIR, timing=replace(TIMING, **change)), n_cores=1)

    assert re.search(message, fault)


def test_another_precision_than_float32_is_unfair() -> None:
    (fault,) = faults(replace(FAIR, dtypes=["float32", "float64"]), n_cores=1)

    assert fault == "computed in float32 and float64, expected float32"


def test_two_cores_may_be_used_where_two_were_allotted() -> None:
    assert faults(replace(FAIR, timing=replace(TIMING, cpu_per_wall=1.8)), n_cores=2) == []


def test_an_untimed_process_is_judged_by_its_precision_alone() -> None:
    assert faults(replace(FAIR, timing=None), n_cores=1) == []
