"""Is the decision map right? Measures whole trainings near its borders, by the ways on either side of them.

    python -m benchmarks.studies.decision_map results/runs/DATE.json [--borders 5] [--repeats 3] [-o FILE]

For the map with cold caches of a recorded run, on the machine that it was recorded on. Each training runs in
a fresh process with empty caches, and is timed whole; of the repeats, in alternating order, the median
counts. A point is right where the way that the map names took at most 5 % longer than the other. Exit status
1 where one is not.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from benchmarks.analysis.caveats import shared_core
from benchmarks.analysis.cells import si
from benchmarks.analysis.decision_map import decision_maps
from benchmarks.cases.implementations import select
from benchmarks.errors import UsageError
from benchmarks.records.run import read_run
from benchmarks.report.tables.markdown import plain_in_markdown
from benchmarks.runner.system import choose_cpus, collect_provenance
from benchmarks.studies.findings import Findings, add_output
from benchmarks.studies.whole_training import time_whole
from benchmarks.terminal import Terminal
from benchmarks.worker.messages import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.analysis.decision_map import DecisionMap, Stretch
    from benchmarks.studies.whole_training import WholeTraining

TOLERANCE = 0.05
TITLE = "Is the decision map right near its borders?"
ABOUT = f"""\
Written by `python -m benchmarks.studies.decision_map`; don't edit. Held against the map with cold caches of \
{{run}}, {{problem}} on {{device}}: whole trainings below and above borders of its areas, by the ways on \
either side, \
each in a fresh process with empty caches, the ways by turns; of each the median of {{n_repeats}} counts. \
A point is right where the way that the map names took at most {TOLERANCE:.0%} longer than the other: that \
is its excess, below zero where it was the faster."""
BESIDE = 1.25
"""By which factor a point's number of epochs lies above or below the border's."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A training near a border: what the two ways should take there, and what they took."""

    batch_size: int
    border: float  # in epochs
    n_epochs: int
    predicted_s: dict[str, float]  # by name; the one that the map names first
    measured: dict[str, list[WholeTraining]] = field(default_factory=dict)

    def measured_s(self, name: str) -> float:
        """Give the median of its trainings."""
        return median(training.total_s for training in self.measured[name])

    @property
    def excess(self) -> float:
        """Say by how much the named way's time exceeded the other's, relatively; negative: it won."""
        named_s, other_s = map(self.measured_s, self.predicted_s)
        return named_s / other_s - 1

    @property
    def misprediction(self) -> float:
        """Say how far a predicted time is from the measured one, relatively; of the two ways the worse."""
        return max(
            abs(predicted_s / self.measured_s(name) - 1) for name, predicted_s in self.predicted_s.items()
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; give the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="a record with a sweep over batch sizes")
    parser.add_argument(
        "--borders", type=int, default=5, help="each with a point below and one above; default: %(default)s"
    )
    parser.add_argument("--repeats", type=int, default=3, help="of each training; default: %(default)s")
    add_output(parser)
    parsed = parser.parse_args(arguments)
    found = Findings(Terminal(width=140))
    try:
        drawn, points = map_of(parsed.run, parsed.borders)
        for repeat in range(parsed.repeats):
            for point in points:
                told = f"{point.n_epochs:,} epochs of batches of {point.batch_size:,}"
                found.console.print(f"repeat {repeat + 1} of {parsed.repeats}: {told}", highlight=False)
                measure(drawn, point, reverse=bool(repeat % 2))
        status = report(points, found)
        if parsed.output:
            provenance = collect_provenance(choose_cpus(1))
            about = about_of(parsed.run, drawn, n_repeats=parsed.repeats)
            found.write(parsed.output, title=TITLE, about=about, provenance=provenance)
    except UsageError as error:
        parser.error(str(error))
    return status


def about_of(path: Path, drawn: DecisionMap, *, n_repeats: int) -> str:
    """Say what was held against what."""
    run = plain_in_markdown(f"{path.name} (commit {read_run(path).provenance.commit})")
    return ABOUT.format(run=run, problem=drawn.title, device=drawn.device, n_repeats=n_repeats)


def map_of(path: Path, n_borders: int) -> tuple[DecisionMap, list[Point]]:
    """Give the run's first map with cold caches that has a border, and points near it.

    Raises:
        UsageError: it has none.

    """
    for drawn in decision_maps(read_run(path).rows):
        if drawn.caches == "cold" and (points := points_of(drawn, n_borders)):
            return drawn, points
    message = f"{path}: expected a sweep over batch sizes in which more than one way wins, found none"
    raise UsageError(message)


def points_of(drawn: DecisionMap, n_borders: int) -> list[Point]:
    """Put a point below and one above borders that are spread over the batch sizes, the lower in turn."""
    batch_sizes = np.geomspace(*drawn.range, 2 * n_borders + 1)[1::2].round().astype(int).tolist()
    points = []
    for i, batch_size in enumerate(batch_sizes):
        if (n_here := len(stretches := drawn.stretches(batch_size)) - 1) > 0:
            pair = stretches[i % n_here : i % n_here + 2]
            both = (_beside(drawn, batch_size, pair, above=above) for above in (False, True))
            # Not where a way is first for no whole number of epochs.
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
    """Train once by either way."""
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
    """Show what was predicted and what was measured; 0 where every point is right."""
    headings = (
        "batch size",
        "border",
        "epochs",
        "first, says the map",
        "took",
        "predicted",
        "across the border",
    )
    table = Table(*headings, "took", "predicted", "excess", "verdict")
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
    found.show(f"{n_right} of {len(points)} right: the way named won, or took at most {TOLERANCE:.0%} longer")
    worst = max(point.misprediction for point in points)
    found.show(f"of a whole training's predicted times the furthest was off by {worst:.1%}")
    return 0 if n_right == len(points) else 1


if __name__ == "__main__":
    sys.exit(main())
