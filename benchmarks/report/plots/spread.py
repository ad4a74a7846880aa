"""The distribution of each process's epochs, round by round: was the machine steady?"""

from collections.abc import Sequence

import altair as alt

from benchmarks.cases.problems import name_of
from benchmarks.records.row import Row
from benchmarks.report.plots.plot import Plot, Unit, Values, inline
from benchmarks.report.plots.style import DIM, points

PANEL_WIDTH, PANEL_HEIGHT = 140, 110
N_COLUMNS = (5, 4, 3)
"""To choose from, so that few places of the last line stay empty: Vega-Lite draws axes under them, too."""

FARTHEST = 3.0
"""Highest ratio of an epoch to the row's typical one; longer epochs are cut off at the panel's edge."""

MARGIN = 1.1

NARROW, WIDE = (0.8, 0.9, 1, 1.1, 1.2, 1.5), (0.3, 0.5, 0.7, 1, 1.5, 2, 3)
DISTINCT = 2.0
"""The axis's labels, and the ratio of its ends up to which the first ones have room."""


def spread(rows: Sequence[Row], *, where: str) -> Plot:
    """Plot each process of the timed rows of one problem and device; `where` names the machine."""
    drawn = sorted((row for row in rows if row.is_timed), key=lambda row: row.typical_s)
    values = [value for row in drawn for value in _processes(row)]
    case = f"{name_of(drawn[0].problem)} on {drawn[0].place}"
    medians_s = {row.implementation: [process.median_s for process in row.processes] for row in drawn}
    excess = ", ".join(f"{name} {max(own) / min(own) - 1:.0%}" for name, own in medians_s.items())
    return Plot(
        kind="spread",
        about=f"{name_of(drawn[0].problem)}-{drawn[0].place}",
        title="How steady was the machine?",
        subtitle=[
            f"{case} · epoch time over the implementation's typical one, of each round's fresh process",
            "bar: the middle half of the epochs, their median · line: fastest to slowest, cut off above",
            where,
        ],
        description=f"Distribution of the epoch times of each process, {case}. By how much the slowest "
        f"round's median exceeds the fastest round's: {excess}.",
        panels=_panels(values, [row.implementation for row in drawn], points(drawn, legend=False)["color"]),
        values=values,
    )


def _processes(row: Row) -> Values:
    return [
        {
            "implementation": row.implementation,
            "round": process.round + 1,
            **{
                name: getattr(process, f"{name}_s") / row.typical_s
                for name in ("min", "q1", "median", "q3", "max")
            },
        }
        for process in row.processes
    ]


def _panels(values: Values, names: Sequence[str], color: alt.Color) -> alt.FacetChart:
    low = min(value["min"] for value in values) / MARGIN
    high = min(FARTHEST, max(1.25, *(value["q3"] for value in values)) * MARGIN)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    axis = alt.Axis(values=WIDE if high / low > DISTINCT else NARROW, format="~f")
    base = Unit().encode(x=alt.X("round:O", title="round", axis=alt.Axis(labelAngle=0, grid=False)))

    def y(column: str) -> alt.Y:
        return alt.Y(f"{column}:Q", scale=scale, axis=axis, title="epoch / typical")

    bar = base.mark_bar(clip=True, size=12, strokeWidth=2)
    panel = alt.layer(
        Unit().mark_rule(color=DIM, strokeDash=[2, 3]).encode(y=alt.YDatum(1, scale=scale)),
        base.mark_rule(clip=True, strokeWidth=1.5, opacity=0.6).encode(
            y=y("min"), y2=alt.Y2("max:Q"), color=color
        ),
        bar.encode(y=y("q1"), y2=alt.Y2("q3:Q"), color=color, stroke=color),
        base.mark_tick(clip=True, thickness=2, size=12).encode(y=y("median")),
        data=inline(values),
    ).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT)
    facet = alt.Facet("implementation:N", title=None, sort=names, header=alt.Header(labelAnchor="start"))
    chart: alt.FacetChart = panel.facet(facet, columns=min(N_COLUMNS, key=lambda n: -len(names) % n))
    return chart
