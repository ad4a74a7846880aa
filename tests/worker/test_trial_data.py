"""The data of trials: what changes, alike in every layout, and what stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.worker.inspection.trial_data import FreshData, changed
from benchmarks.worker.observe import FrameworkObserver, observer_of
from benchmarks.worker.ranks import ALONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

VALUES = np.random.default_rng(1).standard_normal((1000, 3), dtype=np.float32)


def test_a_value_changes_alike_wherever_it_is() -> None:
    padded = np.zeros((4, 1000), np.float32)
    padded[1:] = VALUES.T

    assert np.array_equal(changed(padded, 7)[1:].T, changed(VALUES, 7))
    assert np.array_equal(changed(VALUES.T, 7), changed(VALUES, 7).T)


def test_about_an_eighth_of_the_values_is_negated_and_another_seed_chooses_others() -> None:
    first, second = (changed(VALUES, seed) != VALUES for seed in (7, 8))

    assert np.array_equal(np.abs(changed(VALUES, 7)), np.abs(VALUES))
    assert 0.09 < first.mean() < 0.16
    assert (first & second).mean() < 0.04


def test_labels_and_what_fills_gaps_stay() -> None:
    kept = np.array([0, 1, -1] * 100, np.float32)

    assert all(np.array_equal(changed(kept, seed), kept) for seed in range(20))


def test_each_change_starts_from_what_was_placed() -> None:
    placed: dict[str, NDArray[Any]] = {
        "x": VALUES.copy(),
        "transposed": VALUES.T.copy(),
        "steps": np.arange(5),
    }
    fresh = FreshData.of(placed, "cpu", FrameworkObserver(), ALONE)
    for seed in (7, 8):
        fresh.change(seed)

    assert np.array_equal(placed["x"], changed(VALUES, 8))
    assert np.array_equal(placed["transposed"], changed(VALUES, 8).T)
    assert np.array_equal(placed["steps"], np.arange(5))


@pytest.mark.parametrize(("framework", "put"), [("torch", "from_numpy"), ("jax", "device_put")])
def test_arrays_of_a_framework_change_in_place(framework: str, put: str) -> None:
    placed = getattr(pytest.importorskip(framework), put)(VALUES.copy())

    FreshData.of([placed], "cpu", observer_of(framework), ALONE).change(7)

    assert np.array_equal(np.asarray(placed), changed(VALUES, 7))


def test_nothing_is_found_that_cannot_be_changed_from_here() -> None:
    fixed = VALUES.copy()
    fixed.setflags(write=False)

    assert not FreshData.of([fixed], "cpu", FrameworkObserver(), ALONE).found
    assert not FreshData.of([VALUES], "cuda", FrameworkObserver(), ALONE).found
