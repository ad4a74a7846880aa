"""Plots for the page: one specification each, for light and dark, and those that the page fills in."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from typing import Any, TypeAlias

import altair as alt
from altair.utils.schemapi import debug_mode

from benchmarks.decode import Json
from benchmarks.records.run import Run
from benchmarks.report.plots.gallery import Gallery
from benchmarks.report.plots.plot import Plot, Unit, rounded
from benchmarks.report.plots.style import DIM, SECONDS, config, look_of


def charts_of(runs: Sequence[Run], gallery: Gallery) -> dict[str, Any]:
    """Return the plots and what they share; a plot's "about" names the problem or group that it shows."""
    rows = {row.implementation: row for run in runs for row in run.rows}
    return {
        "config": _both(config("light"), config("dark")),
        "looks": {name: asdict(look_of(row)) for name, row in rows.items()},
        "templates": templates(),
        "plots": [_plot(str(machine), plot) for machine, plots in gallery.items() for plot in plots],
    }


def _plot(machine: str, drawn: Plot) -> dict[str, Any]:
    """Return a plot without title and subtitle, which the page writes above it for every width."""
    spec = {name: part for name, part in drawn.spec.items() if name != "title"}
    return {
        "machine": machine,
        "kind": drawn.kind,
        "about": drawn.about,
        "title": drawn.title,
        "subtitle": drawn.subtitle,
        "words": drawn.description,
        "spec": rounded(spec),
        "values": rounded(drawn.values),
    }


def _both(light: Json, dark: Json) -> Json:
    """Merge two configurations: if colours differ, the browser chooses, also when it prints."""
    if isinstance(light, dict):
        return {key: _both(light[key], dark[key]) for key in light}
    return light if light == dark else f"light-dark({light}, {dark})"


Spec: TypeAlias = dict[str, Any]

LINE_HEIGHT = 26
"""Pixels per implementation."""

POWERS = [10.0**n for n in range(-12, 12)]
ROUND = [digit * power for power in POWERS for digit in (1, 2, 5)]
"""Ticks of a logarithmic axis; powers of ten for an axis over many of them."""

COLOUR = alt.Color("colour:N", scale=None, legend=None)
SHAPE = alt.Shape("shape:N", scale=None, legend=None)
NAMES = alt.Y(
    "implementation:N",
    sort=None,
    title=None,
    axis=alt.Axis(labelLimit=190, domain=False, ticks=False, grid=True),
)


@cache  # Altair takes its time
def templates() -> dict[str, Spec]:
    """Return by name the specifications of the plots of the page's selection, without data.

    The data is named "rows"; each row has the "colour", the "shape" and the "dash" of its implementation.
    """
    makers = (deviations, speedups, trainings, distances)
    with debug_mode(arg=False):  # validating every part takes long, and a test does it
        return {make.__name__: make() for make in makers}


def deviations() -> Spec:
    """Show each implementation's largest deviation from the reference, and the tolerance."""
    scale = alt.Scale(type="log", nice=False, padding=12)
    axis = alt.Axis(format="~e", values=POWERS)
    title = "deviation (log scale)"
    base = Unit().encode(y=NAMES, tooltip=_tips("implementation", "deviation", "allowed"))
    return _specification(
        base.mark_tick(color=DIM, thickness=2, size=LINE_HEIGHT).encode(x=alt.X("tolerance:Q", scale=scale)),
        base.mark_point().encode(
            x=alt.X("furthest:Q", scale=scale, axis=axis, title=title), color=COLOUR, shape=SHAPE
        ),
        base.mark_text(align="left", dx=10).encode(
            x=alt.X("furthest:Q", scale=scale), text=alt.Text("deviation:N")
        ),
        height=alt.Step(LINE_HEIGHT),
        description="For each implementation a mark at the largest deviation of any step's loss from the "
        "reference, on a logarithmic axis, and a line at the tolerance; beyond it no time is shown.",
    )


