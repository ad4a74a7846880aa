"""The cost model and the break-even points, from rows whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.analysis.break_even import break_evens, n_epochs_to_win
from benchmarks.analysis.cost_model import cost_models, fit_line
from benchmarks.records.process import Costs
from benchmarks.records.row import Agreement, Row, Verdict
from benchmarks.report.tables.cost import cost_grids
from benchmarks.report.tables.run import to_markdown
from tests.conftest import SMALL
from tests.records.test_run import process, row, run_of

SIZES = (1, 10, 100, 1000, 10_000)
FIXED_S, PER_SAMPLE_S = 40e-6, 3e-9


def swept(
    fixed_s: float = FIXED_S, per_sample_s: float = PER_SAMPLE_S, sizes: tuple[int, ...] = SIZES
) -> list[Row]:
    """Give the rows of a sweep whose three rounds differ by -1 %, 0 and 1 %."""
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


def test_what_no_line_describes_shows_as_misfit() -> None:
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
    invalid = [replace(row, verdict=Verdict.INVALID, processes=()) for row in swept(sizes=SIZES[:3])[:1]]
    assert cost_models([*invalid, *swept(sizes=SIZES[:3])[1:]]) == []


def test_sweeps_over_other_problems_are_kept_apart() -> None:
    wide = [replace(row, problem=replace(row.problem, n_features=9)) for row in swept(fixed_s=2 * FIXED_S)]

    assert [(m.n_features, round(m.fixed_s * 1e6)) for m in cost_models([*swept(), *wide])] == [
        (2, 40),
        (9, 80),
    ]


@pytest.mark.parametrize(
    ("faster", "slower", "n_epochs"),
    [
        ((1.0, 0.1), (0.2, 0.2), 10),  # 1.0 + 9 · 0.1 = 1.9 < 0.2 + 9 · 0.2 = 2.0; at 9: 1.8 against 1.8
        ((0.1, 0.1), (0.2, 0.2), 1),
        ((0.2, 0.1), (0.2, 0.2), 2),
    ],
)
def test_the_break_even_is_the_first_epoch_at_which_the_total_is_smaller(
    faster: tuple[float, float], slower: tuple[float, float], n_epochs: int
) -> None:
    def total_s(costs: tuple[float, float], n: int) -> float:
        return costs[0] + (n - 1) * costs[1]

    assert n_epochs_to_win(*zip(faster, slower, strict=True)) == n_epochs
    assert total_s(faster, n_epochs) < total_s(slower, n_epochs)
    assert n_epochs == 1 or total_s(faster, n_epochs - 1) >= total_s(slower, n_epochs - 1) - 1e-12


def test_what_is_no_faster_and_starts_later_never_wins() -> None:
    assert n_epochs_to_win((1.0, 0.5), (0.1, 0.1)) is None


def test_each_two_implementations_of_a_group_are_compared_cold_and_warm() -> None:
    eager = row(processes=(process(0, 90e-6, 100e-6),))
    eager = replace(eager, costs=Costs(cold_first_call_s=1e-3, peak_host_bytes=None, peak_device_bytes=None))
    compiled = row("jax_scan", processes=(replace(process(0, 9e-6, 10e-6), first_call_s=0.5 + 90e-6),))
    compiled = replace(compiled, costs=replace(eager.costs, cold_first_call_s=1e-3 + 0.9))  # type: ignore[type-var] # set above

    (pair,) = break_evens([eager, compiled])

    assert (pair.faster, pair.slower) == ("jax_scan", "torch_eager")
    assert pair.n_epochs_cold == 10_002
    assert pair.n_epochs_warm == 3  # 0.50009 + 2 · 10e-6 < 0.5 + 2 · 100e-6


def test_the_tables_show_the_model() -> None:
    page = to_markdown([run_of(*swept())])

    assert "cost model, D2-N4-E3 on cpu" in page
    assert "40.0 µs (39.6 µs to 40.4 µs)" in page
    assert "3.00 ns (2.97 ns to 3.03 ns)" in page


def test_the_page_shows_after_how_many_epochs_one_beats_another() -> None:
    slow = row(processes=(process(0, 90e-6, 100e-6),))
    fast = row("jax_scan", processes=(replace(process(0, 9e-6, 10e-6), first_call_s=1.0),))

    page = to_markdown([run_of(slow, fast)])

    assert "break-even, B32-D2-N4-E3 on cpu" in page
    assert "| jax_scan | 2 / 5,557 |" in " ".join(page.split()).replace("| ", "| ")


def test_a_run_of_one_implementation_and_one_size_has_no_table_of_costs() -> None:
    assert list(cost_grids(run_of(row()))) == []


def test_the_page_shows_how_long_a_training_to_its_target_takes_with_and_without_compiling() -> None:
    stopped = Agreement(
        reference="float64", n_steps=40, max_loss_deviation=0.0, max_parameter_deviation=0.0, fault=None
    )
    rows = [
        row(problem=replace(SMALL, target_loss=0.3), agreement=stopped, processes=(process(0, 9e-6, 1e-3),))
    ]

    page = to_markdown([run_of(*rows)])

    (line,) = [line for line in page.partition("time to target")[2].splitlines() if "torch_eager" in line]
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        "torch_eager", "10", "10.0 ms", "759 ms", "509 ms",
    ]  # fmt: skip
