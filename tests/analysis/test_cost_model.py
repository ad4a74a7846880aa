"""The cost model, fitted to rows whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.analysis.cost_model import cost_models, fit_line
from benchmarks.records.row import Row, Verdict
from tests.conftest import SMALL
from tests.helpers.records import process, row

SIZES = (1, 10, 100, 1000, 10_000)
FIXED_S, PER_SAMPLE_S = 40e-6, 3e-9


def swept(
    fixed_s: float = FIXED_S, per_sample_s: float = PER_SAMPLE_S, sizes: tuple[int, ...] = SIZES
) -> list[Row]:
    """Make the rows of a sweep whose three rounds differ by -1 %, 0 and 1 %."""
    return [
        row(
            problem=replace(SMALL, batch_size=size),
            processes=tuple(
                process(i, 1e-9, (1 + 0.01 * (i - 1)) * SMALL.n_batches * (fixed_s + per_sample_s * size))
                for i in range(3)
            ),
        )
        for size in sizes
    ]


def test_the_fit_finds_fixed_cost_and_cost_per_sample_with_their_spread_over_the_rounds() -> None:
    (model,) = cost_models(swept())

    assert model.fixed_s == pytest.approx(FIXED_S)
    assert (model.fixed_low_s, model.fixed_high_s) == pytest.approx((0.99 * FIXED_S, 1.01 * FIXED_S))
    assert model.per_sample_s == pytest.approx(PER_SAMPLE_S)
    assert (model.per_sample_low_s, model.per_sample_high_s) == pytest.approx((0.99 * 3e-9, 1.01 * 3e-9))
    assert model.max_misfit == pytest.approx(0, abs=1e-9)
    assert (model.batch_sizes, model.problem) == (SIZES, "D2-N4-E3")


def test_a_sweep_that_no_line_describes_has_a_large_misfit() -> None:
    rows = swept()
    rows[2] = replace(
        rows[2], processes=tuple(process(p.round, p.min_s, 2 * p.median_s) for p in rows[2].processes)
    )

    (model,) = cost_models(rows)

    assert model.max_misfit > 0.2


def test_neither_cost_is_ever_negative() -> None:
    assert fit_line([1, 10, 100, 1000], [1e-6, 10e-6, 100e-6, 1000e-6]) == pytest.approx((0, 1e-6), abs=1e-12)
    assert fit_line([1, 10, 100, 1000], [4e-6, 3e-6, 2e-6, 1e-6])[1] == 0


def test_too_few_batch_sizes_and_rows_without_a_time_are_not_fitted() -> None:
    assert cost_models(swept(sizes=SIZES[:2])) == []
    invalid = [
        replace(row, verdict=Verdict.INVALID, reason="wrong", processes=())
        for row in swept(sizes=SIZES[:3])[:1]
    ]
    assert cost_models([*invalid, *swept(sizes=SIZES[:3])[1:]]) == []


def test_sweeps_over_other_problems_are_kept_apart() -> None:
    wide = [replace(row, problem=replace(row.problem, n_features=9)) for row in swept(fixed_s=2 * FIXED_S)]

    assert [(m.n_features, round(m.fixed_s * 1e6)) for m in cost_models([*swept(), *wide])] == [
        (2, 40),
        (9, 80),
    ]
