"""Trends → a picture: one declarative specification (Vega-Lite), written as SVG or PNG."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from benchmarks.errors import UsageError
from benchmarks.track.trends import differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import altair as alt

    from benchmarks.track.change_points import Change, Segmentation

SUFFIXES = (".svg", ".png")

BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#767676"
"""Of Okabe & Ito, told apart by everybody; what they mark differs in shape, too."""

MAX_NAMED = 3
"""Differences that a label names; the table names them all."""

HEIGHT, LABEL_HEIGHT = 160, 62
"""Of a panel and of its highest label, in pixels."""

DATE_TICKS = 8
"""At most about so many, for a label takes up to a tenth of the width."""


def require_format(path: Path) -> None:
    """Refuse a file that is no picture by its name.

    Raises:
        UsageError: it ends in none of SUFFIXES.

    """
    if path.suffix not in SUFFIXES:
        message = f"--plot: expected a file that ends in {' or '.join(SUFFIXES)}, found {path}"
        raise UsageError(message)


def write_plot(segmented: Sequence[Segmentation], path: Path) -> None:
    """Draw the trends one below the other and write the picture, in the format that the name ends in.

    Raises:
        UsageError: a library is not installed, or the file can't be written.

    """
    try:
        import vl_convert  # noqa: F401, PLC0415 - by which altair writes; part of an extra, as altair is

        chart = chart_of(segmented)
    except ImportError as error:
        message = f"--plot needs more packages ({error}): pip install 'perceptron-bench[report]'"
        raise UsageError(message) from None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        chart.save(path, scale_factor=2)
    except OSError as error:
        message = f"{path}: can't be written ({error.strerror}); name another file with --plot"
        raise UsageError(message) from None


def chart_of(segmented: Sequence[Segmentation]) -> alt.FacetChart:
    """Specify the picture: runs as points with intervals, levels as lines, changes as labelled rules."""
    # Part of an extra; the rest of the package does without.
    import altair as alt  # noqa: PLC0415

    from benchmarks.report.plots.plot import inline  # noqa: PLC0415

    scale = alt.Scale(zero=False)
    ratio = alt.Y("ratio:Q", scale=scale, title="epoch time / control's (no unit)")
    utc = alt.Scale(type="utc", padding=12)
    base = alt.Chart().encode(
        x=alt.X("date:T", title="date of the run (UTC)", scale=utc, axis=alt.Axis(tickCount=DATE_TICKS))
    )
    # Not by filters: in a panel where nothing changed they would leave layers without a date to scale by.
    shown = alt.condition(alt.datum.label != "", alt.value(1), alt.value(0))
    layers = alt.layer(
        base.mark_rule(color=BLUE, opacity=0.6, strokeWidth=2).encode(
            y=alt.Y("low:Q", scale=scale), y2="high:Q"
        ),
        base.mark_line(color=GREY).encode(y="level:Q", detail="segment:N"),
        base.mark_point(color=BLUE, filled=True).encode(y=ratio),
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
    import altair as alt  # noqa: PLC0415 - as above

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
            y=alt.value(2 if is_late == is_slower else HEIGHT - LABEL_HEIGHT),
        )


def _rows(segmented: Segmentation) -> Iterator[dict[str, Any]]:
    """Give one row per run, with the level it belongs to and, where a level begins, what changed."""
    trend = segmented.trend
    first, last = trend.points[0].record.date, trend.points[-1].record.date
    labels = {id(change.after): _label(change) for change in segmented.changes}
    for segment, level in enumerate(segmented.levels):
        for point in level.points:
            yield {
                "trend": f"{trend.case} against {trend.control}, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
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


def _label(change: Change) -> str:
    named = differences(change.before.points[-1], change.after.points[0])
    more = [f"and {len(named) - MAX_NAMED} more"] if len(named) > MAX_NAMED else []
    return "\n".join([f"{change.factor - 1:+.1%}", *named[:MAX_NAMED], *more])
