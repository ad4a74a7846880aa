"""Pictures for the page: those of a selection, made here without data, and those that belong to a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import altair as alt

    from benchmarks.record import Run

Spec = dict[str, Any]

FRAMEWORKS = ["torch", "jax", "numpy", "native"]
COLOURS = ["light-dark(#d55e00, #ff8a3d)", "light-dark(#0072b2, #56b4e9)", "light-dark(#009e73, #34c79a)", "light-dark(#6b7078, #a3a8b1)"]
SHAPES = ["circle", "diamond", "triangle-up", "square"]


def charts_of(runs: Sequence[Run]) -> Spec:
    return {
        "templates": {"forest": forest(), "training": training(), "floor": floor(), "rounds": rounds()},
        "pictures": [],
    }


def _alt():
    import altair as alt
    return alt


def _colour():
    alt = _alt()
    return alt.Color("framework:N", title="framework", scale=alt.Scale(domain=FRAMEWORKS, range=COLOURS), legend=None)


def _shape():
    alt = _alt()
    return alt.Shape("framework:N", title="framework", scale=alt.Scale(domain=FRAMEWORKS, range=SHAPES), legend=None)


def _names():
    alt = _alt()
    return alt.Y("implementation:N", sort=None, title=None, axis=alt.Axis(labelLimit=180, domain=False, ticks=False, grid=True))


def _spec(chart, description) -> Spec:
    alt = _alt()
    spec = chart.properties(width="container", description=description, autosize=alt.AutoSizeParams(type="fit-x", contains="padding")).to_dict(validate=False)
    spec.pop("datasets", None); spec.pop("data", None)
    spec.pop("$schema", None)
    spec["config"] = CONFIG
    return spec

INK, SOFT, LINE = "light-dark(#1a1c20, #e8e6e1)", "light-dark(#575c66, #a3a8b1)", "light-dark(#e4e2dd, #30343b)"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
CONFIG = {
    "font": FONT,
    "view": {"stroke": None},
    "axis": {"labelColor": SOFT, "titleColor": SOFT, "gridColor": LINE, "domainColor": LINE, "tickColor": LINE, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelPadding": 6, "titlePadding": 8},
    "axisY": {"labelColor": INK},
    "legend": {"labelColor": SOFT, "titleColor": SOFT, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
    "header": {"labelColor": SOFT, "titleColor": SOFT},
    "text": {"color": SOFT, "fontSize": 12},
    "title": {"color": INK, "anchor": "start"},
}

def _base():
    alt = _alt()
    return alt.Chart(alt.NamedData("rows"))


def forest() -> Spec:
    alt = _alt()
    x = alt.Scale(type="log", nice=False, padding=16)
    tips = [alt.Tooltip("implementation:N", title="implementation"), alt.Tooltip("said:N", title="times as fast (95 %)")]
    base = _base().encode(y=_names(), tooltip=tips)
    one = _base().mark_rule(color=SOFT, strokeDash=[4, 3]).encode(x=alt.datum(1))
    chart = alt.layer(
        one,
        base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", scale=x, title="times as fast as the baseline (log scale)", axis=alt.Axis(format="~s", tickCount=6)), x2="high:Q", color=_colour()),
        base.mark_point(filled=True, size=80, opacity=1).encode(x=alt.X("speedup:Q", scale=x), color=_colour(), shape=_shape()),
        base.mark_text(align="left", dx=10).encode(x=alt.X("high:Q"), text="said:N"),
    ).properties(height=alt.Step(24))
    return _spec(chart, "One mark for each implementation: how many times as fast as the baseline, on a logarithmic scale, and a line over its 95 % confidence interval. The dashed line is the baseline.")


def training() -> Spec:
    alt = _alt()
    base = _base().encode(
        x=alt.X("epochs:Q", scale=alt.Scale(type="log", nice=False), title="epochs trained (log scale)", axis=alt.Axis(format="~s", tickCount=7)),
        y=alt.Y("total_s:Q", scale=alt.Scale(type="log", nice=False), title="time of the training, s (log scale)", axis=alt.Axis(format="~s", tickCount=6)),
        color=_colour(), strokeDash=alt.StrokeDash("tier:N", title="tier", scale=alt.Scale(domain=["eager", "step", "epoch"], range=[[1, 0], [6, 3], [2, 2]])),
        detail="implementation:N",
        tooltip=[alt.Tooltip("implementation:N", title="implementation"), alt.Tooltip("epochs:Q", title="epochs", format=","), alt.Tooltip("total_s:Q", title="time, s", format=".3~s")],
    )
    chart = base.mark_line(strokeWidth=2).properties(height=340)
    return _spec(chart, "One line for each implementation: the time of a training by its number of epochs, both on logarithmic scales; the first epoch contains the compilation. Where two lines cross, the one that compiles has made up for it.")


def floor() -> Spec:
    alt = _alt()
    x = alt.X("times:Q", scale=alt.Scale(type="log", domainMin=1, nice=False, padding=16), title="times as long as the native floor (log scale)", axis=alt.Axis(format="~s", tickCount=6))
    base = _base().encode(y=_names(), x=x, tooltip=[alt.Tooltip("implementation:N", title="implementation"), alt.Tooltip("said:N", title="times as long")])
    chart = alt.layer(
        base.mark_rule(strokeWidth=2, opacity=0.5).encode(x2=alt.datum(1), color=_colour()),
        base.mark_point(filled=True, size=80, opacity=1).encode(color=_colour(), shape=_shape()),
        base.mark_text(align="left", dx=10).encode(text="said:N"),
    ).properties(height=alt.Step(24))
    return _spec(chart, "One mark for each implementation: how many times as long as the native floor its epoch takes, on a logarithmic scale; 1 is the floor.")


def rounds() -> Spec:
    alt = _alt()
    x = alt.Scale(zero=False, padding=16)
    base = _base().encode(y=_names(), tooltip=[alt.Tooltip("implementation:N", title="implementation"), alt.Tooltip("round:Q", title="round"), alt.Tooltip("fastest:Q", title="fastest", format=".3f"), alt.Tooltip("median:Q", title="median", format=".3f")])
    chart = alt.layer(
        base.mark_point(filled=True, size=60, opacity=0.75).encode(x=alt.X("fastest:Q", scale=x, title="epoch time over the implementation’s fastest epoch"), color=_colour(), shape=_shape()),
        base.mark_tick(thickness=1.5, size=12, opacity=0.8).encode(x=alt.X("median:Q"), color=_colour()),
    ).properties(height=alt.Step(24))
    return _spec(chart, "For each implementation one mark a round at its process's fastest epoch and a tick at its median, both over the fastest epoch of all rounds. Marks that lie close together are a quiet machine.")
