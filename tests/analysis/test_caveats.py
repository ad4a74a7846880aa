"""What must be stated beside a table: rows that are faster than the hardware should allow."""

from __future__ import annotations

import pytest

from benchmarks.analysis.caveats import remarks
from tests.helpers.records import run_of
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
