"""The decision map: the way of training that finishes first, by batch size and number of epochs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import NDArray

from benchmarks.analysis.decision_map import DecisionMap
from benchmarks.analysis.gradient import by_hand
from benchmarks.report.plots.plot import Panel, Plot, Unit, Values, inline, setting_of
from benchmarks.report.plots.style import ink_on, logarithmic, look_of

PANEL_WIDTH, PANEL_HEIGHT = 330, 330
N_PLACES = 331
"""Batch sizes at which the borders are computed: one a pixel."""

MAX_EPOCHS = 100_000
CHARACTER_WIDTH, CHARACTER_HEIGHT = 7.5, 16
"""At most, in an area's name, in pixels. An area with less room is named by the legend only."""

CACHES = {"cold": "cold: compiled for the first time", "warm": "warm: compiled by an earlier process"}


def decisions(maps: Sequence[DecisionMap], *, where: str) -> Plot:
    """Plot the maps of one problem and device side by side; `where` names the machine."""
    setting = setting_of(maps[0].problem, maps[0].place)
    values = [
        value
        for each in maps
        for value in _stretches(each, {size for way in each.ways for size in way.batch_sizes})
    ]
    rows = {way.implementation: way.row for each in maps for way in each.ways}
    first = dict.fromkeys(value["implementation"] for value in values)
    fills = {name: look_of(rows[name]).fill for name in first}
    hand_derived = by_hand(rows.values())
    return Plot(
        kind="decision-map",
        about=f"{maps[0].title}-{maps[0].place}",
        title="Which way finishes first?",
        subtitle=[
            f"{setting} · a training takes first call + (epochs - 1) × epoch; dotted: the measured sizes",
            "only the frameworks' ways: NumPy and the floor are left out"
            + (hand_derived and f"; {hand_derived}, as theirs are"),
            where,
        ],
        description="The way of training that finishes first, compilation included, "
        f"{setting}. {' '.join(map(_in_words, maps))}",
        panels=alt.hconcat(*(_panel(each, fills) for each in maps), spacing=24),
        values=values,
    )


def _stretches(drawn: DecisionMap, batch_sizes: Iterable[float]) -> Values:
    return [
        {
            "caches": drawn.caches,
            "batch size": float(size),
            "implementation": stretch.implementation,
            "epochs from": stretch.begin,
            "epochs to": min(stretch.end, MAX_EPOCHS),
        }
        for size in sorted(batch_sizes)
        for stretch in drawn.stretches(size)
        if stretch.begin < MAX_EPOCHS
    ]


def _areas(drawn: DecisionMap) -> Values:
    """Return the stretches at many batch sizes; those of one connected area have the same number."""
    low, high = drawn.range
    places = np.geomspace(low, high, N_PLACES).clip(low, high)
    numbers = {place: i for i, place in enumerate(places.tolist())}
    values = _stretches(drawn, numbers)
    latest: dict[str, tuple[int, int]] = {}  # of each implementation: place, area
    for i, value in enumerate(values):
        name, place = value["implementation"], numbers[value["batch size"]]
        before, area = latest.get(name, (-1, i))
        value["area"] = area if before == place - 1 else i
        latest[name] = (place, value["area"])
    return values


def _panel(drawn: DecisionMap, fills: Mapping[str, str]) -> Panel:
    values = _areas(drawn)
    colour = alt.Color(
        "implementation:N",
        scale=alt.Scale(domain=list(fills), range=list(fills.values())),
        legend=alt.Legend(title="finishes first", symbolType="square", labelLimit=200),
    )
    areas = Unit(inline(values)).mark_area(opacity=1, strokeWidth=1, line=False)
    measured = sorted({size for way in drawn.ways for size in way.batch_sizes})
    rules = Unit(inline([{"batch size": size} for size in measured]))
    labels = Unit(inline(_labels(values, fills)), name=f"names_{drawn.caches}")
    return alt.layer(
        areas.encode(
            x=alt.X("batch size:Q", title="batch size (samples)", **_axis(drawn.range)),
            y=alt.Y("epochs from:Q", title="length of the training (epochs)", **_axis((1, MAX_EPOCHS))),
            y2=alt.Y2("epochs to:Q"),
            color=colour,
            stroke=colour,
            detail=alt.Detail("area:N"),
            tooltip=[alt.Tooltip("implementation:N")],
        ),
        rules.mark_rule(color="black", opacity=0.35, strokeDash=[1, 3]).encode(x=alt.X("batch size:Q")),
        labels.mark_text(color=alt.ExprRef("datum.ink"), fontWeight="bold").encode(
            x=alt.X("batch size:Q"), y=alt.Y("epochs:Q"), text=alt.Text("implementation:N")
        ),
    ).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT, title=alt.Title(CACHES[drawn.caches], fontSize=13))


def _axis(ends: Sequence[float]) -> dict[str, Any]:
    return logarithmic(ends, {"nice": False, "domain": list(ends)}, format="~s", grid=False)


def _labels(values: Values, fills: Mapping[str, str]) -> Values:
    """Return each area's name at its widest place, if there is room for it."""
    labels = []
    for area in dict.fromkeys(value["area"] for value in values):
        own = [value for value in values if value["area"] == area]
        ends = [np.log([value[f"epochs {end}"] for value in own]) for end in ("from", "to")]
        from_, to = (PANEL_HEIGHT / np.log(MAX_EPOCHS) * end for end in ends)
        rooms = [room_beside(from_, to, i) for i in range(len(own))]
        widest, room = own[int(np.argmax(rooms))], max(rooms)
        needed = CHARACTER_WIDTH * len(widest["implementation"]) / 2
        if room >= needed:
            label = {
                "epochs": float(np.sqrt(widest["epochs from"] * widest["epochs to"])),
                "ink": ink_on(fills[widest["implementation"]]),
                "room": room,  # in a panel of this width: the page makes narrower ones
                "needed": needed,
            }
            labels.append(widest | label)
    return labels


def room_beside(from_: NDArray[np.float64], to: NDArray[np.float64], place: int) -> int:
    """Return how far to both sides of a place a line of text is within an area, all in pixels."""
    centre, half = (from_[place] + to[place]) / 2, CHARACTER_HEIGHT / 2
    outside = np.flatnonzero((from_ > centre - half) | (to < centre + half))
    nearest = np.abs(outside - place).min(initial=len(from_))
    return int(min(nearest, place, len(from_) - 1 - place))


def _in_words(drawn: DecisionMap) -> str:
    sizes = []
    for size in drawn.ways[0].batch_sizes:
        first, *others = drawn.stretches(size)
        begins = ((int(each.begin) + 1, each) for each in others)  # the first whole number of epochs
        then = "".join(
            f", for {begin:,} epochs or more {each.implementation}"
            for begin, each in begins
            if begin < each.end
        )
        sizes.append(f"batches of {size:,}: {first.implementation}{then}")
    return f"{drawn.caches.capitalize()} caches: {'; '.join(sizes)}."
