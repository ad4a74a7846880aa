"""How pictures look: an implementation has the same colour, shape and dashes in each of them."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import altair as alt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.pictures.picture import Panel
    from benchmarks.record import Row

Theme: TypeAlias = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")

ENOUGH_TICKS = 3
"""Of a logarithmic axis: with more, the labels of the narrowest panel would not all have room."""

WIDTH, HEIGHT = 640, 400
"""Of a single panel, in pixels."""

# Okabe & Ito (2008): told apart by everybody. PyTorch has the warm hues, JAX the cool ones.
ORANGE, VERMILION, PURPLE = "#E69F00", "#D55E00", "#CC79A7"
SKY, BLUE, GREEN = "#56B4E9", "#0072B2", "#009E73"
GREY, DIM = "#999999", "#737373"  # both to be seen on white and on black

SOLID, DASHED, DOTTED = (1, 0), (6, 3), (2, 3)
SHAPES = {"eager": "circle", "step": "square", "epoch": "triangle-up", "floor": "diamond"}
"""By tier; where two of a tier and framework share a colour, the second has a shape and dashes of its own."""

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
PAPER: dict[Theme, str] = {"light": "#ffffff", "dark": "#0d1117"}
INK: dict[Theme, str] = {"light": "#1f2328", "dark": "#e6edf3"}
FAINT: dict[Theme, str] = {"light": "#d8dee4", "dark": "#30363d"}


@dataclass(frozen=True)
class Look:
    """What tells an implementation apart."""

    colour: str
    shape: str
    dash: tuple[int, int] = SOLID

    @property
    def fill(self) -> str:
        """Give a colour for areas, paler where the lines are dashed, and more so where they are dotted."""
        if self.dash == SOLID:
            return self.colour
        share = 2 if self.dash == DASHED else 3
        bytes_ = (255 - (255 - int(self.colour[i : i + 2], 16)) // share for i in (1, 3, 5))
        return "#" + "".join(f"{byte:02x}" for byte in bytes_)


LOOKS = {
    "torch_eager": Look(ORANGE, "circle"),
    "torch_eager_fused": Look(ORANGE, "triangle-left", DASHED),
    "torch_step": Look(VERMILION, "square"),
    "torch_cudagraph_step": Look(VERMILION, "cross", DASHED),
    "torch_epoch": Look(PURPLE, "triangle-up"),
    "torch_cudagraph_epoch": Look(PURPLE, "triangle-down", DASHED),
    "torch_cudagraph_compiled": Look(PURPLE, "diamond", DOTTED),
    "jax_nojit": Look(SKY, "circle", DASHED),
    "jax_jit": Look(SKY, "square"),
    "jax_scan": Look(BLUE, "triangle-up"),
    "jax_scan_packed": Look(GREEN, "triangle-down"),
    "numpy_float32": Look(GREY, "circle"),
    "native_floor": Look(DIM, "diamond", DOTTED),
}
OTHERS = (ORANGE, VERMILION, PURPLE, SKY, BLUE, GREEN)


def look_of(implementation: str, tier: str = "") -> Look:
    """Give an implementation's look; one that we don't know gets a colour by its name, always the same."""
    if implementation in LOOKS:
        return LOOKS[implementation]
    colour = OTHERS[zlib.crc32(implementation.encode()) % len(OTHERS)]
    return Look(colour, SHAPES.get(tier, "cross"), DOTTED)


def ink_on(colour: str) -> str:
    """Choose black or white, whichever contrasts more with a colour by WCAG 2.2's relative luminance."""
    red, green, blue = (((int(colour[i : i + 2], 16) / 255 + 0.055) / 1.055) ** 2.4 for i in (1, 3, 5))
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
    """Lay lines and points upon each other; each keeps its legend, or goes without."""
    panel: Panel = alt.layer(*layers).resolve_scale(color="independent", shape="independent")
    return panel


def _scale(rows: Iterable[Row], property_: str) -> alt.Scale:
    tiers = {row.implementation: row.tier for row in rows}
    values = [getattr(look_of(name, tier), property_) for name, tier in tiers.items()]
    return alt.Scale(domain=list(tiers), range=values)


def log_ticks(values: Iterable[float]) -> list[float]:
    """Give round values for a logarithmic axis: decades, also their 3, or 2 and 5, till enough are within."""
    found = sorted(values)
    if not found:
        return []
    decades = range(math.floor(math.log10(found[0])), math.ceil(math.log10(found[-1])) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5)):
        ticks = [float(f"{step}e{power}") for power in decades for step in steps]
        if sum(found[0] <= tick <= found[-1] for tick in ticks) >= ENOUGH_TICKS:
            break
    return ticks


def seconds(**options: Any) -> alt.Axis:  # noqa: ANN401 - Altair's own
    """Label an axis of times with SI prefixes: "100 µs"."""
    label = "replace(format(datum.value, '~s'), /([0-9.]+)(.*)/, '$1 $2s')"
    return alt.Axis(labelExpr=label, **options)


def themed(chart: alt.TopLevelMixin, theme: Theme) -> dict[str, Any]:
    """Give the Vega-Lite specification of a chart in a theme."""
    specification: dict[str, Any] = chart.to_dict(validate=False)  # which takes long, and the tests do it
    return specification | {"config": config(theme)}


def config(theme: Theme) -> dict[str, Any]:
    """Give a theme as Vega-Lite's configuration: paper, ink, grid and fonts; data bring their own colours."""
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
