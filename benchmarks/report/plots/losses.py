"""The losses of all implementations, step by step, and beneath how far each is from the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from benchmarks.cases.problems import name_of
from benchmarks.cases.tolerances import tolerances
from benchmarks.report.plots.plot import (
    Panel,
    Picture,
    Values,
    inline,
    titled,
)
from benchmarks.report.plots.style import (
    DIM,
    GREY,
    WIDTH,
    lines,
    log_ticks,
    overlaid,
    points,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.records.row import Row

UPPER_HEIGHT, LOWER_HEIGHT = 200, 240
MARKED = 6
"""Points of a line that carry its shape: each implementation's at other steps, since the lines coincide."""

LEAST = 1e-9
"""Deviation that is drawn: whatever is smaller is chance, in float32."""


def losses(rows: Sequence[Row], *, where: str) -> Picture:
    """Draw the curves of one problem and device; at least one row has one. `where` names the machine."""
    drawn = [row for row in rows if row.curve]
    values = [value for place, row in enumerate(drawn) for value in _points(row, place, len(drawn))]
    tolerance, _ = tolerances(drawn[0].problem)
    on = f"{name_of(drawn[0].problem)} on {drawn[0].place}"
    reference = drawn[0].agreement.reference if drawn[0].agreement else ""
    title = "Did they compute the same?"
    description = _in_words(drawn, on, tolerance)
    subtitle = [
        f"{on} · tolerance {tolerance:.1g} at every step, or no time is shown",
        f"above: the losses, on the {reference} reference's broad line · below: largest deviation from it",
        where,
    ]
    chart = alt.vconcat(_losses(values, drawn), _deviations(values, drawn, tolerance), spacing=16)
    return Picture(
        kind="losses",
        about=f"{name_of(drawn[0].problem)}-{drawn[0].place}",
        title=title,
        description=description,
        chart=titled(chart, title, subtitle, description),
        values=values,
    )


def _points(row: Row, place: int, n_rows: int) -> Values:
    every = max(1, len(row.curve) // MARKED)
    return [
        {
            "implementation": row.implementation,
            "step": point.step,
            "loss": point.loss,
            "reference loss": point.reference_loss,
            "deviation": point.max_deviation,
            "marked": i % every == place * every // n_rows,
        }
        for i, point in enumerate(row.curve)
    ]


def _losses(values: Values, rows: Sequence[Row]) -> Panel:
    base = alt.Chart(inline(values)).encode(x=_steps(title=None))
    reference = base.transform_filter(alt.datum.implementation == rows[0].implementation)
    loss = alt.Y("loss:Q", title="loss of the step")
    return overlaid(
        reference.mark_line(color=GREY, strokeWidth=8, opacity=0.5).encode(y="reference loss:Q"),
        base.mark_line(strokeWidth=1.5).encode(y=loss, **lines(rows)),
        base.transform_filter("datum.marked").mark_point().encode(y=loss, **points(rows)),
    ).properties(width=WIDTH, height=UPPER_HEIGHT)


def _deviations(values: Values, rows: Sequence[Row], tolerance: float) -> Panel:
    base = alt.Chart(inline([value for value in values if value["deviation"]])).encode(
        x=_steps(title="step"),
        y=alt.Y(
            "deviation:Q",
            scale=alt.Scale(type="log", domainMin=LEAST, clamp=True),
            axis=alt.Axis(format="~e", values=log_ticks([LEAST, 1e3])),
            title="|loss - reference|",
        ),
    )
    limit = alt.Chart(inline([{"tolerance": tolerance}])).encode(y="tolerance:Q")
    return overlaid(
        base.mark_line(strokeWidth=1.5).encode(
            tooltip=["implementation:N", "step:Q", "loss:Q", alt.Tooltip("deviation:Q", format=".1e")],
            **lines(rows),
        ),
        base.transform_filter("datum.marked").mark_point().encode(**points(rows, legend=False)),
        limit.mark_rule(color=DIM, strokeWidth=2),
        limit.mark_text(align="left", baseline="bottom", dx=4, dy=-3).encode(
            x=alt.value(0), text=alt.value(f"tolerance {tolerance:.1g}")
        ),
    ).properties(width=WIDTH, height=LOWER_HEIGHT)


def _steps(*, title: str | None) -> alt.X:
    return alt.X(
        "step:Q", scale=alt.Scale(nice=False), axis=alt.Axis(format=",d", tickMinStep=1), title=title
    )


def _in_words(rows: Sequence[Row], on: str, tolerance: float) -> str:
    told = []
    for row in rows:
        off = row.agreement.max_loss_deviation if row.agreement else None
        told.append(f"{row.implementation} {'beyond measure' if off is None else f'{off:.1e}'}")
    end = rows[0].curve[-1]
    return (
        f"Losses of {len(rows)} implementations over {end.step:,} steps of {on}, in the reference from "
        f"{rows[0].curve[0].reference_loss:.3g} to {end.reference_loss:.3g}, and how far each is from it. "
        f"Largest deviation (tolerance {tolerance:.1g}): {', '.join(told)}."
    )
