"""Two sides measured now, on this machine, in pairs of fresh processes: `perceptron-bench ab`."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path

from rich.console import Console

from benchmarks.ab.instructions import COUNTED, COUNTING_NOTE, make_ready
from benchmarks.ab.notes import (
    cpu_contention,
    not_compared,
    others_that_differ,
    resumed,
    split,
    too_few_pairs,
)
from benchmarks.ab.pairs import PairedCase, PairedRun, paired_cases_of
from benchmarks.ab.resume import Workplace
from benchmarks.ab.sides import Side, SideOptions, open_sides
from benchmarks.cases.places import left_out, require_spanning
from benchmarks.cases.problems import parse_problem
from benchmarks.compare.result import SIDES, CaseVerdict, Comparison, ordered
from benchmarks.compare.rule import Rule
from benchmarks.compare.thresholds import require_fitting, rule_for
from benchmarks.errors import UsageError, unknown_name
from benchmarks.runner.dispatch import Dispatcher
from benchmarks.runner.progress import RoundsProgress
from benchmarks.runner.system import spare_cpus
from benchmarks.worker.inspection.instructions import N_EPOCHS
from impls.contract import Device

TIMED = """\
pairs of fresh processes, their order by a fair coin (seed {seed}); of each process the fastest epoch; of \
the pairs' log-ratios the median; slower means beyond the threshold and significant by a sign test, whose \
error probability (alpha {alpha:g}) is shared by all cases and looks (Bonferroni) and holds for any noise"""

METHODS = {"time": TIMED, "instructions": COUNTED}


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which cases to measure in pairs, and how."""

    impls: Path  # the folder of the implementations
    asked: Sequence[str]  # names of implementations
    default: Sequence[str]  # if none was asked for; empty: all that either side has
    changed: bool = False  # also all implementations that differ between the sides
    problems: Sequence[str]  # as on the command line
    devices: Sequence[Device]
    rule: Rule
    thresholds: Mapping[str, float]  # by a part of the case's name
    cores: int = 1  # of each rank
    ranks: Sequence[int] = (1,)
    worker_timeout_s: float = 120.0

    @property
    def names(self) -> Sequence[str]:
        """Return the names of the implementations."""
        return self.asked or self.default

    def run_identity(self, options: Mapping[str, SideOptions]) -> object:
        """Return everything that decides what is measured; a comparison with the same identity can resume.

        Raises:
            UsageError: a side's Python or commit does not exist.
        """
        return self, options, [side.identity(self.impls) for side in options.values()]


def compare_sides(
    selection: Selection, options: Mapping[str, SideOptions], place: Workplace, console: Console
) -> Comparison:
    """Measure both sides in pairs and judge each case.

    Raises:
        UsageError: the sides are the same or can't be made ready, or a name is unknown.
    """
    _require_difference(options)
    rule, names = selection.rule, _names(selection, options)
    file_as = names[0] if names else ""
    with open_sides(options, selection.impls, file_as=file_as, scratch=place.folder) as sides:
        others = others_that_differ(sides, names)
        added = others if selection.changed else []
        paired_cases = match(selection, sides, [*names, *added])
        _apply(selection.thresholds, paired_cases)
        start = time.monotonic()
        measured, paired_run = measure(selection, paired_cases, place, console)
    verdicts, unable = split(measured, added)
    base, new = (sides[name].record for name in SIDES)
    return Comparison(
        method=METHODS[rule.metric].format(alpha=rule.alpha, n_epochs=N_EPOCHS, seed=place.seed),
        base=base,
        new=new,
        provenance=place.provenance,
        rule=rule,
        wall_s=time.monotonic() - start,
        interrupted=paired_run.interrupted,
        notes=(
            *([COUNTING_NOTE] if rule.counts else []),
            *not_compared([] if added else others, unable),
            *resumed(place),
            *left_out((entry for side in sides.values() for entry in side.of(names)), selection.ranks),
            *too_few_pairs(rule, paired_run.n_cases),
            *([] if rule.counts else cpu_contention(verdicts, place.provenance.throttle)),
        ),
        verdicts=ordered(verdicts),
        seed=place.seed,
    )


def _require_difference(options: Mapping[str, SideOptions]) -> None:
    if all(side.is_default for side in options.values()):
        message = (
            "the two sides are the same: say how they differ (--base-ref main, --new-python PATH, …); this "
            "machine's own noise is measured by `perceptron-bench calibrate`"
        )
        raise UsageError(message)


def _apply(thresholds: Mapping[str, float], paired_cases: Sequence[PairedCase]) -> None:
    """Set the threshold of each case to the one that the user chose for it.

    Raises:
        UsageError: a threshold fits no case.
    """
    require_fitting(thresholds, [case.name for case in paired_cases])
    for case in paired_cases:
        case.rule = rule_for(case.name, case.rule, thresholds)


def _names(selection: Selection, options: Mapping[str, SideOptions]) -> Sequence[str]:
    """Return the names of the implementations to compare: if a side is a file, only the file's.

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
        UsageError: an implementation or a problem is unknown, an implementation was written for another
            version of the contract, or none spans the ranks.
    """
    base, new = (sides[side].entries for side in SIDES)
    known = {**base, **new}
    for name in names:
        if name not in known:
            raise unknown_name(name, known, kind="implementation")
    if not known:
        message = f"{selection.impls}: expected files with implementations, found none"
        raise UsageError(message)
    for side in sides.values():
        side.require_current(names or known)
    problems = [parse_problem(text) for text in dict.fromkeys(selection.problems)]
    is_one_file = any(side.is_one_file for side in sides.values())  # compared with one implementation only
    vanished = [] if is_one_file else [name for name in base if name not in new]
    every_name = dict.fromkeys([*(names or known), *vanished])  # a vanished one is reported, asked for or not
    entries = {name: [each[name] for each in (base, new) if name in each] for name in every_name}
    found = [side.of(every_name) for side in sides.values()]
    for together in filter(None, found if is_one_file else [[*chain(*found)]]):  # two files: each spans them
        require_spanning(together, selection.ranks)
    asked = [
        (problem, device, n_ranks, name)
        for problem, device, n_ranks in product(problems, selection.devices, dict.fromkeys(selection.ranks))
        for name in every_name
        if n_ranks == 1 or any(entry.spans_ranks for entry in entries[name])
    ]
    return paired_cases_of(sides, asked, selection.rule, n_cores=selection.cores)


def measure(
    selection: Selection, paired_cases: Sequence[PairedCase], place: Workplace, console: Console
) -> tuple[list[CaseVerdict], PairedRun]:
    """Run the pairs, with progress; return the verdicts, and the run with the reason of an interruption."""
    cpus = tuple(place.provenance.host.pinned_to)
    with RoundsProgress(console) as shown:
        dispatcher = Dispatcher(
            folder=place.folder,
            progress=shown,
            cpus=cpus,
            spare_cpus=() if selection.rule.counts else spare_cpus(cpus[-selection.cores :]),
            worker_timeout_s=selection.worker_timeout_s,
            wakes=False,
            counter=make_ready(paired_cases, place.folder) if selection.rule.counts else None,
        )
        paired_run = PairedRun(paired_cases, dispatcher, place.seed)
        verdicts = paired_run.run()
        place.n_recalled = shown.n_recalled
        return verdicts, paired_run
