"""Two sides measured now, on this machine, in alternating fresh processes: `perceptron-bench ab`."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.ab.instructions import COUNTED, COUNTING_NOTE, make_ready
from benchmarks.ab.notes import (
    cpu_contention,
    not_compared,
    others_that_differ,
    resumed,
    split,
    too_few_pairs,
)
from benchmarks.ab.pairs import SIDES, PairedRun, paired_cases_of, set_thresholds
from benchmarks.ab.sides import SideOptions, open_side
from benchmarks.cases.problems import parse_problem
from benchmarks.compare import calibration
from benchmarks.compare.result import Comparison, SideRecord, ordered
from benchmarks.compare.thresholds import mismatched, uncalibrated
from benchmarks.errors import UsageError, unknown_name
from benchmarks.runner.dispatch import Dispatcher
from benchmarks.runner.progress import RoundsProgress
from benchmarks.runner.rounds import sigterm_as_ctrl_c
from benchmarks.worker.instructions import N_EPOCHS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from benchmarks.ab.pairs import PairedCase
    from benchmarks.ab.resume import Workplace
    from benchmarks.ab.sides import Side
    from benchmarks.compare.result import CaseVerdict
    from benchmarks.compare.rule import Rule
    from impls.contract import Device

TIMED = """\
interleaved fresh processes, the sides in alternating order; of each process the fastest epoch; of the \
pairs' log-ratios the median; slower means beyond the threshold and significant by a sign test, whose error \
probability (alpha {alpha:g}) is shared by all cases and looks (Bonferroni)"""

METHODS = {"time": TIMED, "instructions": COUNTED}


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which cases to measure in pairs, and how."""

    impls: Path  # the folder of the implementations
    asked: Sequence[str]  # names of implementations
    default: Sequence[str]  # where none was asked for; none: all that either side has
    changed: bool = False  # besides, all that differ between the sides
    problems: Sequence[str]  # as on the command line
    devices: Sequence[Device]
    rule: Rule
    thresholds: Mapping[str, float]  # by a part of the case's name
    calibrations: Path  # the folder they are kept in
    cores: int = 1
    worker_timeout_s: float = 120.0

    @property
    def names(self) -> Sequence[str]:
        """Name the implementations."""
        return self.asked or self.default

    def with_sides(self, options: Mapping[str, SideOptions]) -> object:
        """Give all that is measured, and how: by what a comparison that was killed is known again.

        Raises:
            UsageError: a side's Python or commit does not exist.

        """
        return self, options, [side.made_of(self.impls) for side in options.values()]


def compare_sides(
    selection: Selection, options: Mapping[str, SideOptions], place: Workplace, console: Console
) -> Comparison:
    """Measure both sides in pairs and say what was found.

    Raises:
        UsageError: the sides are the same or can't be made ready, or something named is unknown.

    """
    if all(side.says_nothing for side in options.values()):
        message = (
            "the two sides are the same: say how they differ (--base-ref main, --new-python PATH, …); this "
            "machine's own noise is measured by `perceptron-bench calibrate`"
        )
        raise UsageError(message)
    known, note = (
        (None, COUNTING_NOTE)
        if selection.rule.counts
        else calibration.find(place.provenance, selection.calibrations)
    )
    with contextlib.ExitStack() as stack:
        names = _names(selection, options)
        sides = {
            name: stack.enter_context(
                open_side(
                    name, side, selection.impls, file_as=names[0] if names else "", scratch=place.folder
                )
            )
            for name, side in options.items()
        }
        others = others_that_differ(sides, names)
        added = others if selection.changed else []
        paired_cases = match(selection, sides, [*names, *added])
        set_thresholds(paired_cases, selection.thresholds, known)
        start = time.monotonic()
        measured, paired_run = measure(selection, paired_cases, place, console)
    verdicts, unable = split(measured, added)
    base, new = (_record_of(sides[name]) for name in SIDES)
    cases = [verdict.name for verdict in verdicts]
    return Comparison(
        method=METHODS[selection.rule.metric].format(alpha=selection.rule.alpha, n_epochs=N_EPOCHS),
        base=base,
        new=new,
        provenance=place.provenance,
        rule=selection.rule,
        wall_s=time.monotonic() - start,
        interrupted=paired_run.interrupted,
        notes=(
            note,
            *calibration.stale_sides(known, place.provenance, (base, new)),
            *not_compared([] if added else others, unable),
            *resumed(place),
            *too_few_pairs(selection.rule, paired_run.n_cases),
            *uncalibrated(known, cases, selection.thresholds),
            *mismatched(known, cases, selection.thresholds, selection.rule, n_cases=paired_run.n_cases),
            *([] if selection.rule.counts else cpu_contention(verdicts)),
        ),
        verdicts=ordered(verdicts),
    )


def _names(selection: Selection, options: Mapping[str, SideOptions]) -> Sequence[str]:
    """Name the implementations to compare: where a side is a file, that one alone.

    Raises:
        UsageError: a side is a file, and several implementations are to be compared.

    """
    files = [side.impl for side in options.values() if side.impl]
    if not files:
        return selection.names
    if len(selection.asked) > 1:
        message = f"--impl: expected one name beside a file, found {', '.join(selection.asked)}"
        raise UsageError(message)
    return selection.asked or [files[-1].stem]


def match(selection: Selection, sides: Mapping[str, Side], names: Sequence[str]) -> list[PairedCase]:
    """Match the sides' cases.

    Raises:
        UsageError: an implementation or a problem is unknown.

    """
    known = dict.fromkeys(name for side in sides.values() for name in side.entries)
    for name in names:
        if name not in known:
            raise unknown_name(name, known, kind="implementation")
    if not known:
        message = f"{selection.impls}: expected files with implementations, found none"
        raise UsageError(message)
    problems = [parse_problem(text) for text in dict.fromkeys(selection.problems)]
    is_one_file = any("impl" in side.differs for side in sides.values())  # which is held against one other
    vanished = [] if is_one_file else [n for n in sides["base"].entries if n not in sides["new"].entries]
    every_name = dict.fromkeys([*(names or known), *vanished])  # asked for or not: it must not go unseen
    return paired_cases_of(
        sides, list(every_name), selection.devices, problems, selection.rule, n_cores=selection.cores
    )


def measure(
    selection: Selection,
    paired_cases: Sequence[PairedCase],
    place: Workplace,
    console: Console,
    *,
    stops_early: bool = True,
) -> tuple[list[CaseVerdict], PairedRun]:
    """Run the pairs, with progress; also give the duel, which knows what cut them short, if anything did."""
    with RoundsProgress(console) as shown, sigterm_as_ctrl_c():
        dispatcher = Dispatcher(
            folder=place.folder,
            progress=shown,
            cpus=tuple(place.provenance.pinned_to),
            worker_timeout_s=selection.worker_timeout_s,
            counter=make_ready(paired_cases, place.folder) if selection.rule.counts else None,
        )
        paired_run = PairedRun(paired_cases, dispatcher, stops_early=stops_early)
        verdicts = paired_run.run()
        place.n_recalled = shown.n_recalled
        return verdicts, paired_run


def _record_of(side: Side) -> SideRecord:
    return SideRecord(
        name=side.name, versions=dict(side.versions), commit=side.commit, differs=dict(side.differs)
    )
