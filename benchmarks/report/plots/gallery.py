"""Runs → all plots that their records allow, for each machine."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from altair.utils.schemapi import debug_mode

from benchmarks.analysis.cost_model import Sweep, cost_models, sweeps_of
from benchmarks.analysis.decision_map import decision_maps
from benchmarks.analysis.run_selection import headline_groups
from benchmarks.records.machine import Machine
from benchmarks.records.row import Row
from benchmarks.records.run import Run
from benchmarks.report.plots.cost_split import cost_split
from benchmarks.report.plots.decision_map import decisions
from benchmarks.report.plots.losses import losses
from benchmarks.report.plots.plot import Plot
from benchmarks.report.plots.spread import spread
from benchmarks.report.plots.throughput import bandwidth_of, throughput
from benchmarks.report.plots.trend import trend
from benchmarks.track.change_points import Segmentation
from benchmarks.track.history import Record
from benchmarks.track.trends import trends_of

MAX_MACHINES = 4
"""Those of the newest runs, in a report of more."""

MAX_GROUPS = 12
"""Of each machine, with plots of losses and processes: the page would be too large with all."""

MAX_SWEEPS = 3
"""Three plots each."""

MAX_SERIES = 24
"""Implementations in one plot: more would be hard to distinguish."""

MAX_TRENDS = 12
"""In one plot, below each other."""

MIN_RUNS = 3
"""Of a trend."""


Gallery: TypeAlias = "dict[Machine, list[Plot]]"


def plots_of(runs: Sequence[Run]) -> Gallery:
    """Return the plots that the runs allow, by machine, in the order of a report's questions."""
    with debug_mode(arg=False):  # validating every part takes long, and tests do it
        return {
            machine: [*_plots([run for run in runs if Machine.of(run) == machine], shown_runs)]
            for machine, shown_runs in islice(headline_groups(runs).items(), MAX_MACHINES)
        }


def _plots(own: Sequence[Run], shown_runs: dict[str, Run]) -> Iterator[Plot]:
    """Return one machine's plots; `shown_runs` has the run that is shown for each group."""
    yield from _losses(own, shown_runs)
    yield from _of_sweeps(own)
    yield from _spreads(shown_runs)
    yield from _trends(own, group=next(iter(shown_runs)))


def where(run: Run) -> str:
    """Describe where and when it was measured."""
    return f"{Machine.of(run)} · {run.provenance.date[:10]}"


def _losses(runs: Sequence[Run], shown_runs: dict[str, Run]) -> Iterator[Plot]:
    """Plot each group's losses, of the run that is shown for it or the newest one that holds losses."""
    held = {id(run): {row.group for row in run.rows if row.curve} for run in runs}
    drawn = (
        losses(_rows(run, group), where=where(run))
        for group, shown_run in shown_runs.items()
        for run in islice((run for run in [shown_run, *_newest_first(runs)] if group in held[id(run)]), 1)
    )
    return islice(drawn, MAX_GROUPS)


def _newest_first(runs: Sequence[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: run.provenance.date, reverse=True)


def _spreads(shown_runs: dict[str, Run]) -> Iterator[Plot]:
    groups = ((_rows(run, group), where(run)) for group, run in shown_runs.items())
    timed = ((rows, at) for rows, at in groups if any(row.is_timed for row in rows))
    return (spread(rows, where=at) for rows, at in islice(timed, MAX_GROUPS))


def _rows(run: Run, group: str) -> list[Row]:
    return [row for row in run.rows if row.group == group][:MAX_SERIES]


def _of_sweeps(runs: Sequence[Run]) -> Iterator[Plot]:
    """Plot all sweeps over batch sizes, kind by kind."""
    chosen = [
        (sweeps, [row for sweep in sweeps for row in sweep.rows], where(run))
        for run, sweeps in _sweeps(runs)[:MAX_SWEEPS]
    ]
    for sweeps, _, at in chosen:
        there = (row for run in runs for row in run.rows if row.place == sweeps[0].place)
        roof = bandwidth_of(there) if sweeps[0].rows[0].device == "cpu" else None
        yield throughput(sweeps, bandwidth=roof, where=at)
    for _, rows, at in chosen:
        if maps := decision_maps(rows):
            yield decisions(maps, where=at)
    for sweeps, rows, at in chosen:
        if models := cost_models(rows):
            yield cost_split(models, sweeps, where=at)


def _sweeps(runs: Sequence[Run]) -> list[tuple[Run, list[Sweep]]]:
    """Return each problem and device's sweeps, of the run with the most ways, then sizes, then the newest."""
    candidates: dict[tuple[str, str], list[tuple[Run, list[Sweep]]]] = defaultdict(list)
    for run in _newest_first(runs):
        own: dict[tuple[str, str], list[Sweep]] = defaultdict(list)
        for sweep in sweeps_of(run.rows):
            own[sweep.problem, sweep.place].append(sweep)
        for key, sweeps in own.items():
            candidates[key].append((run, sweeps[:MAX_SERIES]))

    def thoroughness(candidate: tuple[Run, list[Sweep]]) -> tuple[int, int]:
        _, sweeps = candidate
        return len(sweeps), sum(len(sweep.rows) for sweep in sweeps)

    return [max(candidates[key], key=thoroughness) for key in sorted(candidates)]


def _trends(runs: Sequence[Run], *, group: str) -> Iterator[Plot]:
    """Plot the first group's trends, if there are enough runs."""
    own = (replace(run, rows=tuple(row for row in run.rows if row.group == group)) for run in runs)
    records = sorted(filter(None, map(_record, own)), key=lambda record: record.date)
    followed = [each for each in trends_of(records) if len(each.points) >= MIN_RUNS]
    if followed:
        yield trend(
            [Segmentation.of(each) for each in followed[:MAX_TRENDS]], about=group.replace(" on ", "-on-")
        )


def _record(run: Run) -> Record | None:
    """Return the run with its date; None if its record names none."""
    try:
        date = dt.datetime.fromisoformat(run.provenance.date)
    except ValueError:
        return None
    utc = date.replace(tzinfo=dt.UTC) if date.tzinfo is None else date.astimezone(dt.UTC)
    return Record(path=Path(run.provenance.date), run=run, date=utc)
