"""The plot of the cost model."""

from __future__ import annotations

from benchmarks.analysis.cost_model import cost_models
from tests.analysis.test_decision_map import sweep
from tests.helpers.plots import one_of
from tests.helpers.records import run_of


def test_the_cost_split_says_how_far_the_model_is_from_what_was_measured() -> None:
    cheap, dear = (sweep("torch_eager", warm_s=1e-3, cold_s=1e-3, epoch_s=s) for s in (1e-3, 2e-3))
    run = run_of(*cheap[:2], *dear[2:3], *cheap[3:])

    subtitle = one_of(run, "cost-split").chart.to_dict()["title"]["subtitle"]

    misfit = max(model.max_misfit for model in cost_models(run.rows))
    assert misfit > 0.05
    assert subtitle[1].endswith(f"error of the model: {misfit:.0%}")
