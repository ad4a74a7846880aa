"""Break-even points, from rows whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.analysis.break_even import break_evens, n_epochs_to_win
from benchmarks.records.process import Costs
from tests.helpers.records import process, row


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


def test_an_implementation_that_is_no_faster_and_starts_later_never_wins() -> None:
    assert n_epochs_to_win((1.0, 0.5), (0.1, 0.1)) is None


@pytest.mark.parametrize("first_s", [(None, 0.5), (0.1, None)])
def test_without_both_first_calls_there_is_no_break_even(first_s: tuple[float | None, float | None]) -> None:
    assert n_epochs_to_win(first_s, (0.1, 0.2)) is None


def test_each_two_implementations_of_a_group_are_compared_cold_and_warm() -> None:
    eager = row(processes=(process(0, 90e-6, 100e-6),))
    eager = replace(eager, costs=Costs(cold_first_call_s=1e-3, peak_host_bytes=None, peak_device_bytes=None))
    compiled = row("jax_scan", processes=(replace(process(0, 9e-6, 10e-6), first_call_s=0.5 + 90e-6),))
    compiled = replace(compiled, costs=replace(eager.costs, cold_first_call_s=1e-3 + 0.9))  # type: ignore[type-var] # set above

    (pair,) = break_evens([eager, compiled])

    assert (pair.faster, pair.slower) == ("jax_scan", "torch_eager")
    assert pair.n_epochs_cold == 10_002
    assert pair.n_epochs_warm == 3  # 0.50009 + 2 · 10e-6 < 0.5 + 2 · 100e-6
