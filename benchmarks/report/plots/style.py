"""The look of plots: an implementation has the same colour, shape and dashes in each of them."""

import math
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias

import altair as alt

from benchmarks.analysis.gradient import declared, gradient_of
from benchmarks.cases.implementations import ImplementationFile, is_by_hand
from benchmarks.records.row import Row
from benchmarks.report.plots.plot import Panel, Unit, inline

Theme: TypeAlias = Literal["light", "dark"]

ENOUGH_TICKS = 3
"""Of a logarithmic axis: with more, the labels would be too wide for the narrowest panel."""

SECONDS: dict[str, Any] = {"labelExpr": "replace(format(datum.value, '~s'), /([0-9.]+)(.*)/, '$1 $2s')"}
"""Options of an axis of times: labels with SI prefixes, "100 µs"."""

WIDTH, HEIGHT = 640, 400
"""Of a single panel, in pixels."""

# Okabe & Ito (2008): distinct also for the colour-blind. PyTorch has the warm hues, JAX the cool ones.
ORANGE, VERMILION, PURPLE = "#E69F00", "#D55E00", "#CC79A7"
SKY, BLUE, GREEN = "#56B4E9", "#0072B2", "#009E73"
GREY, DIM = "#999999", "#737373"  # both visible on white and on black
BROWN, OLIVE = "#A6611A", "#999933"

COLOURS = {
    ("torch", "eager"): ORANGE,
    ("torch", "step"): VERMILION,
    ("torch", "epoch"): PURPLE,
    ("jax", "eager"): SKY,
    ("jax", "step"): SKY,
    ("jax", "epoch"): BLUE,
    ("numpy", "eager"): GREY,
    ("numpy", "floor"): DIM,
}
"""By framework and tier; OLIVE is for all others."""

COLOURS_BY_HAND = {"torch": BROWN, "jax": GREEN}
"""By framework, if it does not derive the gradient. NumPy never does, so its colours don't change."""

Dash: TypeAlias = tuple[int, ...]
SOLID: Dash = (1, 0)
SHAPES = {
    "eager": "circle",
    "step": "square",
    "epoch": "triangle-up",
    "kernel": "triangle-down",
    "floor": "diamond",
}
"""By tier, for the usual program of a tier. It has a solid line."""

VARIANTS: tuple[tuple[str, Dash], ...] = (
    *(("triangle-left", (6, 3)), ("cross", (2, 3)), ("triangle-down", (8, 3, 2, 3))),
    *(("triangle-right", (12, 4)), ("diamond", (4, 6))),
)
"""Shape and dashes of the other implementations of a colour, chosen by name."""

SHARES: dict[Dash, float] = dict(
    zip((SOLID, *(dash for _, dash in VARIANTS)), (1, 0.5, 0.33, 0.66, 0.8, 0.25), strict=True)
)
"""Of the colour in an area; the rest is white."""

FONT = "'Liberation Sans', Helvetica, Arial, sans-serif"
"""First the font of vl-convert, so that the fonts of a machine don't change the width of a text."""

PAPER: dict[Theme, str] = {"light": "#ffffff", "dark": "#0d1117"}
INK: dict[Theme, str] = {"light": "#1f2328", "dark": "#e6edf3"}
FAINT: dict[Theme, str] = {"light": "#d8dee4", "dark": "#30363d"}


@dataclass(frozen=True)
class Look:
    """The marks of an implementation."""

    colour: str
    shape: str
    dash: Dash = SOLID

    @property
    def fill(self) -> str:
        """Return the colour for areas, paler where lines are dashed."""
        share = SHARES[self.dash]
        channels = bytes(255 - int((255 - each) * share) for each in bytes.fromhex(self.colour[1:]))
        return f"#{channels.hex().upper()}"


def look_of(row: Row) -> Look:
    """Return an implementation's look: its framework, tier and gradient decide it, its name the variant."""
    colour = _colour_of(row.framework, row.tier, gradient_of(row))
    variant = _known_variants().get(row.implementation, _by_name(row.implementation))
    shape, dash = VARIANTS[variant] if variant is not None else (SHAPES.get(row.tier, "square"), SOLID)
    return Look(colour, shape, dash)


def _colour_of(framework: str, tier: str, gradient: str) -> str:
    if is_by_hand(gradient) and framework in COLOURS_BY_HAND:
        return COLOURS_BY_HAND[framework]
    return COLOURS.get((framework, tier), OLIVE)


@cache
def _known_variants() -> dict[str, int | None]:
    return variants_of(declared().values())


