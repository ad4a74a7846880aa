"""The problem: its defaults and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from impls.contract import Problem


def test_an_epoch_counts_the_ragged_last_batch_by_its_own_size() -> None:
    assert Problem(batch_size=10, n_batches=3).samples_per_epoch == 30
    assert Problem(batch_size=10, n_batches=3, last_batch_size=4).samples_per_epoch == 24


@pytest.mark.parametrize(
    "field",
    [
        {"n_features": 0},
        {"batch_size": -1},
        {"n_batches": 0},
        {"n_epochs": 0},
        {"last_batch_size": 1001},
        {"last_batch_size": 0},
        {"data": "streaming"},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"feature_scale": float("inf")},
        {"target_loss": -0.1},
        {"max_loss_change": -1.0},
        {"min_epochs": 0},
        {"seed": -1},
        {"precision": "float16"},
    ],
    ids=str,
)
def test_a_field_out_of_range_is_refused_by_name_with_what_was_found(field: dict[str, Any]) -> None:
    ((name, value),) = field.items()

    with pytest.raises(ValueError, match=rf"Problem\.{name}: expected .*, found") as caught:
        Problem(**field)

    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("field", [{"feature_scale": 4.0}, {"target_loss": 0.3}], ids=str)
def test_fields_without_a_tolerance_in_another_precision_are_refused(field: dict[str, Any]) -> None:
    Problem(**field)
    with pytest.raises(ValueError, match=r"Problem\.precision: expected 'float32' where .*, found 'tf32'"):
        Problem(precision="tf32", **field)
