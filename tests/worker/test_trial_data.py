"""The data of trials: what changes, alike in every layout, and what stays."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from benchmarks.cases.data import draw_parameters
from benchmarks.worker.inspection.trial_data import FreshData, changed
from benchmarks.worker.observe import observer_of
from benchmarks.worker.training import Workload
from impls.contract import Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from impls.contract import Device, Implementation

VALUES = np.random.default_rng(1).standard_normal((1000, 3), dtype=np.float32)


def fresh_of(placed: Any, framework: str = "numpy", device: Device = "cpu") -> FreshData:
    """Find the arrays as in a process of a loop in this framework."""
    implementation = SimpleNamespace(FRAMEWORK=framework)
    workload = Workload(
        implementation=cast("Implementation", implementation),
        problem=Problem(),
        device=device,
        parameters=draw_parameters(Problem()),
        placed=(),
        data_digest="",
    )
    return FreshData.of(placed, workload, observer_of(framework))


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
    fresh = fresh_of(placed)
    for seed in (7, 8):
        fresh.change(seed)

    assert np.array_equal(placed["x"], changed(VALUES, 8))
    assert np.array_equal(placed["transposed"], changed(VALUES, 8).T)
    assert np.array_equal(placed["steps"], np.arange(5))


@pytest.mark.parametrize(("framework", "put"), [("torch", "from_numpy"), ("jax", "device_put")])
def test_arrays_of_a_framework_change_in_place(framework: str, put: str) -> None:
    placed = getattr(pytest.importorskip(framework), put)(VALUES.copy())

    fresh_of([placed], framework).change(7)

    assert np.array_equal(np.asarray(placed), changed(VALUES, 7))


def test_what_holds_no_features_need_not_be_writable() -> None:
    x = VALUES.copy()
    ones = np.broadcast_to(np.float32(1), (1000,))

    assert fresh_of((x, ones, np.int64(5), np.float32(0.5))).is_fresh


def test_features_that_cannot_be_changed_are_told_from_those_that_nobody_observes() -> None:
    fixed = VALUES.copy()
    fixed.setflags(write=False)

    assert fresh_of([fixed]).is_fresh is False
    assert fresh_of([object()]).is_fresh is False
    assert fresh_of([object()], "scipy").is_fresh is None
    assert fresh_of([VALUES.copy()], "scipy").is_fresh
    assert fresh_of([VALUES], device="cuda").is_fresh is None
