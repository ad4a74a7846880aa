"""What a case's own noise is like, from pairs whose two sides are the same."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare.noise import LARGEST, POWER, noise_of, resampled, shares_of
from benchmarks.compare.rule import Category, Rule

RULE = Rule()
QUIET = np.exp(np.random.default_rng(0).normal(0, 0.004, 40)).tolist()
LASTING = ([1.049] * 10 + [1 / 1.049] * 10) * 2
"""As where something slows one side for ten pairs, then the other, though nothing differs."""


def test_quiet_pairs_show_small_slowdowns() -> None:
    found = noise_of(QUIET, RULE)

    assert (found.n_pairs, found.undecided) == (40, 0)
    assert found.noise == pytest.approx(0.004, rel=0.4)
    assert found.detectable is not None
    assert found.detectable <= 0.04


def test_the_slowdown_that_counts_as_detectable_is_found_and_noise_beyond_all_tried_says_so() -> None:
    noisy = np.exp(np.random.default_rng(2).normal(0, 0.03, 40)).tolist()
    found = noise_of(noisy, RULE)

    assert found.detectable is not None
    assert RULE.threshold < found.detectable < LARGEST
    assert shares_of(noisy, RULE, n_cases=1, effect=found.detectable)[Category.SLOWER] >= POWER
    assert noise_of([0.2, 5.0] * 20, RULE).detectable is None


def test_more_cases_need_a_larger_slowdown() -> None:
    noisy = np.exp(np.random.default_rng(2).normal(0, 0.03, 40)).tolist()
    one, many = (noise_of(noisy, RULE, n_cases=n_cases).detectable for n_cases in (1, 30))

    assert one is not None
    assert many is not None
    assert many > one


def test_noise_that_lasts_for_pairs_raises_hardly_any_false_alarm_once_the_coin_is_tossed() -> None:
    shares = shares_of(LASTING, RULE, n_cases=1)

    assert shares[Category.SLOWER] + shares[Category.FASTER] <= RULE.alpha


def test_a_new_toss_exchanges_the_sides_and_keeps_the_size_of_a_ratio() -> None:
    drawn, new_first = resampled([1.25], (100, 20))

    assert np.where(new_first, drawn, 1 / drawn) == pytest.approx(1.25)
    assert new_first.mean() == pytest.approx(0.5, abs=0.06)


def test_the_same_pairs_give_the_same_shares_and_those_of_all_categories_add_up_to_1() -> None:
    first, second = (shares_of(LASTING, RULE, n_cases=3) for _ in range(2))

    assert first == second
    assert sum(first.values()) == pytest.approx(1)
