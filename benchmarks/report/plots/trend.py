"""Cases over the dates of their runs, relative to their baseline, with change points."""

from collections.abc import Iterator, Sequence
from itertools import product

import altair as alt

from benchmarks.analysis.cells import si
from benchmarks.report.plots.plot import Plot, Unit, Values, inline
from benchmarks.report.plots.style import BLUE, DIM, VERMILION
from benchmarks.track.change_points import ENOUGH_RUNS, Change, Segmentation
from benchmarks.track.trends import differences

TOO_FEW = f"too few runs to look for a change of level, which takes {ENOUGH_RUNS}"

MAX_NAMED = 3
"""Differences in a label; the table names all."""

HEIGHT, LABEL_HEIGHT = 160, 62
"""Of a panel and of its highest label, in pixels."""

DATE_TICKS = 8
"""At most, about: a label takes up to a tenth of the width."""


def trend(segmented: Sequence[Segmentation], *, about: str) -> Plot:
    """Plot the trends one below the other; all are of one machine."""
    enough = any(len(each.trend.points) >= ENOUGH_RUNS for each in segmented)
    return Plot(
        kind="trend",
        about=about,
        title="Over time",
        subtitle=[
            "epoch time over the baseline's of the same rounds, and its 95 % interval if rounds were enough",
            "dashed: a change of level" if enough else TOO_FEW,
        ],
        description="Each case's epoch time over its baseline's, run by run. "
        f"{'; '.join(map(_in_words, segmented))}.",
        panels=chart_of(segmented),
        values=[
            {
                "case": each.trend.case,
                "run": point.record.date.isoformat(),
                "ratio to baseline": point.ratio.value,
                "baseline": each.trend.baseline,
                "fastest epoch": si(point.min_s, "s"),
            }
            for each in segmented
            for point in each.trend.points
        ],
    )


def _in_words(segmented: Segmentation) -> str:
    changes = [
        f"{change.factor - 1:+.1%} since {change.after.points[0].record.date:%Y-%m-%d}"
        for change in segmented.changes
    ]
    n_runs = len(segmented.trend.points)
    none = "no change of level found" if n_runs >= ENOUGH_RUNS else TOO_FEW
    return f"{segmented.trend.case}: {n_runs} runs, {', '.join(changes) or none}"


def chart_of(segmented: Sequence[Segmentation]) -> alt.FacetChart:
    """Return the panels: runs as points with intervals, levels as lines, changes as labelled rules."""
    scale = alt.Scale(zero=False)
    utc = alt.Scale(type="utc", padding=12)
    date = alt.X("date:T", title="date of the run (UTC)", scale=utc, axis=alt.Axis(tickCount=DATE_TICKS))
    base = Unit().encode(x=date)
    # Not by filters: in a panel without a change they would leave layers without a date to scale by.
    shown = alt.condition(alt.datum.label != "", alt.value(1), alt.value(0))
    layers = alt.layer(
        base.mark_rule(color=BLUE, opacity=0.6, strokeWidth=2).encode(
            y=alt.Y("low:Q", scale=scale), y2=alt.Y2("high:Q")
        ),
        base.mark_line(color=DIM).encode(y=alt.Y("level:Q"), detail=alt.Detail("segment:N")),
        base.mark_point(color=BLUE, filled=True).encode(
            y=alt.Y("ratio:Q", scale=scale, title="epoch time / baseline's (no unit)")
        ),
        base.mark_rule(color=VERMILION, strokeDash=[5, 3]).encode(opacity=shown),
        *_labels(base),
        data=inline([row for each in segmented for row in _rows(each)]),
    ).properties(width=720, height=HEIGHT)
    header = alt.Header(labelAnchor="start", labelFontWeight="bold")
    facet = alt.Facet("trend:N", title=None, sort=None, header=header)
    chart: alt.FacetChart = layers.facet(facet, columns=1).resolve_scale(x="independent", y="independent")
    return chart


def _labels(base: alt.Chart) -> Iterator[alt.Chart]:
    """Write each label on the side of its rule that has more room, in the corner without a level."""
    for is_late, is_slower in product((True, False), repeat=2):
        here = (alt.datum.is_late == is_late) & (alt.datum.is_slower == is_slower)
        yield base.mark_text(
            align="right" if is_late else "left",
            dx=-4 if is_late else 4,
            baseline="top",
            lineBreak="\n",
            color=VERMILION,
        ).encode(
            text=alt.condition(here, "label:N", alt.value("")),
            y=alt.YValue(2 if is_late == is_slower else HEIGHT - LABEL_HEIGHT),
        )


def _rows(segmented: Segmentation) -> Values:
    """Return one row per run, with its level and, at the first run of a level, the label of the change."""
    trend = segmented.trend
    first, last = trend.points[0].record.date, trend.points[-1].record.date
    labels = {id(change.after): _label(change) for change in segmented.changes}
    return [
        {
            "trend": f"{trend.case} against {trend.baseline}, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
            f" · {trend.machine}",
            "date": point.record.date.isoformat(),
            "ratio": point.ratio.value,
            "low": point.ratio.low,
            "high": point.ratio.high,
            "level": level.ratio,
            "segment": segment,
            "label": labels.get(id(level), "") if point is level.points[0] else "",
            "is_late": point.record.date > first + (last - first) / 2,
            "is_slower": level.ratio > segmented.levels[segment - 1].ratio,
        }
        for segment, level in enumerate(segmented.levels)
        for point in level.points
    ]


def _label(change: Change) -> str:
    named = differences(change.before.points[-1], change.after.points[0])
    more = [f"and {len(named) - MAX_NAMED} more"] if len(named) > MAX_NAMED else []
    return "\n".join([f"{change.factor - 1:+.1%}", *named[:MAX_NAMED], *more])
