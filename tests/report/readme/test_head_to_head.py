"""Which framework is called faster within a tier, and how surely."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.analysis.head_to_head import lines_of
from tests.helpers.records import process, row, run_of
from tests.helpers.runs import timed
from tests.report.readme.pages import BOOK, EAGER, FLOOR, RUN, STEPS, cells_of, page, tier

if TYPE_CHECKING:
    from benchmarks.analysis.head_to_head import LikeForLike
    from benchmarks.records.row import Row


def pair_of(*rows: Row) -> LikeForLike:
    ((line,),) = lines_of(run_of(*rows)).values()
    assert line.pair
    return line.pair


def jax_of(*epochs_s: tuple[float, float]) -> Row:
    """Make a row of `jax_jit` with each round's fastest and typical epoch."""
    processes = tuple(process(i, *each) for i, each in enumerate(epochs_s))
    return row("jax_jit", processes=processes, framework="jax", tier="step", problem=BOOK)


def torch_of(*minima_s: float) -> Row:
    return timed("torch_step", minima_s, tier="step", problem=BOOK)


def test_within_a_tier_the_fastest_of_both_frameworks_are_compared() -> None:
    lines = cells_of(page(RUN))

    assert lines[:2] == [
        ["problem", "tier", "PyTorch", "JAX", "faster"],
        ["book", "step", "torch_step 451 µs", "jax_jit 226 µs", "JAX, 2× (2 to 2)"],
    ]


def test_the_fastest_is_the_one_with_the_shortest_typical_epoch_in_every_table() -> None:
    lucky = tuple(process(round_, 1e-4, 9e-4) for round_ in range(6))

    text = page(run_of(EAGER, *STEPS, replace(STEPS[1], implementation="jax_lucky", processes=lucky), FLOOR))

    assert ["book", "step", "torch_step 451 µs", "jax_jit 226 µs", "JAX, 2× (2 to 2)"] in cells_of(text)
    assert ["JAX's fastest", "jax_jit 20×"] in cells_of(text)


def test_the_faster_framework_is_the_winner_and_its_advantage_is_above_one() -> None:
    pair = pair_of(STEPS[0], tier("jax_jit", "jax", 8e-4))

    assert pair.winner == "PyTorch"
    assert (pair.advantage.value, pair.advantage.low, pair.advantage.high) == pytest.approx((2, 2, 2))


def test_if_the_interval_includes_one_the_comparison_is_inconclusive() -> None:
    mixed = timed("jax_jit", [3e-4, 5e-4] * 3, framework="jax", tier="step", problem=BOOK)
    slow = replace(
        mixed,
        processes=tuple(replace(each, median_s=9e-4, q3_s=9e-4, max_s=9e-4) for each in mixed.processes),
    )

    text = page(run_of(STEPS[0], mixed))

    assert "inconclusive: JAX by the fastest epochs, 1.06× (0.808 to 1.39) |" in text
    assert "1.06× (0.808 to 1.39); PyTorch by the typical ones, 2× (" in page(run_of(STEPS[0], slow))
    assert "**JAX**," not in text
    assert "**PyTorch**," not in text


def test_if_fastest_and_typical_epochs_have_different_winners_neither_wins_and_both_are_shown() -> None:
    text = page(run_of(torch_of(*[5e-4] * 6), jax_of(*[(2e-4, 9e-4)] * 6)))

    assert "neither: JAX by the fastest epochs, 2.5× (2.5 to 2.5); PyTorch by" in text
    assert "the typical ones, 1.64× (1.64 to 1.64) |" in text
    assert "by the typical ones" not in page(RUN)


def test_typical_epochs_that_vary_from_round_to_round_raise_no_doubt() -> None:
    pair = pair_of(torch_of(*[4e-4] * 6), jax_of(*[(2e-4, 3e-4), (2e-4, 9e-4)] * 3))

    assert pair.typical.value < 1 / 1.05
    assert (pair.by_typical, pair.winner) == (None, "JAX")


def test_typical_epochs_that_are_nearly_alike_raise_no_doubt() -> None:
    pair = pair_of(torch_of(*[5e-4] * 6), jax_of(*[(2e-4, 5.7e-4)] * 6))  # typically 550 µs, 3.6 % less

    assert (pair.winner, pair.is_doubtful) == ("JAX", False)


def test_without_an_interval_neither_wins_if_fastest_and_typical_epochs_have_different_winners() -> None:
    rows = torch_of(5e-4), jax_of((2e-4, 9e-4))

    text = " ".join(page(run_of(*rows)).split())

    verdict = "| neither: JAX by the fastest epochs, 2.5×; PyTorch by the typical ones, 1.64×; too few rounds"
    assert verdict in text
    assert pair_of(*rows).winner is None


def test_without_an_interval_the_verdict_says_that_there_are_too_few_rounds() -> None:
    rows = [timed(each.implementation, [1e-4], framework=each.framework, problem=BOOK) for each in STEPS[:2]]

    assert "too few rounds to be sure" in page(run_of(*rows))
