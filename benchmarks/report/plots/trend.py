"""Cases over the dates of their runs, against their control, with change points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.analysis.cells import si
from benchmarks.report.plots.plot import Picture, titled
from benchmarks.report.plots.trend_files import chart_of
from benchmarks.track.change_points import ENOUGH_RUNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.track.change_points import Level, Segmentation

TOO_FEW = f"too few runs to look for a change of level, which takes {ENOUGH_RUNS}"


def trend(segmented: Sequence[Segmentation], *, about: str) -> Picture:
    """Draw the trends one below the other; all are of one machine."""
    told, values = [], []
    for each in segmented:
        points = each.trend.points
        changes = [f"{change.factor - 1:+.1%} since {_date(change.after)}" for change in each.changes]
        none = "no change of level found" if len(points) >= ENOUGH_RUNS else TOO_FEW
        told.append(f"{each.trend.case}: {len(points)} runs, {', '.join(changes) or none}")
        values += [
            {
                "case": each.trend.case,
                "run": point.record.date.isoformat(),
                "ratio to control": point.ratio.value,
                "control": each.trend.control,
                "fastest epoch": si(point.min_s, "s"),
            }
            for point in points
        ]
    title = "Over time"
    description = f"Each case's epoch time over its control's, run by run. {'; '.join(told)}."
    subtitle = [
        "epoch time over the control's of the same rounds, and its 95 % interval if rounds were enough",
        "dashed: a change of level"
        if any(len(each.trend.points) >= ENOUGH_RUNS for each in segmented)
        else TOO_FEW,
    ]
    return Picture(
        kind="trend",
        about=about,
        title=title,
        description=description,
        chart=titled(chart_of(segmented), title, subtitle, description),
        values=values,
    )


def _date(level: Level) -> str:
    return f"{level.points[0].record.date:%Y-%m-%d}"
