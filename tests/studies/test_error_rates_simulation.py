"""The bound of `ab`'s rule in simulated noise, with the sides in alternation or ordered by a coin."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from benchmarks.compare.decide import categories_of
from benchmarks.compare.rule import Category, Rule
from benchmarks.studies import error_rates_simulation
from benchmarks.studies.error_rates_simulation import EFFECT, NOISES, ORDERS, bound, orders_table, shares_of

N = 4000


def false_alarms(noise: str, order: str) -> float:
    shares = shares_of(NOISES[noise], order, 0.0, N)
    return shares[Category.SLOWER] + shares[Category.FASTER]


@pytest.mark.parametrize("noise", NOISES)
def test_with_the_order_by_coin_false_alarms_stay_within_the_bound_in_every_noise(noise: str) -> None:
    deviation = (bound() / N) ** 0.5

    assert bound() <= 2 * Rule.alpha
    assert false_alarms(noise, "coin") <= bound() + 3 * deviation


@pytest.mark.parametrize(
    ("noise", "share"),
    [("bursts: every other two of ten processes", 0.18), ("every other two processes slow, ±5 %", 0.5)],
)
def test_with_the_order_by_turns_noise_in_step_with_the_turns_raised_false_alarms(
    noise: str, share: float
) -> None:
    assert false_alarms(noise, "turns") == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("alpha", [0.01, 0.1], ids=["one look", "two looks"])
@pytest.mark.parametrize("noise", NOISES)
def test_of_all_orders_of_the_same_processes_no_larger_share_than_alpha_calls_them_slower(
    noise: str, alpha: float
) -> None:
    n_pairs = 10
    new_first = np.array(list(product([False, True], repeat=n_pairs)))
    (logs,) = NOISES[noise](np.random.default_rng(1), (1, 2 * n_pairs))
    first, second = logs[::2], logs[1::2]
    ratios = np.exp(np.where(new_first, first - second, second - first))

    found = categories_of(ratios, new_first, Rule(alpha=alpha, max_pairs=n_pairs), n_cases=1)

    assert found.count(Category.SLOWER) <= alpha * len(found)
    assert found.count(Category.FASTER) == found.count(Category.SLOWER)


def test_the_coin_costs_no_power_in_independent_noise_and_hides_no_more_changes() -> None:
    turns, coin = (shares_of(NOISES["independent, 2 %"], order, EFFECT, N) for order in ORDERS)

    assert coin[Category.SLOWER] == pytest.approx(0.99, abs=0.005)
    assert coin[Category.SLOWER] == pytest.approx(turns[Category.SLOWER], abs=0.005)
    assert coin[Category.UNCHANGED] <= turns[Category.UNCHANGED] + 0.001


def test_the_table_has_a_line_for_each_noise_and_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_rates_simulation, "N_COMPARISONS", 10)

    table = orders_table()

    assert list(table.columns[0].cells) == [noise for noise in NOISES for _ in ORDERS]
    assert list(table.columns[1].cells) == [*ORDERS] * len(NOISES)
