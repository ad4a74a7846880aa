"""The plot of trends."""

from __future__ import annotations

import pytest

from benchmarks.report.plots.gallery import plots_of
from tests.helpers.runs import run_of_day, timed


def test_three_runs_have_a_trend() -> None:
    pytest.importorskip("ruptures")
    runs = [run_of_day(day, timed("a", [1e-3] * 6), timed("native_floor", [1e-5] * 6)) for day in range(3)]

    (plots,) = plots_of(runs).values()
    (before,) = plots_of(runs[:2]).values()

    assert [plot.kind for plot in plots] == ["spread", "trend"]
    assert "3 runs, too few runs to look for a change of level, which takes 6" in plots[-1].description
    assert "too few runs" in plots[-1].chart.to_dict()["title"]["subtitle"][1]
    assert [plot.kind for plot in before] == ["spread"]
