"""How a process's epochs are distributed, round by round: can this machine's figures be trusted?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from benchmarks.cases.problems import name_of
from benchmarks.report.plots.plot import (
    Picture,
    Values,
    inline,
    titled,
)
from benchmarks.report.plots.style import DIM, points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.records.row import Row

PANEL_WIDTH, PANEL_HEIGHT = 140, 110
N_COLUMNS = (5, 4, 3)
"""To choose from, so that few places of the last line stay empty: Vega-Lite draws axes under them, too."""

FARTHEST = 3.0
"""Of an epoch's time over the row's typical one: what is farther out is cut off at the panel's edge."""

MARGIN = 1.1

NARROW, WIDE = (0.8, 0.9, 1, 1.1, 1.2, 1.5), (0.3, 0.5, 0.7, 1, 1.5, 2, 3)
DISTINCT = 2.0
"""The axis's labels, and the ratio of its ends up to which those of the first stand apart."""


def spread(rows: Sequence[Row], *, where: str) -> Picture:
    """Draw each process of the timed rows of one problem and device; `where` names the machine."""
    drawn = sorted((row for row in rows if row.is_timed), key=lambda row: row.typical_s)
    values = [value for row in drawn for value in _processes(row)]
    on = f"{name_of(drawn[0].problem)} on {drawn[0].place}"
    title = "How steady was the machine?"
    description = _in_words(drawn, on)
    subtitle = [
        f"{on} · epoch time over the implementation's typical one, of each round's fresh process",
        "bar: the middle half of the epochs, their median · line: fastest to slowest, cut off above",
        where,
    ]
    return Picture(
        kind="spread",
        about=f"{name_of(drawn[0].problem)}-{drawn[0].place}",
        title=title,
        description=description,
        chart=titled(_panels(values, drawn), title, subtitle, description),
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


def _panels(values: Values, rows: Sequence[Row]) -> alt.FacetChart:
    low = min(value["min"] for value in values) / MARGIN
    high = min(FARTHEST, max(1.25, *(value["q3"] for value in values)) * MARGIN)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    color = points(rows, legend=False)["color"]
    base = alt.Chart().encode(x=alt.X("round:O", title="round", axis=alt.Axis(labelAngle=0, grid=False)))

    def y(column: str) -> alt.Y:
        axis = alt.Axis(values=WIDE if high / low > DISTINCT else NARROW, format="~f")
        return alt.Y(f"{column}:Q", scale=scale, axis=axis, title="epoch / typical")

    panel = alt.layer(
        alt.Chart().mark_rule(color=DIM, strokeDash=[2, 3]).encode(y=alt.datum(1, scale=scale)),
        base.mark_rule(clip=True, strokeWidth=1.5, opacity=0.6).encode(y=y("min"), y2="max:Q", color=color),
        base.mark_bar(clip=True, size=12, strokeWidth=2).encode(
            y=y("q1"), y2="q3:Q", color=color, stroke=color
        ),
        base.mark_tick(clip=True, thickness=2, size=12).encode(y=y("median")),
        data=inline(values),
    ).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT)
    names = [row.implementation for row in rows]
    facet = alt.Facet("implementation:N", title=None, sort=names, header=alt.Header(labelAnchor="start"))
    chart: alt.FacetChart = panel.facet(facet, columns=min(N_COLUMNS, key=lambda n: -len(rows) % n))
    return chart


def _in_words(rows: Sequence[Row], on: str) -> str:
    def percent(row: Row) -> str:
        medians = [process.median_s for process in row.processes]
        return f"{row.implementation} {max(medians) / min(medians) - 1:.0%}"

    return (
        f"Distribution of the epoch times of each process, {on}. By how much the slowest round's median "
        f"exceeds the fastest round's: {', '.join(map(percent, rows))}."
    )
