"""The commands `ab` and `calibrate`: what they measure, print and write."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from rich.markup import escape

from benchmarks.ab.calibrate import SAME
from benchmarks.ab.calibrate import calibrate as measure_noise
from benchmarks.ab.comparison import Selection, compare_sides
from benchmarks.ab.resume import workplace
from benchmarks.ab.sides import SideOptions
from benchmarks.cases.suites import SUITES
from benchmarks.cli.options.ab import WORKER_TIMEOUTS_S
from benchmarks.cli.outputs import Outputs, read_thresholds
from benchmarks.compare.result import SIDES
from benchmarks.compare.rule import COUNTED_RULE, Rule
from benchmarks.errors import UsageError
from benchmarks.paths import IMPLEMENTATIONS, real_path
from benchmarks.pytest_plugin.options import CaseOptions, read
from benchmarks.report.tables.comparison import noise_grid
from benchmarks.runner.signals import uninterrupted
from benchmarks.runner.system import choose_cpus, collect_provenance
from benchmarks.terminal import Terminal


def _selection(parsed: argparse.Namespace) -> Selection:
    options, suite = read(CaseOptions, partial(getattr, parsed)), SUITES["default"]
    return Selection(
        impls=parsed.impl_dir,
        asked=options.impl or (),
        default=suite.impls if real_path(parsed.impl_dir) == IMPLEMENTATIONS else (),
        changed=parsed.changed,
        problems=options.problem or suite.problems,
        devices=options.devices,
        rule=_rule(parsed),
        thresholds=read_thresholds(parsed.threshold),
        cores=options.cores,
        ranks=_ranks(options, parsed.metric),
        worker_timeout_s=options.worker_timeout or WORKER_TIMEOUTS_S[parsed.metric],
    )


def _ranks(options: CaseOptions, metric: str) -> Sequence[int]:
    ranks = options.ranks or (1,)
    if metric == "instructions" and max(ranks) > 1:
        message = f"--metric instructions: expected one rank, found --ranks {max(ranks)}; compare times"
        raise UsageError(message)
    return ranks


def _rule(parsed: argparse.Namespace) -> Rule:
    rule = COUNTED_RULE if parsed.metric == "instructions" else Rule()
    max_pairs = parsed.max_pairs or rule.max_pairs
    return replace(rule, max_pairs=max_pairs, min_pairs=min(rule.min_pairs, max_pairs), alpha=parsed.alpha)


def ab(parsed: argparse.Namespace) -> int:
    """Measure and compare the two sides; return the exit status of the verdict.

    Raises:
        UsageError: an option does not fit, or a report can't be written.
    """
    options = {
        side: SideOptions(
            **{name: getattr(parsed, f"{side}_{name}") for name in ("python", "ref", "impl", "env")}
        )
        for side in SIDES
    }
    outputs, terminal, selection = Outputs.of(parsed), Terminal(), _selection(parsed)
    n_ranks = max(selection.ranks)
    provenance = collect_provenance(choose_cpus(selection.cores, n_ranks), n_ranks)
    run_identity = selection.run_identity(options) if parsed.resume else None
    with workplace(run_identity, provenance) as place, uninterrupted():  # except while it measures
        comparison = compare_sides(selection, options, place, terminal)
        written = outputs.report(comparison, terminal)
        place.is_done = written and not comparison.interrupted
    return comparison.exit_status(undecided_is_fine=parsed.undecided_ok)


def calibrate(parsed: argparse.Namespace) -> int:
    """Measure and print the noise of each case; return the exit status.

    Raises:
        UsageError: an option does not fit.
    """
    selection = _selection(parsed)
    n_ranks = max(selection.ranks)
    provenance = collect_provenance(choose_cpus(selection.cores, n_ranks), n_ranks)
    run_identity = ("calibrate", parsed.pairs, selection.run_identity(SAME)) if parsed.resume else None
    terminal = Terminal()
    with workplace(run_identity, provenance) as place, uninterrupted():
        found = measure_noise(selection, place, terminal, n_pairs=parsed.pairs)
        for name, reason in found.failed.items():
            terminal.print(f"not calibrated: {escape(name)}: {escape(reason)}", soft_wrap=True)
        if found.cases:
            terminal.print(noise_grid(found.cases))
        place.is_done = not found.interrupted
    return found.exit_status
