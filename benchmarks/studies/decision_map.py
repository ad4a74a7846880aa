"""Is the decision map right? Measures whole trainings near its borders, by the ways on either side of them.

    python -m benchmarks.studies.decision_map results/runs/DATE.json [--borders 5] [--repeats 3] [-o FILE]

Checks the map with cold caches of a recorded run, on the machine of the record. Each training runs in a fresh
process with empty caches and is timed as a whole. The order alternates; the median of the repeats counts. A
point is right if the way that the map names took at most 5 % longer than the other. Exit status 1 if one is
wrong.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import numpy as np
from rich.table import Table

from benchmarks.analysis.caveats import shared_core
from benchmarks.analysis.cells import si
from benchmarks.analysis.decision_map import DecisionMap, Stretch, decision_maps
from benchmarks.cases.implementations import select
from benchmarks.errors import UsageError
from benchmarks.records.run import read_run
from benchmarks.report.tables.markdown import plain_in_markdown
from benchmarks.runner.system import choose_cpus
from benchmarks.studies.findings import Findings, run_study, study_parser
from benchmarks.studies.whole_training import WholeTraining, time_whole
from benchmarks.worker.messages import Job

TOLERANCE = 0.05
HEAD = f"""\
# Is the decision map right near its borders?

Written by `python -m benchmarks.studies.decision_map`; don't edit. A check of the map with cold caches of \
{{run}}, {{problem}} on {{device}}: whole trainings below and above borders of its areas, by the ways on \
either side, each in a fresh process with empty caches, in alternating order; the median of {{n_repeats}} \
counts. A point is right if the way that the map names took at most {TOLERANCE:.0%} longer than the other. \
The *excess* is how much longer it took; below zero, it was faster."""

