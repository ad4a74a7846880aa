"""What a case's own noise is like: thresholds from pairs whose two sides are the same."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.decision import Category, Rule
from benchmarks.noise import MOST_FALSE_ALARMS, calibrate_case, shares_of

RULE = Rule()
QUIET = np.exp(np.random.default_rng(0).normal(0, 0.004, 40)).tolist()
LASTING = ([1.049] * 10 + [1 / 1.049] * 10) * 2
"""As where something slows one side for ten pairs, then the other, though nothing differs."""


def test_quiet_pairs_keep_the_default_threshold_and_show_small_slowdowns() -> None:
    found = calibrate_case(QUIET, RULE)

    assert found.threshold == RULE.threshold
    assert found.false_alarms == 0
    assert found.undecided == 0
    assert found.noise == pytest.approx(0.004, rel=0.4)
    assert found.detectable is not None
    assert found.detectable <= 0.04


def test_noise_that_lasts_for_pairs_raises_the_threshold_until_false_alarms_are_rare() -> None:
    at_default = shares_of(LASTING, RULE, n_cases=1)
    found = calibrate_case(LASTING, RULE)

    assert at_default[Category.SLOWER] > MOST_FALSE_ALARMS
    assert found.threshold == pytest.approx(0.05)
    assert found.false_alarms <= MOST_FALSE_ALARMS


def test_noise_whose_pairs_do_not_depend_on_one_another_hardly_ever_raises_the_threshold() -> None:
    generator = np.random.default_rng(3)
    samples = [np.exp(generator.normal(0, 0.05, 40)).tolist() for _ in range(3)]

    thresholds = [calibrate_case(sample, RULE).threshold for sample in samples]

    assert np.median(thresholds) == RULE.threshold
    assert max(thresholds) <= 2 * RULE.threshold


def test_by_how_much_the_sample_as_a_whole_is_off_makes_no_difference() -> None:
    shifted = [1.04 * ratio for ratio in QUIET]

    assert calibrate_case(shifted, RULE).threshold == RULE.threshold


@pytest.mark.parametrize("shape", ["normal", "heavy", "lasting"])
def test_at_the_chosen_threshold_false_alarms_are_at_most_1_percent_and_at_a_step_less_they_are_more(
    shape: str,
) -> None:
    generator = np.random.default_rng(1)
    logs = {
        "normal": generator.normal(0, 0.05, 40),
        "heavy": 0.02 * generator.standard_cauchy(40),
        "lasting": np.log(LASTING) + generator.normal(0, 0.01, 40),
    }[shape]
    ratios = np.exp(logs).tolist()

    found = calibrate_case(ratios, RULE)
    shares = shares_of(ratios, RULE.with_threshold(found.threshold), n_cases=1)

    assert found.false_alarms == shares[Category.SLOWER] + shares[Category.FASTER]
    assert found.false_alarms <= MOST_FALSE_ALARMS
    if found.threshold > RULE.threshold:
        less = shares_of(ratios, RULE.with_threshold(found.threshold - 0.005), n_cases=1)
        assert less[Category.SLOWER] + less[Category.FASTER] > MOST_FALSE_ALARMS


def test_the_slowdown_that_counts_as_detectable_is_found_and_noise_beyond_all_tried_says_so() -> None:
    noisy = np.exp(np.random.default_rng(2).normal(0, 0.03, 40)).tolist()
    found = calibrate_case(noisy, RULE)

    assert found.detectable is not None
    rule = RULE.with_threshold(found.threshold)
    shares = shares_of(noisy, rule, n_cases=1, effect=found.detectable, n_resamples=200)
    assert shares[Category.SLOWER] >= 0.95
    assert calibrate_case([0.2, 5.0] * 20, RULE).detectable is None


def test_the_same_pairs_give_the_same_shares() -> None:
    first, second = (shares_of(LASTING, RULE, n_cases=1, n_resamples=100) for _ in range(2))

    assert first == second


def test_the_shares_of_all_categories_add_up_to_1() -> None:
    assert sum(shares_of(LASTING, RULE, n_cases=3, n_resamples=100).values()) == pytest.approx(1)
