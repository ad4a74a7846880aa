"""What must be stated beside a table: rows that are faster than the hardware should allow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.analysis.caveats import remarks
from tests.helpers.records import HOST, process, row, run_of
from tests.helpers.runs import timed

FLOOR_S = [100e-6] * 6


@pytest.mark.parametrize(
    ("times_s", "is_remarked"),
    [
        ([50e-6] * 6, True),
        ([101e-6] * 6, False),
        ([99e-6, 101e-6] * 3, False),
        ([50e-6], True),
        ([95e-6], False),
    ],
    ids=["twice as fast", "slower", "the same but for noise", "one round", "one round, noise"],
)
def test_a_row_that_is_faster_than_the_floor_is_remarked_on(
    times_s: list[float], is_remarked: object
) -> None:
    run = run_of(timed("native_floor", FLOOR_S[: len(times_s)]), timed("too_fast", times_s))

    found = remarks(run)

    assert bool(found) is is_remarked
    assert not found or found[0].startswith("warning: too_fast, ")


@pytest.mark.parametrize(
    ("cpu_quota", "n_cpus", "cause"),
    [
        (0.3, 1, ": quota 0.3 of a CPU; its times are too long"),
        (1.5, 2, ": quota 1.5 of 2 CPUs; its times are too long"),
        (2.0, 2, ", so something else ran there; its times are too long"),
        (None, 1, ", so something else ran there; its times are too long"),
    ],
)
def test_a_quota_of_cpu_time_is_named_as_the_cause_of_a_process_that_had_too_little(
    cpu_quota: float | None, n_cpus: int, cause: str
) -> None:
    slow = row(processes=(replace(process(0, 1e-5, 2e-5), cpu_per_wall=0.3),))
    run = run_of(slow)
    host = replace(HOST, cpu_quota=cpu_quota, pinned_to=[*range(n_cpus)])

    (found,) = remarks(replace(run, provenance=replace(run.provenance, hosts=[host])))

    assert found.endswith(f"1 of 1 processes got less than 90 % of their core{cause}")
