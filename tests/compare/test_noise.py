"""What a case's own noise is like: thresholds from pairs whose two sides are the same."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.compare.noise import (
    alarm_limits,
    calibrate_case,
    choose_threshold,
    resampled,
    shares_of,
)
from benchmarks.compare.rule import (
    Category,
    Rule,
    categories_of,
    sequential_verdict,
)

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

    assert at_default[Category.SLOWER] > RULE.alpha
    assert found.threshold == pytest.approx(0.05)
    assert found.false_alarms <= RULE.alpha


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
    assert found.false_alarms <= RULE.alpha
    if found.threshold > RULE.threshold:
        less = shares_of(ratios, RULE.with_threshold(found.threshold - 0.005), n_cases=1)
        assert less[Category.SLOWER] + less[Category.FASTER] > RULE.alpha


@pytest.mark.parametrize("seed", [3, 6])
def test_a_threshold_fits_comparisons_of_any_number_of_the_cases_each_of_which_has_its_share_of_alpha(
    seed: int,
) -> None:
    noisy = np.exp(np.random.default_rng(seed).normal(0, 0.05, 40)).tolist()
    found = calibrate_case(noisy, RULE, n_cases=12)
    drawn = resampled(noisy, (12_000, RULE.max_pairs))

    alarms = [np.mean(alarm_limits(drawn, RULE, n_cases=n) > found.threshold) for n in range(1, 13)]

    assert max(alarms) <= RULE.alpha / 12
    assert found.false_alarms == alarms[0]  # fewer pairs that agree will do where there is but one case
    assert (found.n_cases, found.alpha, found.max_pairs) == (12, RULE.alpha, RULE.max_pairs)
    assert calibrate_case(noisy, RULE).threshold < found.threshold


@pytest.mark.parametrize("n_cases", [1, 4, 12])
@pytest.mark.parametrize("threshold", [0.025, 0.04, 0.1])
def test_the_limits_of_many_comparisons_are_where_the_rule_ends_to_call_them_slower_or_faster(
    threshold: float, n_cases: int
) -> None:
    noisy = np.exp(np.random.default_rng(0).normal(0, 0.03, 40)).tolist()
    ratios = [*LASTING, *noisy, *[1.15] * 15, *[1 / 1.15] * 15]
    drawn = resampled(ratios, (1000, RULE.max_pairs))

    limits = alarm_limits(drawn, RULE, n_cases=n_cases)

    rule = RULE.with_threshold(threshold)
    found = [sequential_verdict(row, rule, n_cases=n_cases).category for row in drawn.tolist()]
    new_first = np.broadcast_to(np.arange(RULE.max_pairs) % 2 == 1, drawn.shape)
    assert categories_of(drawn, new_first, rule, n_cases=n_cases) == found
    called = [category in (Category.SLOWER, Category.FASTER) for category in found]
    assert (limits > threshold).tolist() == called
    assert any(called)


def lasting(n: int, n_pairs: int) -> list[list[float]]:
    """Draw samples in which a neighbour shifts the pairs by 3 % and stays for five of them, on average."""
    generator = np.random.default_rng(0)
    logs = generator.normal(0, 0.03, (n, n_pairs))
    stays = generator.random(logs.shape) >= 1 / 5
    for pair in range(1, n_pairs):
        logs[:, pair] = np.where(stays[:, pair], logs[:, pair - 1], logs[:, pair])
    samples: list[list[float]] = np.exp(logs + generator.normal(0, 0.005, logs.shape)).tolist()
    return samples


def test_noise_that_lasts_raises_fewer_false_alarms_once_calibrated_the_fewer_the_more_pairs() -> None:
    limits = alarm_limits(np.array(lasting(20_000, RULE.max_pairs)), RULE, n_cases=1)

    def mean_alarms(n_pairs: int) -> float:
        thresholds = [choose_threshold(each, RULE, n_cases=1)[0] for each in lasting(100, n_pairs)]
        return float(np.mean([np.mean(limits > threshold) for threshold in thresholds]))

    assert np.mean(limits > RULE.threshold) == pytest.approx(0.18, abs=0.01)  # as docs/tracking.md has these
    assert mean_alarms(40) == pytest.approx(0.11, abs=0.015)
    assert mean_alarms(160) == pytest.approx(0.05, abs=0.015)


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
