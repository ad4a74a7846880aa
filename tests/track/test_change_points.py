"""Change points: none where there is none, and each where it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.errors import UsageError
from benchmarks.track.change_points import (
    MIN_RUNS,
    Segmentation,
    change_points,
    gain_by_chance,
    noise_of,
)
from benchmarks.track.trends import Trend, trends_of
from tests.helpers.runs import record_of, run_of_day, timed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SEEDS = 200
NOISE = 0.01


def series(seed: int, *levels: tuple[int, float], noise: float = NOISE) -> NDArray[np.float64]:
    """Draw logarithms of ratios: so many runs at each level, with independent normal noise."""
    level = np.concatenate([np.full(n_runs, np.log1p(change)) for n_runs, change in levels])
    return level + np.random.default_rng(seed).normal(0, noise, len(level))


def trend(ratios: Sequence[float]) -> Trend:
    """Make a trend of these ratios to the baseline, one a day."""
    (made,) = trends_of(
        record_of(
            run_of_day(
                day,
                timed("native_floor", [1e-5] * 6),
                timed("jax_scan", [1e-5 * ratio] * 6),
                commit=f"{day:07x}",
            ),
            Path("run.json"),
        )
        for day, ratio in enumerate(ratios)
    )
    return made


@pytest.mark.parametrize("n_runs", [6, 10, 30, 100])
def test_where_nothing_changes_nearly_never_anything_is_found(n_runs: int) -> None:
    pytest.importorskip("ruptures")

    n_found = sum(bool(change_points(series(seed, (n_runs, 0)))) for seed in range(SEEDS))

    assert n_found <= 2  # 0.2 are expected


def test_wild_runs_now_and_then_are_seldom_taken_for_a_change() -> None:
    pytest.importorskip("ruptures")
    heavy_tailed = [NOISE * np.random.default_rng(seed).standard_t(3, 80) for seed in range(SEEDS)]

    assert sum(bool(change_points(y)) for y in heavy_tailed) <= 0.04 * SEEDS  # 11 % without clipping


def test_a_step_of_5_percent_in_1_percent_noise_is_found_where_it_is() -> None:
    pytest.importorskip("ruptures")

    found = [change_points(series(seed, (18, 0), (12, 0.05))) for seed in range(SEEDS)]

    assert all(len(each) == 1 for each in found)
    assert all(abs(index - 18) <= 1 for (index,) in found)
    assert sum(each == [18] for each in found) >= 0.95 * SEEDS


def test_a_slowdown_and_its_repair_are_two_changes() -> None:
    pytest.importorskip("ruptures")

    found = [change_points(series(seed, (15, 0), (10, 0.05), (15, 0))) for seed in range(SEEDS)]

    assert np.mean([np.allclose(each, [15, 25], atol=1) for each in found if len(each) == 2]) == 1
    assert np.mean([len(each) == 2 for each in found]) >= 0.98


def test_one_run_that_went_wild_is_no_change() -> None:
    pytest.importorskip("ruptures")
    found = [change_points(series(seed, (15, 0), (1, 0.5), (15, 0))) for seed in range(SEEDS)]

    assert sum(map(bool, found)) <= 0.01 * SEEDS


def test_too_few_runs_tell_of_no_change() -> None:
    pytest.importorskip("ruptures")

    assert change_points(np.log([1.0] * MIN_RUNS + [2.0] * (MIN_RUNS - 1))) == []
    assert change_points(np.log([1.0] * MIN_RUNS + [2.0] * MIN_RUNS)) == [MIN_RUNS]


def test_runs_that_agree_by_chance_to_the_last_digit_do_not_make_a_tiny_step_a_change() -> None:
    pytest.importorskip("ruptures")

    assert change_points(np.repeat([0.0, 0.001], 15)) == []


@pytest.mark.parametrize("step", [0, 0.5])
def test_the_noise_is_estimated_whatever_the_levels(step: float) -> None:
    estimates = [noise_of(series(seed, (15, 0), (15, step))) for seed in range(SEEDS)]

    assert np.mean(estimates) == pytest.approx(NOISE, rel=0.1)


def test_the_penalty_falls_as_more_runs_tell_of_the_noise() -> None:
    penalties = [gain_by_chance(n_runs) for n_runs in (6, 10, 30, 100, 1000)]

    assert penalties == sorted(penalties, reverse=True)
    assert penalties[-1] > 2 * np.log(100)  # never below what the noise alone would ask, were it known


def test_a_trend_is_cut_into_levels_and_says_how_large_a_change_it_would_show() -> None:
    pytest.importorskip("ruptures")
    ratios = np.exp(series(0, (10, 0), (10, 0.2)))

    segmented = Segmentation.of(trend(ratios.tolist()))

    assert [len(level.points) for level in segmented.levels] == [10, 10]
    (change,) = segmented.changes
    assert change.factor == pytest.approx(1.2, rel=0.01)
    assert change.before.points[-1].record.run.provenance.commit == "0000009"
    assert change.after.points[0].record.run.provenance.commit == "000000a"
    assert segmented.visible_factor is not None
    assert 1.01 < segmented.visible_factor < 1.06


def test_a_change_as_large_as_said_to_be_visible_is_found_half_of_the_time() -> None:
    pytest.importorskip("ruptures")
    visible = np.expm1(NOISE * np.sqrt(gain_by_chance(40) * 4 / 40))

    found = [bool(change_points(series(seed, (20, 0), (20, visible)))) for seed in range(SEEDS)]

    assert 0.35 <= np.mean(found) <= 0.75


def test_of_one_run_there_is_one_level_and_no_noise_to_tell() -> None:
    pytest.importorskip("ruptures")

    segmented = Segmentation.of(trend([4.0]))

    assert len(segmented.levels) == 1
    assert segmented.noise is None
    assert segmented.visible_factor is None


def test_without_ruptures_the_message_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ruptures", None)

    with pytest.raises(UsageError, match=r"needs ruptures .* with Python 3.13 or earlier, pip install "):
        change_points(np.zeros(10))
