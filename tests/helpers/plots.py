"""Plots made up for tests."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.records.machine import Machine
from benchmarks.report.plots.files import Files, write_plots
from benchmarks.report.plots.gallery import plots_of
from benchmarks.verify.agreement import loss_curve
from tests.analysis.test_decision_map import sweep
from tests.helpers.records import AGREEMENT, row, run_of

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.records.row import Row
    from benchmarks.records.run import Run
    from benchmarks.report.plots.plot import Plot


EXPECTED = np.geomspace(0.7, 0.1, 12)
CURVE = loss_curve(EXPECTED, EXPECTED + 1e-7)
DRAWN = replace(AGREEMENT, curve=CURVE)
HERE = Machine.of(run_of(row()))


def swept() -> list[Row]:
    """Make a sweep of three implementations with losses: one that compiles, one that does not, the floor."""
    rows = [
        *sweep("torch_eager", warm_s=1e-3, cold_s=1e-3, epoch_s=1e-3, framework="torch"),
        *sweep("jax_jit", warm_s=0.1, cold_s=1.0, epoch_s=1e-4),
        *sweep("native_floor", warm_s=1e-5, cold_s=0.5, epoch_s=1e-6, framework="numpy"),
    ]
    return [replace(each, agreement=DRAWN) for each in rows]


def one_of(run: Run, kind: str) -> Plot:
    """Return the run's first plot of a kind."""
    return next(plot for plot in drawn_of(run) if plot.kind == kind)


def drawn_of(run: Run) -> list[Plot]:
    """Return the plots of one run."""
    (plots,) = plots_of([run]).values()
    return plots


def write(plot: Plot, folder: Path) -> Files:
    """Write one plot."""
    ((files,),) = write_plots({HERE: [plot]}, folder).values()
    return files


def text_of(plot: Plot) -> str:
    """Return the specification as text, as the page embeds it."""
    return json.dumps(plot.chart.to_dict(), allow_nan=False)
