"""The commands `ab` and `calibrate`."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.cli.options.verdicts import VERDICT_STATUSES, add_outputs
from benchmarks.cli.parser import Parser, add_alpha, add_argument, add_parser, add_path
from benchmarks.compare.result import FINE, INTERRUPTED, MISSING_OR_INVALID, SIDES
from benchmarks.compare.rule import COUNTED_RULE, METRICS, Rule
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.pytest_plugin.options import CaseOptions, count, declare
from benchmarks.runner.settings import Settings

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
  perceptron-bench ab --base-impl torch_step --new-impl mine.py
      two implementations
  perceptron-bench ab --base-impl torch_ddp --new-impl jax_sharded --ranks 2
      two that span ranks, over two
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


CALIBRATE_STATUSES = {
    FINE: "all cases are calibrated",
    INTERRUPTED: "the measurement was interrupted",
    MISSING_OR_INVALID: "a case could not be calibrated",
}


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `ab` and `calibrate`."""
    add_parser(commands, "ab", "ab:ab", AB_DESCRIPTION, _declare_ab, statuses=VERDICT_STATUSES)
    about, statuses = CALIBRATE_DESCRIPTION, CALIBRATE_STATUSES
    add_parser(commands, "calibrate", "ab:calibrate", about, _declare_calibrate, statuses=statuses)


def _declare_ab(ab: Parser) -> None:
    for side in SIDES:
        _add_side(ab, side)
    _add_selection(ab)
    changed = "also compare every implementation whose code differs between the sides"
    add_argument(ab, "--changed", changed, default=False)
    most = f"the most pairs per case; default: {Rule.max_pairs}, of instructions {COUNTED_RULE.max_pairs}"
    add_argument(ab, "--max-pairs", most, type=count, metavar="N")
    add_argument(ab, "--metric", METRIC, Rule.metric, choices=METRICS)
    add_outputs(ab, Rule())


def _declare_calibrate(parser: Parser) -> None:
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
    one = "one implementation, as `perceptron-bench list` names it, or by its file"
    add_path(group, f"--{side}-impl", one)
    variable = "an environment variable; repeatable"
    add_argument(group, f"--{side}-env", variable, [], action="append", metavar="NAME=VALUE")


def _add_selection(parser: Parser) -> None:
    declare(CaseOptions, parser.add_argument)
    parser.set_defaults(device="cpu")
    folder = "the folder of the implementations, in a git checkout if commits are compared"
    add_path(parser, "--impl-dir", folder, IMPLEMENTATIONS)
