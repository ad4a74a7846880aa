"""The commands `ab` and `calibrate`: their options, and what they write."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from typing import Any

from rich.markup import escape

from benchmarks.ab.calibrate import SAME, calibrate
from benchmarks.ab.comparison import Selection, compare_sides
from benchmarks.ab.pairs import SIDES
from benchmarks.ab.resume import workplace
from benchmarks.ab.sides import SideOptions
from benchmarks.cases.suites import SUITES
from benchmarks.cli.outputs import VERDICT_STATUSES, Outputs, add_outputs, read_thresholds
from benchmarks.cli.parser import Parser, add_alpha, add_argument, add_parser, add_path
from benchmarks.compare.result import FINE, INTERRUPTED, MISSING_OR_INVALID
from benchmarks.compare.rule import COUNTED_RULE, METRICS, Rule
from benchmarks.paths import IMPLEMENTATIONS, real_path
from benchmarks.pytest_plugin.options import CaseOptions, count, declare, read
from benchmarks.report.tables.comparison import noise_grid
from benchmarks.runner.rounds import Settings
from benchmarks.runner.signals import uninterrupted
from benchmarks.runner.system import choose_cpus, collect_provenance
from benchmarks.terminal import Terminal

CALIBRATION_PAIRS = 40
WORKER_TIMEOUTS_S = {"time": Settings.worker_timeout_s, "instructions": 5 * Settings.worker_timeout_s}

AB_DESCRIPTION = """\
is the new side slower than the base? measured now, in pairs of processes

Both sides are measured on this machine, in fresh processes. Each process is
verified like any other measurement. A case stops as soon as it is decided. The
cases are those of the suite 'default', if no others are named.

  perceptron-bench ab --base-ref main
      this checkout against a commit
  perceptron-bench ab --new-python ../nightly
      the same files in another environment
  perceptron-bench ab --base-impl a.py --new-impl b.py
      two files
  perceptron-bench ab --new-env XLA_FLAGS=--xla_cpu_enable_fast_math=true
      another environment variable
"""

CALIBRATE_DESCRIPTION = """\
measure this machine's noise: which slowdown could ab detect here?

Pairs of processes are measured whose two sides are the same. Shown for each
case: the noise, the share of comparisons that would be undecided, and the
smallest slowdown that `ab` can detect here. Run it when the machine is as busy
or idle as it will be for the comparisons. The cases are those of the suite
'default', if no others are named.
"""


METRIC = f"""\
what to compare of an epoch: its time, or the instructions that it executes (under valgrind: hardly any noise,
but slow, and not everything that takes time is an instruction; --worker-timeout is then by default
{WORKER_TIMEOUTS_S["instructions"]:g})"""


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `ab` and `calibrate`."""
    ab = add_parser(commands, "ab", _ab, AB_DESCRIPTION, statuses=VERDICT_STATUSES)
    for side in SIDES:
        _add_side(ab, side)
    _add_selection(ab)
    add_argument(
        ab,
        "--changed",
        "also compare every implementation whose code differs between the sides",
        default=False,
    )
    most = f"the most pairs per case; default: {Rule.max_pairs}, of instructions {COUNTED_RULE.max_pairs}"
    add_argument(ab, "--max-pairs", most, type=count, metavar="N")
    add_argument(ab, "--metric", METRIC, Rule.metric, choices=METRICS)
    add_outputs(ab, Rule())
    _add_calibrate(commands)


def _add_calibrate(commands: argparse._SubParsersAction[Any]) -> None:
    statuses = {
        FINE: "all cases are calibrated",
        INTERRUPTED: "the measurement was interrupted",
        MISSING_OR_INVALID: "a case could not be calibrated",
    }
    parser = add_parser(commands, "calibrate", _calibrate, CALIBRATE_DESCRIPTION, statuses=statuses)
    _add_selection(parser)
    add_alpha(parser, Rule())
    add_argument(parser, "--pairs", "how many pairs to measure", CALIBRATION_PAIRS, type=count, metavar="N")
    later = "the --max-pairs of the comparisons to come"
    add_argument(parser, "--max-pairs", later, Rule.max_pairs, type=count, metavar="N")
    parser.set_defaults(changed=False, threshold=(), metric=Rule.metric)


def _add_side(ab: Parser, side: str) -> None:
    group = ab.add_argument_group(f"the side `{side}`, which by default is this checkout in this Python")
    python = "a Python or an environment, with NumPy and the frameworks to measure"
    add_argument(group, f"--{side}-python", python, metavar="PATH")
    commit = "the implementations of a commit, a tag or a branch"
    add_argument(group, f"--{side}-ref", commit, metavar="COMMIT")
    add_path(group, f"--{side}-impl", "one implementation, by its file")
    variable = "an environment variable; repeatable"
    add_argument(group, f"--{side}-env", variable, [], action="append", metavar="NAME=VALUE")


def _add_selection(parser: Parser) -> None:
    declare(CaseOptions, parser.add_argument)
    parser.set_defaults(device="cpu")
    folder = "the folder of the implementations, in a git checkout if commits are compared"
    add_path(parser, "--impl-dir", folder, IMPLEMENTATIONS)


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
        worker_timeout_s=options.worker_timeout or WORKER_TIMEOUTS_S[parsed.metric],
    )


def _rule(parsed: argparse.Namespace) -> Rule:
    rule = COUNTED_RULE if parsed.metric == "instructions" else Rule()
    max_pairs = parsed.max_pairs or rule.max_pairs
    return replace(rule, max_pairs=max_pairs, min_pairs=min(rule.min_pairs, max_pairs), alpha=parsed.alpha)


def _ab(parsed: argparse.Namespace) -> int:
    options = {
        side: SideOptions(
            **{name: getattr(parsed, f"{side}_{name}") for name in ("python", "ref", "impl", "env")}
        )
        for side in SIDES
    }
    outputs, terminal, selection = Outputs.of(parsed), Terminal(), _selection(parsed)
    provenance = collect_provenance(choose_cpus(selection.cores))
    run_identity = selection.run_identity(options) if parsed.resume else None
    with workplace(run_identity, provenance) as place, uninterrupted():  # except while it measures
        comparison = compare_sides(selection, options, place, terminal)
        written = outputs.report(comparison, terminal)
        place.is_done = written and not comparison.interrupted
    return comparison.exit_status(undecided_is_fine=parsed.undecided_ok)


def _calibrate(parsed: argparse.Namespace) -> int:
    selection = _selection(parsed)
    provenance = collect_provenance(choose_cpus(selection.cores))
    run_identity = ("calibrate", parsed.pairs, selection.run_identity(SAME)) if parsed.resume else None
    terminal = Terminal()
    with workplace(run_identity, provenance) as place, uninterrupted():
        found = calibrate(selection, place, terminal, n_pairs=parsed.pairs)
        for name, reason in found.failed.items():
            terminal.print(f"not calibrated: {escape(name)}: {escape(reason)}", soft_wrap=True)
        if found.cases:
            terminal.print(noise_grid(found.cases))
        place.is_done = not found.interrupted
    return found.exit_status