def variants_of(entries: Iterable[ImplementationFile]) -> dict[str, int | None]:
    """Choose a variant for each implementation by its name; None for the first usual one of its colour.

    Implementations of one colour have different variants while there are enough.
    """
    chosen: dict[str, int | None] = {}
    taken: dict[str, set[int | None]] = defaultdict(set)
    for entry in sorted(entries, key=lambda entry: entry.name):
        own, first = taken[_colour_of(entry.framework, entry.tier, entry.gradient)], _by_name(entry.name)
        choices = [(first + i) % len(VARIANTS) for i in range(len(VARIANTS))]
        wanted = [None, *choices] if entry.usual else choices
        chosen[entry.name] = next((each for each in wanted if each not in own), first)
        own.add(chosen[entry.name])
    return chosen


def _by_name(implementation: str) -> int:
    return zlib.crc32(implementation.encode()) % len(VARIANTS)


def ink_on(colour: str) -> str:
    """Choose black or white, whichever contrasts more with a colour by WCAG 2.2's relative luminance."""
    red, green, blue = (((each / 255 + 0.055) / 1.055) ** 2.4 for each in bytes.fromhex(colour[1:]))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "black" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "white"


def points(rows: Iterable[Row], *, legend: bool = True) -> dict[str, Any]:
    """Encode implementations by colour and shape; a legend names them in the rows' order."""
    shown = alt.Legend(title=None, symbolSize=90, labelLimit=200) if legend else None
    return {
        "color": alt.Color("implementation:N", legend=shown, scale=_scale(rows, "colour")),
        "shape": alt.Shape("implementation:N", legend=shown, scale=_scale(rows, "shape")),
    }


def lines(rows: Iterable[Row]) -> dict[str, Any]:
    """Encode implementations by colour and dashes; the legend is left to the points."""
    return {
        "color": alt.Color("implementation:N", legend=None, scale=_scale(rows, "colour")),
        "strokeDash": alt.StrokeDash("implementation:N", legend=None, scale=_scale(rows, "dash")),
    }


def overlaid(*layers: alt.Chart) -> Panel:
    """Return a panel of lines and points; each keeps its own legend."""
    panel: Panel = alt.layer(*layers).resolve_scale(color="independent", shape="independent")
    return panel


def _scale(rows: Iterable[Row], property_: str) -> alt.Scale:
    looks = {row.implementation: look_of(row) for row in rows}
    return alt.Scale(domain=list(looks), range=[getattr(look, property_) for look in looks.values()])


def log_ticks(values: Iterable[float]) -> list[float]:
    """Return round values for a logarithmic axis: decades, and 3, or 2 and 5, times them, if needed."""
    found = sorted(values)
    if not found:
        return []
    decades = range(math.floor(math.log10(found[0])), math.ceil(math.log10(found[-1])) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5)):
        ticks = [float(f"{step}e{power}") for power in decades for step in steps]
        if sum(found[0] <= tick <= found[-1] for tick in ticks) >= ENOUGH_TICKS:
            break
    return ticks


def logarithmic(
    values: Iterable[float],
    scale: Mapping[str, Any] | None = None,
    **axis: Any,  # noqa: ANN401 - passed on to Altair, which checks them
) -> dict[str, Any]:
    """Return the scale and the axis of a logarithmic channel, with ticks at round values."""
    return {
        "scale": alt.Scale(type="log", **(scale or {})),
        "axis": alt.Axis(values=log_ticks(values), **axis),
    }


def limit(value: float, label: str) -> list[alt.Chart]:
    """Return a horizontal line with a label, on the y axis of the panel."""
    base = Unit(inline([{"limit": value}])).encode(y=alt.Y("limit:Q"))
    text = base.mark_text(align="left", baseline="bottom", dx=4, dy=-3)
    return [
        base.mark_rule(color=DIM, strokeWidth=2),
        text.encode(x=alt.XValue(0), text=alt.TextValue(label)),
    ]


def config(theme: Theme) -> dict[str, Any]:
    """Return a theme as Vega-Lite's configuration: paper, ink, grid and fonts, but no colours of data."""
    ink, faint = INK[theme], FAINT[theme]
    label = {"labelColor": ink, "titleColor": ink, "labelFontSize": 12, "titleFontSize": 12}
    return {
        "background": PAPER[theme],
        "font": FONT,
        "padding": 16,
        "view": {"stroke": faint},
        "axis": {
            **label,
            "gridColor": faint,
            "domainColor": ink,
            "tickColor": ink,
            "titleFontWeight": "normal",
        },
        "legend": label,
        "header": {**label, "labelFontWeight": "bold"},
        "title": {
            "color": ink,
            "subtitleColor": ink,
            "anchor": "start",
            "fontSize": 16,
            "subtitleFontSize": 12,
            "subtitlePadding": 6,
            "offset": 12,
        },
        "text": {"color": ink, "fontSize": 12},
        "rule": {"color": ink},
        "tick": {"color": ink},
        "point": {"size": 60, "filled": True, "opacity": 1},
        "line": {"strokeWidth": 2},
    }
