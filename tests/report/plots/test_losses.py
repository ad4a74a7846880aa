"""The plot of the losses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.records.row import LossPoint, Verdict
from benchmarks.report.plots.losses import losses
from benchmarks.verify.agreement import loss_curve
from tests.conftest import SMALL
from tests.helpers.plots import CURVE, DRAWN, one_of, text_of
from tests.helpers.records import AGREEMENT, row, run_of


def test_an_invalid_row_is_drawn_beside_the_others_with_a_gap_where_it_has_no_loss() -> None:
    off = (*CURVE[:5], LossPoint(step=6, loss=None, reference_loss=0.5, max_deviation=None), *CURVE[6:])
    wrong = row(
        "wrong", verdict=Verdict.INVALID, reason="wrong", processes=(), agreement=replace(DRAWN, curve=off)
    )

    plot = one_of(run_of(row(agreement=DRAWN), wrong), "losses")

    assert {"loss": None, "deviation": None}.items() <= plot.values[12 + 5].items()
    text_of(plot)  # no NaN


def test_each_implementations_marks_are_at_other_steps_since_the_lines_coincide() -> None:
    curve = loss_curve(np.linspace(0.7, 0.1, 60), np.linspace(0.7, 0.1, 60))
    problem, agreement = replace(SMALL, n_epochs=15), replace(AGREEMENT, n_steps=60, curve=curve)
    rows = [row(name, problem=problem, agreement=agreement) for name in ("a", "b", "c")]

    values = losses(rows, where="here").values

    marked = [{v["step"] for v in values if v["marked"] and v["implementation"] == name} for name in "abc"]
    assert all(marked)
    assert not set.intersection(*marked)
