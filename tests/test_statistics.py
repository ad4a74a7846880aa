"""Summaries, ratios and intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import quantile_test

from benchmarks.statistics import speedup, summarize


def test_no_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one sample, found none"):
        summarize([])


def test_twice_as_fast_in_every_round_is_twice_as_fast_however_the_rounds_drift() -> None:
    baseline_s = [1.0, 5.0, 2.0, 3.0, 9.0, 4.0]

    ratio = speedup(baseline_s, [s / 2 for s in baseline_s])

    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((2, 2, 2))


def test_the_interval_says_how_sure_it_is_and_too_few_rounds_have_none() -> None:
    assert speedup([1.0] * 4, [2.0] * 4).low is None
    assert speedup([1.0] * 5, [2.0] * 5).coverage == 1 - 2 / 2**5
    assert (speedup([1.0] * 6, [2.0] * 6).coverage or 0) >= 0.95


def test_the_interval_is_that_of_scipys_quantile_test() -> None:
    values = np.random.default_rng(0).lognormal(size=15)
    theirs = quantile_test(values, q=float(np.median(values)), p=0.5).confidence_interval(0.95)

    ratio = speedup(values.tolist(), [1.0] * 15)

    assert [ratio.low, ratio.high] == pytest.approx(np.asarray(theirs))


def test_the_interval_covers_the_true_ratio_in_about_95_percent_of_experiments() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        noise = rng.lognormal(sigma=0.1, size=12)
        ratio = speedup((1.5 * noise).tolist(), np.ones(12).tolist())
        assert ratio.low is not None
        assert ratio.high is not None
        covered += ratio.low <= 1.5 <= ratio.high

    assert (
        covered / 400 >= 0.93
    )  # the interval of 12 order statistics covers at least 0.95; 3 standard errors


def test_rounds_that_do_not_pair_up_are_refused() -> None:
    with pytest.raises(ValueError, match=r"broadcast|shape"):
        speedup([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="found none"):
        speedup([], [])


def test_the_ratio_ignores_one_wild_round() -> None:
    assert speedup([2.0, 2.0, 2.0, 2.0, 200.0], [1.0] * 5).value == pytest.approx(2.0)
    assert math.isfinite(speedup([1e-9], [1e3]).value)
