"""The plot of throughput, with its roofline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.analysis.test_decision_map import sweep
from tests.conftest import SMALL
from tests.helpers.plots import one_of, text_of
from tests.helpers.records import run_of

if TYPE_CHECKING:
    from benchmarks.report.plots.plot import Plot


def test_the_roofline_is_the_floors_best_rate_of_reading_data_and_says_so(
    plots: dict[str, Plot],
) -> None:
    rate = 1000 * SMALL.n_batches * 12 / 1e-6  # the largest batch, 3 floats a sample, 1 µs an epoch

    assert f"{rate / 1e9:.1f} GB/s" in text_of(plots["throughput"])


def test_without_a_floor_there_is_no_roofline() -> None:
    rows = sweep("torch_eager", warm_s=1e-3, cold_s=1e-3, epoch_s=1e-3)

    assert "roofline" not in text_of(one_of(run_of(*rows), "throughput"))
