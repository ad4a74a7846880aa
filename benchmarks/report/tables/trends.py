"""Trends → tables on the terminal."""

import math
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console

from benchmarks.analysis.cells import NO_FIGURE
from benchmarks.analysis.columns import Column, explained
from benchmarks.records.provenance import Provenance
from benchmarks.report.tables.grid import Grid
from benchmarks.stats import Ratio
from benchmarks.track.change_points import Change, Segmentation
from benchmarks.track.trends import Point, differences


def _last(each: Segmentation) -> Point:
    return each.trend.points[-1]


def _interval(ratio: Ratio) -> str:
    return NO_FIGURE if None in (ratio.low, ratio.high) else f"{ratio.low:.4g} to {ratio.high:.4g}"


TRENDS = (
    Column("case", is_text=True, value=lambda each: each.trend.case),
    Column("runs", priority=2, value=lambda each: len(each.trend.points)),
    Column("since", priority=3, cell=lambda each: f"{each.trend.points[0].record.date:%Y-%m-%d}"),
    Column("last", priority=3, cell=lambda each: f"{_last(each).record.date:%Y-%m-%d}"),
    Column(
        "ratio",
        "the case's time over the baseline's, in the last run; larger is slower. A run counts by the median "
        "over its rounds of the ratio of each process's fastest epochs",
        cell=lambda each: f"{_last(each).ratio.value:.4g}",
    ),
    Column(
        "95 %",
        "the confidence interval of the ratio",
        priority=1,
        cell=lambda each: _interval(_last(each).ratio),
    ),
    Column(
        "epoch", "the fastest epoch of the last run", "s", priority=1, value=lambda each: _last(each).min_s
    ),
    Column(
        "noise",
        "standard deviation from run to run",
        priority=2,
        cell=lambda each: NO_FIGURE if each.noise is None else f"{math.expm1(each.noise):.1%}",
    ),
    Column(
        "visible",
        "the smallest change, halfway through these runs, that would be found",
        priority=2,
        cell=lambda each: NO_FIGURE if each.visible_factor is None else f"{each.visible_factor - 1:+.1%}",
    ),
    Column(
        "changes",
        "runs from which on, for at least three runs, the ratio has another level, by more than noise shows "
        "in one trend of a thousand",
        value=lambda each: None if each.visible_factor is None else len(each.changes),
    ),
)

READING = explained(TRENDS).replace("*", "")

CHANGES = (
    Column("case", is_text=True, cell=lambda line: f"{line[0].case} against {line[0].baseline}"),
    Column("first run", is_text=True, cell=lambda line: f"{_first(line[1]).record.date:%Y-%m-%d %H:%M}"),
    Column("its commit", is_text=True, cell=lambda line: _commits(_first(line[1]).record.run.provenance)),
    Column("epoch", cell=lambda line: f"{line[1].factor - 1:+.1%}"),
    Column("what differs from the run before", is_text=True, cell=lambda line: _differing(line[1])),
)
"""Of lines of a trend and a change in it."""


def print_trends(segmented: Sequence[Segmentation], console: Console) -> None:
    """Print the trends by machine and baseline, then every change point with what differs there."""
    for (machine, baseline), group in groupby(
        segmented, key=lambda each: (each.trend.machine, each.trend.baseline)
    ):
        trends = list(group)
        console.print(Grid.of(f"against {baseline} on {machine}", TRENDS, trends))
        for line in _ended(trends):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    if changes := [(each.trend, change) for each in segmented for change in each.changes]:
        console.print(Grid.of("Change points", CHANGES, changes))
    console.print(READING, highlight=False, markup=False, style="dim")


def _ended(segmented: Sequence[Segmentation]) -> list[str]:
    """Name the cases that the newest run lacks: not measured there, renamed or without a time."""
    newest = max(_last(each).record.date for each in segmented)
    ended = [each.trend.case for each in segmented if _last(each).record.date < newest]
    return [f"Not in the newest run ({newest:%Y-%m-%d %H:%M}): {', '.join(ended)}"] if ended else []


def _first(change: Change) -> Point:
    return change.after.points[0]


def _differing(change: Change) -> str:
    return "\n".join(differences(change.before.points[-1], _first(change))) or "nothing that is recorded"


def _commits(at: Provenance) -> str:
    """Name the harness's commit and, on its own line, that of implementations in another checkout."""
    loops = [f"loops: {at.commit_elsewhere}"] if at.commit_elsewhere else []
    return "\n".join([at.commit or "unknown", *loops])
