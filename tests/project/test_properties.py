"""What holds for all inputs, tried on many; skipped where hypothesis is not installed."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.cases.data import class_centers
from benchmarks.compare.evidence import evidence
from benchmarks.compare.rank_sum import rank_sum_distribution, shift_interval
from benchmarks.compare.rule import COUNTED_RULE, FEWEST_PAIRS, UNPAIRED_RULE, Rule
from benchmarks.compare.unpaired import decide_shift
from benchmarks.stats import median_interval, median_ratio, speedup
from benchmarks.worker.samples import MAX_KEPT, summarize

pytest.importorskip("hypothesis")


# No deadline: the first example pays for imports. Derandomized: a red test stays red until it is mended.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

seconds = st.floats(1e-6, 1e3)
logs = st.lists(st.floats(-20, 7), min_size=1, max_size=12)
tails = st.floats(1e-6, 0.5)
pairs = st.builds(
    lambda effect, noise: [effect * each for each in noise],
    st.floats(0.8, 1.25),
    st.lists(st.floats(0.97, 1.03), min_size=20, max_size=20),
)


@given(st.integers(1, 300))
def test_the_class_centers_lie_5_apart_in_every_width(n_features: int) -> None:
    centers = class_centers(n_features)

    assert centers.shape == (2, n_features)
    assert np.linalg.norm(centers[0] - centers[1]) == pytest.approx(5, rel=1e-5)


@given(st.lists(seconds, min_size=1, max_size=400))
def test_a_summary_is_computed_from_all_samples_and_keeps_a_few_from_min_to_max(
    samples_s: list[float],
) -> None:
    summary = summarize(samples_s)

    assert summary.n_samples == len(samples_s)
    assert (summary.min_s, summary.max_s) == (min(samples_s), max(samples_s))
    assert summary.median_s == pytest.approx(float(np.median(samples_s)))
    assert len(summary.kept_s) == min(MAX_KEPT, len(samples_s))
    assert list(summary.kept_s) == sorted(summary.kept_s)
    assert summary.kept_s[0] == pytest.approx(min(samples_s), abs=1e-10)
    assert summary.kept_s[-1] == pytest.approx(max(samples_s), abs=1e-10)


@given(st.lists(st.tuples(seconds, seconds), min_size=1, max_size=20))
def test_the_ratio_lies_in_its_interval_and_inverts_when_the_sides_are_swapped(
    pairs: list[tuple[float, float]],
) -> None:
    baseline_s, other_s = zip(*pairs, strict=True)

    ratio, inverse = speedup(baseline_s, other_s), speedup(other_s, baseline_s)

    assert ratio.value == pytest.approx(1 / inverse.value)
    if ratio.low is not None and ratio.high is not None:
        assert ratio.low <= ratio.value * (1 + 1e-9)
        assert ratio.value <= ratio.high * (1 + 1e-9)


@given(st.integers(1, 40), st.floats(1e-6, 0.4))
def test_the_interval_of_the_median_leaves_no_more_than_the_tail_unless_it_is_the_whole_range(
    n: int, tail: float
) -> None:
    low, high, coverage = median_interval([float(i) for i in range(n)], tail)

    assert (1 - coverage) / 2 <= tail or (low, high) == (0.0, n - 1.0)
    assert low <= high


@given(st.integers(1, 12), st.integers(1, 12))
def test_the_rank_sums_probabilities_are_symmetric_and_those_of_the_sides_swapped(n: int, m: int) -> None:
    probabilities = rank_sum_distribution(n, m)

    assert probabilities.sum() == pytest.approx(1)
    assert probabilities[0] == pytest.approx(1 / math.comb(n + m, n))
    assert probabilities == pytest.approx(probabilities[::-1])
    assert probabilities == pytest.approx(rank_sum_distribution(m, n))


@given(logs, logs, tails, st.floats(-5, 5))
def test_a_shift_lies_in_its_interval_moves_with_the_values_and_turns_when_the_sides_are_swapped(
    before: list[float], after: list[float], tail: float, moved_by: float
) -> None:
    shift, low, high, coverage = shift_interval(before, after, tail)
    moved = shift_interval(before, [value + moved_by for value in after], tail)
    swapped = shift_interval(after, before, tail)

    assert low <= shift <= high
    assert moved == pytest.approx((shift + moved_by, low + moved_by, high + moved_by, coverage), abs=1e-9)
    assert swapped == pytest.approx((-shift, -high, -low, coverage), abs=1e-9)


@given(logs, logs, tails, st.floats(0.01, 1))
def test_a_surer_interval_is_never_narrower(
    before: list[float], after: list[float], tail: float, factor: float
) -> None:
    _, low, high, coverage = shift_interval(before, after, tail)
    _, surer_low, surer_high, surer_coverage = shift_interval(before, after, factor * tail)

    assert surer_low <= low
    assert high <= surer_high
    assert surer_coverage >= coverage


@given(logs, logs, st.floats(0, 0.5), st.integers(1, 50))
def test_the_slowdown_that_is_said_to_be_detectable_is_called_slower(
    before: list[float], after: list[float], drift: float, n_cases: int
) -> None:
    rule = replace(UNPAIRED_RULE, drift=drift)
    found = decide_shift(before, after, rule, n_cases=n_cases)

    if found.detectable is None:
        assert found.category == "undecided"
        return
    by = math.log((1 + found.detectable) * 1.001 / found.ratio)
    slowed = decide_shift(before, [value + by for value in after], rule, n_cases=n_cases)
    assert slowed.category == "slower"


@given(pairs, st.integers(1, 20), st.sampled_from([Rule(), COUNTED_RULE]))
def test_the_evidence_is_the_median_its_interval_and_how_close_the_middle_half_is(
    ratios: list[float], n_pairs: int, rule: Rule
) -> None:
    ratios = ratios[:n_pairs]
    shown = evidence(np.array([ratios, ratios[::-1]]), rule, n_cases=1)

    assert shown.ratio.tolist() == [median_ratio(ratios)] * 2
    interval = median_interval(ratios, 0.0 if rule.counts else rule.tail(1))
    assert (shown.low[0], shown.high[1], shown.coverage) == interval
    q1, q3 = np.quantile(ratios, (0.25, 0.75))
    assume(abs(q3 - q1 - rule.spread) > 1e-9)
    is_clear = q3 - q1 <= rule.spread and abs(shown.ratio[0] - 1) <= rule.unchanged
    assert (shown.within[0] == 0) == (n_pairs >= FEWEST_PAIRS and is_clear)
