"""The fitted cost model: what a step costs however small the batch, beside what each sample adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from benchmarks.analysis.cells import si
from benchmarks.report.plots.plot import (
    Panel,
    Picture,
    Values,
    inline,
    setting_of,
    titled,
)
from benchmarks.report.plots.style import log_ticks, points, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.analysis.cost_model import CostModel, Sweep
    from benchmarks.records.row import Row

PANEL_WIDTH, LINE_HEIGHT = 300, 28
LEAST_S = 1e-15
"""Less than any cost: the fit's rounding."""


def cost_split(models: Sequence[CostModel], sweeps: Sequence[Sweep], *, where: str) -> Picture:
    """Draw the models of one problem and device, fitted on these sweeps; `where` names the machine."""
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
    title = "Dispatch, and work: what a step costs and what each sample adds"
    told = "; ".join(
        f"{model.implementation} {_told(model.fixed_s)} and {_told(model.per_sample_s)}"
        for model in least_first
    )
    description = f"Fixed cost per step, and cost per sample, {setting}: {told}."
    order = [model.implementation for model in least_first]
    panels = alt.hconcat(
        _panel(values, rows, order, ("fixed cost per step", "fixed"), first=True),
        _panel(values, rows, order, ("cost per sample", "per sample"), first=False),
        spacing=24,
    )
    misfit = max(model.max_misfit for model in models)
    subtitle = [
        f"{setting} · time per step = fixed cost + cost per sample × batch size · less is better",
        f"line: smallest and largest of the rounds' fits · model off a measured time by at most {misfit:.0%}",
        where,
    ]
    return Picture(
        kind="cost-split",
        about=f"{sweeps[0].problem}-{sweeps[0].place}",
        title=title,
        description=description,
        chart=titled(panels, title, subtitle, description),
        values=values,
    )


def _panel(
    values: Values, rows: Sequence[Row], order: Sequence[str], names: tuple[str, str], *, first: bool
) -> Panel:
    """Draw one of the two costs; what the fit finds none of stands at the logarithmic axis's left edge."""
    column, *ends = (f"{name} (s)" for name in (names[0], f"{names[1]} low", f"{names[1]} high"))
    found = [value[column] for value in values if value[column] > LEAST_S]
    least, most = min(found, default=1.0) / 2, max(found, default=1.0) * 6
    drawn = [
        value
        | {name: min(max(value[name], least), most) for name in (column, *ends)}
        | {"told": _told(value[column])}
        for value in values
    ]
    base = alt.Chart(inline(drawn)).encode(
        y=alt.Y(
            "implementation:N",
            sort=list(order),
            scale=alt.Scale(domain=list(order)),
            axis=alt.Axis(title=None, labels=first, ticks=first, labelLimit=200),
        )
    )

    def x(name: str) -> alt.X:
        scale = alt.Scale(type="log", nice=False, domain=[least, most])
        return alt.X(f"{name}:Q", scale=scale, axis=seconds(values=log_ticks(found)), title=names[0])

    look = points(rows, legend=False)
    return alt.layer(
        base.mark_rule(strokeWidth=3).encode(x=x(ends[0]), x2=f"{ends[1]}:Q", color=look["color"]),
        base.mark_point(size=90).encode(x=x(column), **look),
        base.mark_text(align="left", dx=10).encode(x=x(ends[1]), text="told:N"),
    ).properties(width=PANEL_WIDTH, height=LINE_HEIGHT * len(order))


def _told(cost_s: float) -> str:
    return si(cost_s if cost_s > LEAST_S else 0, "s")
