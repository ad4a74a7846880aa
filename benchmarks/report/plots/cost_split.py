"""The fitted cost model: the cost of a step at any batch size, and the additional cost of each sample."""

from collections.abc import Sequence

import altair as alt

from benchmarks.analysis.cells import si
from benchmarks.analysis.cost_model import CostModel, Sweep
from benchmarks.records.row import Row
from benchmarks.report.plots.plot import Panel, Plot, Unit, Values, inline, setting_of
from benchmarks.report.plots.style import SECONDS, logarithmic, points

PANEL_WIDTH, LINE_HEIGHT = 300, 28
LEAST_S = 1e-15
"""Less than any cost: the fit's rounding."""


def cost_split(models: Sequence[CostModel], sweeps: Sequence[Sweep], *, where: str) -> Plot:
    """Plot the models of one problem and device, fitted on these sweeps; `where` names the machine."""
    rows = [sweep.rows[0] for sweep in sweeps]
    least_first = sorted(models, key=lambda model: model.fixed_s)
    values: Values = [
        {
            "implementation": model.implementation,
            "fixed cost per step (s)": model.fixed_s,
            "fixed low (s)": model.fixed_low_s,
            "fixed high (s)": model.fixed_high_s,
            "cost per sample (s)": model.per_sample_s,
            "per sample low (s)": model.per_sample_low_s,
            "per sample high (s)": model.per_sample_high_s,
        }
        for model in least_first
    ]
    setting = setting_of(rows[0].problem, rows[0].place)
    costs = "; ".join(
        f"{model.implementation} {_cost(model.fixed_s)} and {_cost(model.per_sample_s)}"
        for model in least_first
    )
    misfit = max(model.max_misfit for model in models)
    return Plot(
        kind="cost-split",
        about=f"{sweeps[0].problem}-{sweeps[0].place}",
        title="The fixed cost of a step, and the cost of each sample",
        subtitle=[
            f"{setting} · time per step = fixed cost + cost per sample × batch size · less is better",
            f"line: smallest and largest of the rounds' fits · largest error of the model: {misfit:.0%}",
            where,
        ],
        description=f"Fixed cost per step, and cost per sample, {setting}: {costs}.",
        panels=alt.hconcat(
            _panel(values, rows, ("fixed cost per step", "fixed"), first=True),
            _panel(values, rows, ("cost per sample", "per sample"), first=False),
            spacing=24,
        ),
        values=values,
    )


def _panel(values: Values, rows: Sequence[Row], names: tuple[str, str], *, first: bool) -> Panel:
    """Plot one of the two costs; a cost of zero is at the left edge of the logarithmic axis."""
    column, *ends = (f"{name} (s)" for name in (names[0], f"{names[1]} low", f"{names[1]} high"))
    found = [value[column] for value in values if value[column] > LEAST_S]
    least, most = min(found, default=1.0) / 2, max(found, default=1.0) * 6
    scale = {"nice": False, "domain": [least, most]}
    within = [
        value
        | {name: min(max(value[name], least), most) for name in (column, *ends)}
        | {"label": _cost(value[column])}
        for value in values
    ]
    order = [value["implementation"] for value in values]
    axis = alt.Axis(title=None, labels=first, ticks=first, labelLimit=200)
    y = alt.Y("implementation:N", sort=order, scale=alt.Scale(domain=order), axis=axis)
    base = Unit(inline(within)).encode(y=y)

    def x(name: str) -> alt.X:
        return alt.X(f"{name}:Q", title=names[0], **logarithmic(found, scale, **SECONDS))

    look = points(rows, legend=False)
    return alt.layer(
        base.mark_rule(strokeWidth=3).encode(x=x(ends[0]), x2=alt.X2(f"{ends[1]}:Q"), color=look["color"]),
        base.mark_point(size=90).encode(x=x(column), **look),
        base.mark_text(align="left", dx=10).encode(x=x(ends[1]), text=alt.Text("label:N")),
    ).properties(width=PANEL_WIDTH, height=LINE_HEIGHT * len(order))


def _cost(cost_s: float) -> str:
    return si(cost_s if cost_s > LEAST_S else 0, "s")
