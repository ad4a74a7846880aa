"""What a loop may place: the batches' own values, in any layout, with zeros, ones and labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from benchmarks.records.row import Verdict
from benchmarks.worker.inspection.placed import changed_values
from benchmarks.worker.training import Workload
from impls import numpy_reference
from impls.contract import Problem
from tests.conftest import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from impls.contract import Batches, Implementation
    from tests.conftest import Copy, Measured


@dataclass
class Feed:
    batches: list[Any]


ALLOWED: dict[str, Callable[[Batches], Any]] = {
    "as they are": lambda batches: batches,
    "stacked": lambda batches: np.stack([x for x, _ in batches]),
    "transposed": lambda batches: [x.T.copy() for x, _ in batches],
    "several layouts": lambda batches: [(x, x.T.copy(), x[:5]) for x, _ in batches],
    "padded with zeros": lambda batches: [np.pad(x, ((0, 3), (0, 1))) for x, _ in batches],
    "labels packed into a column": lambda batches: [np.column_stack([x, 2 * y - 1]) for x, y in batches],
    "labels as integers": lambda batches: [(x, y.astype(np.int8)) for x, y in batches],
    "within an object": lambda batches: Feed([{"x": x, "y": y} for x, y in batches]),
}
COMPUTED: dict[str, Callable[[Batches], Any]] = {
    "rounded": lambda batches: [(np.round(x * 512) / np.float32(512), y) for x, y in batches],
    "in half precision": lambda batches: [(x.astype(np.float16), y) for x, y in batches],
    "as integers": lambda batches: [
        (np.round(x * 512).astype(np.int16), np.full(1, 1 / 512)) for x, _ in batches
    ],
    "times the labels": lambda batches: [(x * (2 * y - 1)[:, None], y) for x, y in batches],
    "with statistics": lambda batches: [(x, y, y @ x / len(y)) for x, y in batches],
    "every other row": lambda batches: [(x[::2], y[::2]) for x, y in batches],
}


def changed(place: Callable[[Batches], Any], problem: Problem = SMALL) -> tuple[int, int] | None:
    oracle = SimpleNamespace(**(vars(numpy_reference) | {"place": lambda _, batches, __: place(batches)}))
    return changed_values(Workload.of(cast("Implementation", oracle), problem))


@pytest.mark.parametrize("problem", [SMALL, replace(SMALL, data="stream")], ids=["dataset", "stream"])
@pytest.mark.parametrize("layout", ALLOWED)
def test_any_layout_of_the_batches_own_values_is_allowed(layout: str, problem: Problem) -> None:
    assert changed(ALLOWED[layout], problem) == (0, 0)


@pytest.mark.parametrize("result", COMPUTED)
def test_what_place_computes_is_found(result: str) -> None:
    found = changed(COMPUTED[result])

    assert found is not None
    assert max(found) >= 4  # one for each batch, at least


def test_values_out_of_reach_are_not_observable() -> None:
    assert changed(lambda batches: [id(x) for x, _ in batches]) is None


def test_features_rounded_in_place_make_a_row_invalid(copy_of: Copy, measured: Measured) -> None:
    rounded = copy_of(
        "numpy_float32",
        (
            "    return batches\n",
            "    return [(np.round(x * 2**16) / np.float32(2**16), y) for x, y in batches]\n",
        ),
    )

    for sample_s in (0.0, 0.002):
        row = measured(rounded, Problem(n_epochs=2), sample_s=sample_s)

        assert row.verdict is Verdict.INVALID
        assert "values of the placed batches: expected the features', bit for bit, and 0 and 1, found" in (
            row.reason or ""
        )