def speedups() -> Spec:
    """Show how many times as fast as the baseline each implementation is, with intervals."""
    scale = alt.Scale(type="log", nice=False, padding=12)
    axis = alt.Axis(format=",~r", values=ROUND, labelOverlap="greedy", labelSeparation=10)
    base = Unit().encode(y=NAMES, tooltip=_tips("implementation", "times as fast", "95 % interval"))
    return _specification(
        Unit().mark_rule(color=DIM, strokeDash=[3, 3]).encode(x=alt.XDatum(1)),
        base.mark_rule(strokeWidth=3).encode(
            x=alt.X("from:Q", scale=scale, axis=axis, title="times as fast as the baseline (log scale)"),
            x2=alt.X2("to:Q"),
            color=COLOUR,
        ),
        base.mark_point().encode(x=alt.X("speedup:Q", scale=scale), color=COLOUR, shape=SHAPE),
        base.mark_text(align="left", dx=10).encode(x=alt.X("to:Q", scale=scale), text=alt.Text("label:N")),
        height=alt.Step(LINE_HEIGHT),
        description="For each implementation a mark at how many times as fast as the baseline it is, on a "
        "logarithmic axis, and a line over the interval. The dashed line is the baseline.",
    )


def trainings() -> Spec:
    """Show how long a training takes, by its number of epochs."""
    log = alt.Scale(type="log", nice=False)
    lines = (
        Unit()
        .mark_line()
        .encode(
            x=alt.X("epochs:Q", scale=log, title="epochs trained", axis=alt.Axis(format="~s", values=POWERS)),
            y=alt.Y(
                "seconds:Q", scale=log, title="time of the training", axis=alt.Axis(values=POWERS, **SECONDS)
            ),
            color=COLOUR,
            strokeDash=alt.StrokeDash("dash:N", scale=None, legend=None),
            detail=alt.Detail("implementation:N"),
            tooltip=_tips("implementation", "epochs", "time"),
        )
    )
    names = (
        Unit()
        .mark_text(align="left", dx=6)
        .encode(
            x=alt.X("epochs:Q", scale=log),
            y=alt.Y("label at:Q", scale=log),
            text=alt.Text("label:N"),
        )
    )
    return _specification(
        lines,
        names,
        height=380,
        description="One line for each implementation: the time of a training by its number of epochs, both "
        "logarithmic. The first call contains the compilation. Where two lines cross, the compiled one "
        "has caught up.",
    )


def distances() -> Spec:
    """Show how many times as long as the native floor an epoch takes."""
    scale = alt.Scale(type="log", domainMin=1, nice=False, padding=12)
    axis = alt.Axis(format=",~r", values=ROUND, labelOverlap="greedy", labelSeparation=10)
    x = alt.X("distance:Q", scale=scale, axis=axis, title="times as long as the native floor (log scale)")
    base = Unit().encode(y=NAMES, x=x, tooltip=_tips("implementation", "times as long"))
    return _specification(
        base.mark_rule(strokeWidth=3, opacity=0.5).encode(x2=alt.X2Datum(1), color=COLOUR),
        base.mark_point().encode(color=COLOUR, shape=SHAPE),
        base.mark_text(align="left", dx=10).encode(text=alt.Text("times as long:N")),
        height=alt.Step(LINE_HEIGHT),
        description="For each implementation a mark at how many times as long as the native floor an epoch "
        "takes, on a logarithmic axis that begins with the floor, at 1.",
    )


def _tips(*fields: str) -> Sequence[alt.Tooltip]:
    return [alt.Tooltip(f"{field}:N") for field in fields]


def _specification(*layers: alt.Chart, **properties: Any) -> Spec:  # noqa: ANN401 - passed on to Altair, which checks them
    chart = alt.layer(*layers, data=alt.NamedData("rows")).properties(width="container", **properties)
    specification: Spec = chart.to_dict(validate=False)
    return specification
