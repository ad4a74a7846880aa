"""Summaries, ratios and intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.compare.rank_sum import rank_sum_distribution, shift_interval
from benchmarks.stats import speedup
from benchmarks.worker.samples import summarize


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
    from scipy.stats import quantile_test  # noqa: PLC0415 - a second to import

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
    with pytest.raises(ValueError, match="longer"):
        speedup([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="found none"):
        speedup([], [])


def test_the_ratio_ignores_one_wild_round() -> None:
    assert speedup([2.0, 2.0, 2.0, 2.0, 200.0], [1.0] * 5).value == pytest.approx(2.0)
    assert math.isfinite(speedup([1e-9], [1e3]).value)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 5), (3, 4), (6, 6), (20, 7)])
def test_the_distribution_of_the_rank_sum_is_that_of_scipys_exact_test(n: int, m: int) -> None:
    from scipy.stats import mannwhitneyu  # noqa: PLC0415 - a second to import

    at_most = np.cumsum(rank_sum_distribution(n, m))

    assert len(at_most) == n * m + 1
    for seed in range(10):
        first, second = np.split(np.random.default_rng(seed).permutation(n + m).astype(float), [n])
        theirs = mannwhitneyu(first, second, alternative="less", method="exact")
        assert at_most[int(theirs.statistic)] == pytest.approx(theirs.pvalue, rel=1e-9)


def test_the_distribution_of_the_rank_sum_stays_exact_where_counts_exceed_64_bits() -> None:
    probabilities = rank_sum_distribution(40, 50)

    assert probabilities[0] == pytest.approx(1 / math.comb(90, 40), rel=1e-9)
    assert probabilities == pytest.approx(probabilities[::-1], rel=1e-9)
    assert probabilities.sum() == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(("n", "m", "tail"), [(6, 6, 0.025), (6, 6, 0.005), (5, 12, 0.05)])
def test_the_interval_of_a_shift_covers_it_as_often_as_it_says(n: int, m: int, tail: float) -> None:
    rng = np.random.default_rng(0)
    pairs = [
        (rng.exponential(size=n).tolist(), (0.3 + rng.exponential(size=m)).tolist()) for _ in range(2000)
    ]
    found = [shift_interval(before, after, tail) for before, after in pairs]
    covered = np.mean([low <= 0.3 <= high for _, low, high, _ in found])

    assert (1 - found[0][3]) / 2 <= tail
    assert covered == pytest.approx(found[0][3], abs=0.015)  # 3 standard errors


def test_a_shift_is_the_median_of_all_differences_and_ignores_one_wild_value() -> None:
    estimate, low, high, _ = shift_interval([0.0, 0.1, 0.2, 0.3], [1.0, 1.1, 1.2, 99.0], 0.1)

    assert estimate == pytest.approx(
        np.median(np.subtract.outer([1.0, 1.1, 1.2, 99.0], [0.0, 0.1, 0.2, 0.3]))
    )
    assert low < estimate < high
    assert estimate < 1.2


def test_too_few_values_for_the_tail_give_the_whole_range_and_say_how_sure_it_is() -> None:
    assert shift_interval([0.0, 1.0], [5.0, 7.0], 0.01) == pytest.approx((5.5, 4.0, 7.0, 1 - 2 / 6))
    with pytest.raises(ValueError, match="at least one value on either side, found none"):
        shift_interval([], [1.0], 0.05)


@pytest.mark.parametrize("n", range(2, 12))
def test_a_tail_of_just_the_two_rarest_orders_is_reached_whatever_rounding_makes_of_it(n: int) -> None:
    for m in range(2, 12):
        rarest = 1 / math.comb(n + m, n)  # of each of the orders in which U is 0 and 1
        before, after = (list(map(float, range(size))) for size in (n, m))

        assert shift_interval(before, after, 2 * rarest)[3] == pytest.approx(1 - 4 * rarest)


def test_a_tail_beyond_a_half_leaves_the_interval_in_order() -> None:
    _, low, high, coverage = shift_interval([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], 0.9)

    assert low <= high
    assert 0 <= coverage < 1
