"""The decision map: totals, the first to finish, and no statement beyond the measured sizes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.analysis.decision_map import DecisionMap, Way, decision_maps
from benchmarks.records.process import Costs
from tests.conftest import SMALL
from tests.helpers.records import process, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.records.row import Row

SIZES = (1, 10, 100, 1000)


def sweep(
    implementation: str,
    *,
    warm_s: float,
    cold_s: float,
    epoch_s: float,
    framework: str = "jax",
    sizes: Sequence[int] = SIZES,
) -> list[Row]:
    """Make rows of one implementation that cost the same at every batch size."""
    return [
        row(
            implementation,
            framework=framework,
            problem=replace(SMALL, batch_size=size),
            costs=Costs(cold_first_call_s=cold_s, peak_host_bytes=None, peak_device_bytes=None),
            processes=tuple(
                replace(process(round_, epoch_s, epoch_s), first_call_s=warm_s) for round_ in range(3)
            ),
        )
        for size in sizes
    ]


EAGER = sweep("eager", warm_s=1e-3, cold_s=1e-3, epoch_s=1e-3)
JIT = sweep("jit", warm_s=0.1, cold_s=1.0, epoch_s=1e-4)


def of(ways: dict[str, tuple[float, float]]) -> DecisionMap:
    """Make a map with one batch size, from the first call and epoch of each implementation in s."""
    made = (
        Way(row=row(name), batch_sizes=(1, 10), first_s=(first_s,) * 2, epoch_s=(epoch_s,) * 2)
        for name, (first_s, epoch_s) in ways.items()
    )
    return DecisionMap(problem=SMALL, title="D2", device="cpu", caches="cold", ways=tuple(made))


def test_from_the_break_even_on_the_compiled_implementation_finishes_first_cold_and_warm() -> None:
    cold, warm = decision_maps([*EAGER, *JIT])

    assert (cold.caches, warm.caches, cold.range) == ("cold", "warm", (1, 1000))
    (short, long) = cold.stretches(100)
    assert (short.implementation, short.begin) == ("eager", 1)
    assert (long.implementation, long.end) == ("jit", math.inf)
    assert short.end == long.begin == pytest.approx(1 + (1.0 - 1e-3) / (1e-3 - 1e-4))
    assert warm.stretches(100)[1].begin == pytest.approx(1 + (0.1 - 1e-3) / (1e-3 - 1e-4))


def test_between_measured_batch_sizes_costs_are_interpolated_in_logarithms() -> None:
    way = Way(row=row("a"), batch_sizes=(10, 1000), first_s=(0.1, 0.4), epoch_s=(1e-3, 4e-3))

    assert way.costs_s(100) == pytest.approx((0.2, 2e-3))
    assert way.costs_s(1000) == pytest.approx((0.4, 4e-3))
    assert way.total_s(100, 11) == pytest.approx(0.2 + 10 * 2e-3)


@pytest.mark.parametrize("batch_size", [0.9, 1001, 1e9])
def test_beyond_the_measured_batch_sizes_the_map_is_empty(batch_size: float) -> None:
    cold, _ = decision_maps([*EAGER, *JIT])

    assert cold.stretches(batch_size) == []
    assert cold.winner(batch_size, 10) is None


def test_an_implementation_is_no_choice_at_batch_sizes_at_which_it_was_not_measured() -> None:
    far = sweep("far", warm_s=1e-6, cold_s=1e-6, epoch_s=1e-6, sizes=(100, 1000, 10_000, 100_000))
    cold, _ = decision_maps([*EAGER, *far])

    assert [cold.winner(size, 5) for size in (1, 99, 100, 1000, 100_000)] == ["eager"] * 2 + ["far"] * 3


def test_numpy_and_the_floor_are_no_choice() -> None:
    by_hand = sweep("by_hand", warm_s=1e-6, cold_s=1e-6, epoch_s=1e-6, framework="numpy")

    assert decision_maps([*EAGER, *by_hand]) == decision_maps(EAGER)


def test_rows_without_a_sweep_make_no_map() -> None:
    assert decision_maps([]) == []
    assert decision_maps(EAGER[:2]) == []


def test_rows_without_a_cold_call_make_the_warm_map_only() -> None:
    (only,) = decision_maps([replace(each, costs=None) for each in EAGER])

    assert only.caches == "warm"


def test_the_winner_is_always_the_implementation_with_the_least_time() -> None:
    generator = np.random.default_rng(0)
    for _ in range(100):
        costs = {f"way{i}": tuple(10 ** generator.uniform(-5, 0, 2)) for i in range(6)}
        drawn = of(costs)
        stretches = drawn.stretches(3)
        assert [each.begin for each in stretches] == [1.0, *(each.end for each in stretches[:-1])]
        for n_epochs in 10 ** generator.uniform(0, 6, 20):
            totals = {way.implementation: way.total_s(3, n_epochs) for way in drawn.ways}
            winner = drawn.winner(3, n_epochs)
            assert winner is not None
            assert totals[winner] == pytest.approx(min(totals.values()))


def test_one_of_two_equal_implementations_finishes_first_throughout() -> None:
    (stretch,) = of({"a": (0.5, 1e-3), "b": (0.5, 1e-3)}).stretches(3)

    assert (stretch.begin, stretch.end) == (1, math.inf)