BESIDE = 1.25
"""Ratio of a point's number of epochs to the border's, or of the border's to the point's."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A training near a border: predicted and measured times of the two ways."""

    batch_size: int
    border: float  # in epochs
    n_epochs: int
    predicted_s: dict[str, float]  # by name; the one that the map names first
    measured: dict[str, list[WholeTraining]] = field(default_factory=dict)

    def measured_s(self, name: str) -> float:
        """Return the median of its trainings."""
        return median(training.total_s for training in self.measured[name])

    @property
    def excess(self) -> float:
        """Return by how much the named way's time exceeded the other's, as a fraction; negative: it won."""
        named_s, other_s = map(self.measured_s, self.predicted_s)
        return named_s / other_s - 1

    @property
    def misprediction(self) -> float:
        """Return the relative error of the prediction, of the way that is further off."""
        return max(
            abs(predicted_s / self.measured_s(name) - 1) for name, predicted_s in self.predicted_s.items()
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; return the exit status."""
    parser = study_parser(__doc__, writes_page=True)
    parser.add_argument("run", type=Path, help="a record with a sweep over batch sizes")
    parser.add_argument(
        "--borders", type=int, default=5, help="each with a point below and one above; default: %(default)s"
    )
    parser.add_argument("--repeats", type=int, default=3, help="of each training; default: %(default)s")
    return run_study(parser, _check, arguments)


def _check(parsed: argparse.Namespace) -> int:
    found, run = Findings(), read_run(parsed.run)
    known = {entry.name for entry in select(())}
    if gone := sorted({row.implementation for row in run.rows} - known):
        found.show(f"left out, because they no longer exist: {', '.join(gone)}")
    rows = [row for row in run.rows if row.implementation in known]
    cold_maps = (each for each in decision_maps(rows) if each.caches == "cold")
    with_points = [(each, points) for each in cold_maps if (points := points_of(each, parsed.borders))]
    if not with_points:
        message = (
            f"{parsed.run}: expected a sweep over batch sizes in which more than one way wins, found none"
        )
        raise UsageError(message)
    drawn, points = with_points[0]
    for repeat in range(parsed.repeats):
        for point in points:
            training = f"{point.n_epochs:,} epochs of batches of {point.batch_size:,}"
            found.console.print(f"repeat {repeat + 1} of {parsed.repeats}: {training}", highlight=False)
            measure(drawn, point, reverse=bool(repeat % 2))
    status = report(points, found)
    name = plain_in_markdown(f"{parsed.run.name} (commit {run.provenance.commit})")
    case = {"problem": drawn.title, "device": drawn.device}
    found.write(parsed.output, HEAD.format(run=name, **case, n_repeats=parsed.repeats), choose_cpus(1))
    return status


def points_of(drawn: DecisionMap, n_borders: int) -> list[Point]:
    """Return a point below and one above each of some borders, which are spread over the batch sizes."""
    batch_sizes = np.geomspace(*drawn.range, 2 * n_borders + 1)[1::2].round().astype(int).tolist()
    points = []
    for i, batch_size in enumerate(batch_sizes):
        if (n_here := len(stretches := drawn.stretches(batch_size)) - 1) > 0:
            pair = stretches[i % n_here : i % n_here + 2]
            both = (_beside(drawn, batch_size, pair, above=above) for above in (False, True))
            # Leave out a way that is first for no whole number of epochs.
            points += [
                each
                for each in both
                if drawn.winner(batch_size, each.n_epochs) == next(iter(each.predicted_s))
            ]
    return points


def _beside(drawn: DecisionMap, batch_size: int, pair: Sequence[Stretch], *, above: bool) -> Point:
    """Make a point above or below the border between two stretches."""
    other, named = pair if above else reversed(pair)
    n_epochs = pair[1].begin * (BESIDE if above else 1 / BESIDE)
    n_epochs = math.floor(min(max(round(n_epochs), math.ceil(named.begin)), named.end))
    ways = {way.implementation: way for way in drawn.ways}
    names = (named.implementation, other.implementation)
    predicted_s = {name: ways[name].total_s(batch_size, n_epochs) for name in names}
    return Point(batch_size=batch_size, border=pair[1].begin, n_epochs=n_epochs, predicted_s=predicted_s)


def measure(drawn: DecisionMap, point: Point, *, reverse: bool) -> None:
    """Train once by each way."""
    problem = replace(drawn.problem, batch_size=point.batch_size, n_epochs=point.n_epochs, target_loss=None)
    names = list(point.predicted_s)
    for name in reversed(names) if reverse else names:
        (entry,) = select([name])
        job = Job(
            path=str(entry.path),
            framework=entry.framework,
            devices=(drawn.device,),
            problems=(problem,),
            cpus=choose_cpus(1),
        )
        point.measured.setdefault(name, []).append(time_whole(job))


def report(points: Sequence[Point], found: Findings) -> int:
    """Show the predicted and the measured times; return 0 if every point is right."""
    way = ("took", "predicted")
    where_ = ("batch size", "border", "epochs")
    table = Table(*where_, "first, says the map", *way, "across the border", *way, "excess", "verdict")
    for point in points:
        ways = [
            cell
            for name, predicted_s in point.predicted_s.items()
            for cell in (name, si(point.measured_s(name), "s"), si(predicted_s, "s"))
        ]
        verdict = "right" if point.excess <= TOLERANCE else "WRONG"
        where = (f"{number:,.0f}" for number in (point.batch_size, point.border, point.n_epochs))
        table.add_row(*where, *ways, f"{point.excess:+.1%}", verdict)
    found.show(table)
    shares = [each.cpu_per_wall for point in points for all_ in point.measured.values() for each in all_]
    if shared := shared_core(shares):
        found.show(f"warning: {shared}")
    n_right = sum(point.excess <= TOLERANCE for point in points)
    found.show(f"{n_right} of {len(points)} right: the named way won, or took at most {TOLERANCE:.0%} longer")
    worst = max(point.misprediction for point in points)
    found.show(f"the largest relative error of a predicted time was {worst:.1%}")
    return 0 if n_right == len(points) else 1


if __name__ == "__main__":
    sys.exit(main())
