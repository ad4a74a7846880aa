"""The losses of all implementations, step by step, and below them their deviations from the reference."""

from collections.abc import Sequence

import altair as alt

from benchmarks.cases.problems import name_of
from benchmarks.cases.tolerances import tolerances
from benchmarks.records.row import Row
from benchmarks.report.plots.plot import Panel, Plot, Unit, Values, inline
from benchmarks.report.plots.style import GREY, WIDTH, limit, lines, logarithmic, overlaid, points

UPPER_HEIGHT, LOWER_HEIGHT = 200, 240
MARKED = 6
"""Points of a line that carry its shape: each implementation's at other steps, since the lines coincide."""

LEAST = 1e-9
"""Smallest deviation on the axis: smaller ones are chance, in float32."""


def losses(rows: Sequence[Row], *, where: str) -> Plot:
    """Plot the curves of one problem and device; at least one row has one. `where` names the machine."""
    drawn = [row for row in rows if row.curve]
    values = [value for place, row in enumerate(drawn) for value in _points(row, place, len(drawn))]
    tolerance, _ = tolerances(drawn[0].problem)
    case = f"{name_of(drawn[0].problem)} on {drawn[0].place}"
    reference = drawn[0].agreement.reference if drawn[0].agreement else ""
    return Plot(
        kind="losses",
        about=f"{name_of(drawn[0].problem)}-{drawn[0].place}",
        title="Did they compute the same?",
        subtitle=[
            f"{case} · tolerance {tolerance:.1g} at every step, or no time is shown",
            f"above: the losses, on the {reference} reference's broad line · below: deviation from it",
            where,
        ],
        description=_in_words(drawn, case, tolerance),
        panels=alt.vconcat(_losses(values, drawn), _deviations(values, drawn, tolerance), spacing=16),
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
    base = Unit(inline(values)).encode(x=_steps(title=None))
    reference = base.transform_filter(alt.datum.implementation == rows[0].implementation)
    loss = alt.Y("loss:Q", title="loss of the step")
    return overlaid(
        reference.mark_line(color=GREY, strokeWidth=8, opacity=0.5).encode(y=alt.Y("reference loss:Q")),
        base.mark_line(strokeWidth=1.5).encode(y=loss, **lines(rows)),
        base.transform_filter("datum.marked").mark_point().encode(y=loss, **points(rows)),
    ).properties(width=WIDTH, height=UPPER_HEIGHT)


def _deviations(values: Values, rows: Sequence[Row], tolerance: float) -> Panel:
    axis = logarithmic([LEAST, 1e3], {"domainMin": LEAST, "clamp": True}, format="~e")
    base = Unit(inline([value for value in values if value["deviation"]])).encode(
        x=_steps(title="step"), y=alt.Y("deviation:Q", title="|loss - reference|", **axis)
    )
    tooltip = [*map(alt.Tooltip, ("implementation:N", "step:Q", "loss:Q"))]
    tooltip.append(alt.Tooltip("deviation:Q", format=".1e"))
    return overlaid(
        base.mark_line(strokeWidth=1.5).encode(tooltip=tooltip, **lines(rows)),
        base.transform_filter("datum.marked").mark_point().encode(**points(rows, legend=False)),
        *limit(tolerance, f"tolerance {tolerance:.1g}"),
    ).properties(width=WIDTH, height=LOWER_HEIGHT)


def _steps(*, title: str | None) -> alt.X:
    axis = alt.Axis(format=",d", tickMinStep=1)
    return alt.X("step:Q", scale=alt.Scale(nice=False), axis=axis, title=title)


def _in_words(rows: Sequence[Row], case: str, tolerance: float) -> str:
    deviations = []
    for row in rows:
        off = row.agreement.max_loss_deviation if row.agreement else None
        deviations.append(f"{row.implementation} {'not a number' if off is None else f'{off:.1e}'}")
    first, last = rows[0].curve[0], rows[0].curve[-1]
    return (
        f"Losses of {len(rows)} implementations over {last.step:,} steps of {case}. The reference's go from "
        f"{first.reference_loss:.3g} to {last.reference_loss:.3g}. Largest deviation from it (tolerance "
        f"{tolerance:.1g}): {', '.join(deviations)}."
    )
