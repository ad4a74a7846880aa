"""What holds for all inputs, tried on many; skipped where hypothesis is not installed."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.problems import class_centers
from benchmarks.statistics import MAX_KEPT, speedup, summarize

# No deadline: the first example pays for imports. Derandomized: a red test stays red until it is mended.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

seconds = st.floats(1e-6, 1e3)


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
