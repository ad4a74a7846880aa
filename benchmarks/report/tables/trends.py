"""Trends → tables on the terminal."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from benchmarks.analysis.cells import NO_FIGURE, si
from benchmarks.track.trends import differences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from benchmarks.records.provenance import Provenance
    from benchmarks.track.change_points import Change, Segmentation
    from benchmarks.track.trends import Trend

READING = """\
Each run counts by one ratio: the case's time over the control's (each process's fastest epoch, in the \
same round; median over the rounds); larger is slower. Ratio, 95 % and epoch are those of its last run. \
Noise: the standard deviation from run to run. Visible: how large a change halfway through these runs would \
have to be to be found. A change is a run from which on the ratio has another level, for at least three \
runs, by more than noise shows in one trend of a thousand."""


def print_trends(segmented: Sequence[Segmentation], console: Console) -> None:
    """Print the trends by machine and control, then every change point with what differs there."""
    for (machine, control), group in groupby(
        segmented, key=lambda each: (each.trend.machine, each.trend.control)
    ):
        trends = list(group)
        console.print(_trend_table(trends, f"against {control} on {machine}"))
        for line in _ended(trends):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    changes = [(each.trend, change) for each in segmented for change in each.changes]
    if changes:
        console.print(_change_table(changes))
    console.print(READING, highlight=False, markup=False, style="dim")


def _ended(segmented: Sequence[Segmentation]) -> list[str]:
    """Name the cases that the newest run lacks: not measured there, renamed or without a time."""
    newest = max(each.trend.points[-1].record.date for each in segmented)
    ended = [each.trend.case for each in segmented if each.trend.points[-1].record.date < newest]
    return [f"Not in the newest run ({newest:%Y-%m-%d %H:%M}): {', '.join(ended)}"] if ended else []


def _trend_table(segmented: Sequence[Segmentation], title: str) -> Table:
    table = _table(escape(title))
    table.add_column("case", no_wrap=True)
    for heading in ("runs", "since", "last", "ratio", "95 %", "epoch", "noise", "visible", "changes"):
        table.add_column(heading, justify="right")
    for each in segmented:
        points = each.trend.points
        low, high = points[-1].ratio.low, points[-1].ratio.high
        visible = each.visible_factor
        table.add_row(
            escape(each.trend.case),
            str(len(points)),
            f"{points[0].record.date:%Y-%m-%d}",
            f"{points[-1].record.date:%Y-%m-%d}",
            f"{points[-1].ratio.value:.4g}",
            NO_FIGURE if low is None or high is None else f"{low:.4g} to {high:.4g}",
            si(points[-1].min_s, "s"),
            NO_FIGURE if each.noise is None else f"{math.expm1(each.noise):.1%}",
            NO_FIGURE if visible is None else f"{visible - 1:+.1%}",
            NO_FIGURE if visible is None else str(len(each.changes)),
        )
    return table


def _change_table(changes: Sequence[tuple[Trend, Change]]) -> Table:
    table = _table("Change points")
    table.add_column("case", overflow="fold")
    table.add_column("first run", no_wrap=True)
    table.add_column("its commit", no_wrap=True)
    table.add_column("epoch", justify="right")
    table.add_column("what differs from the run before", overflow="fold")
    for trend, change in changes:
        before, after = change.before.points[-1], change.after.points[0]
        table.add_row(
            escape(f"{trend.case} against {trend.control}"),
            f"{after.record.date:%Y-%m-%d %H:%M}",
            escape(_commits(after.record.run.provenance)),
            f"{change.factor - 1:+.1%}",
            escape("\n".join(differences(before, after)) or "nothing that a record tells"),
        )
    return table


def _commits(at: Provenance) -> str:
    """Name the harness's commit and, in a line of its own, that of implementations that lie elsewhere."""
    loops = [f"loops: {at.commit_elsewhere}"] if at.commit_elsewhere else []
    return "\n".join([at.commit or "unknown", *loops])


def _table(title: str) -> Table:
    return Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
