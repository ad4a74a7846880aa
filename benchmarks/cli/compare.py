"""The command `compare` of the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cli.outputs import (
    Outputs,
    add_rule,
    add_verdict_parser,
    read_thresholds,
)
from benchmarks.compare.two_runs import compare_calibrated
from benchmarks.compare.unpaired import DRIFT, RULE
from benchmarks.paths import CALIBRATIONS
from benchmarks.records.run import read_run
from benchmarks.terminal import wide_terminal

if TYPE_CHECKING:
    import argparse


DESCRIPTION = """\
Hold two records of different moments against each other. What the machine drifted by in between can't be
seen, so intervals are wider than those of `ab`, which measures both sides now: prefer it where both run.

  perceptron-bench compare results/runs/A.json results/runs/B.json
  perceptron-bench compare A.json B.json --baseline native_floor     of different machines
"""


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `compare`."""
    parser = add_verdict_parser(
        commands,
        "compare",
        summary="hold two records against each other",
        description=DESCRIPTION,
    )
    parser.add_argument("base", type=Path, metavar="BASE.json", help="a record that `run` wrote")
    parser.add_argument("new", type=Path, metavar="NEW.json", help="a later one")
    parser.add_argument(
        "--baseline",
        metavar="NAME",
        help="compare only ratios to this implementation, measured in the same run and round; allows records "
        "of different machines, cores and precisions",
    )
    parser.add_argument(
        "--drift",
        type=float,
        default=DRIFT * 100,
        metavar="PERCENT",
        help="what the machine may drift by between two moments; widens every interval; default: %(default)g",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        default=CALIBRATIONS,
        metavar="FOLDER",
        help="default: results/local/calibration",
    )
    add_rule(parser, RULE)
    parser.set_defaults(do=_compare)


def _compare(parsed: argparse.Namespace) -> int:
    base, new = read_run(parsed.base), read_run(parsed.new)
    outputs = Outputs.of(parsed, inputs=(parsed.base, parsed.new))
    comparison = compare_calibrated(
        base,
        new,
        control=parsed.baseline,
        rule=replace(RULE, alpha=parsed.alpha),
        drift=parsed.drift / 100,
        thresholds=read_thresholds(parsed.threshold),
        calibrations=parsed.calibration,
    )
    outputs.report(comparison, wide_terminal())
    return comparison.exit_status(undecided_is_fine=parsed.undecided_ok)
