"""The command `compare`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.analysis.caveats import remarks
from benchmarks.cli.outputs import VERDICT_STATUSES, Outputs, add_outputs, read_thresholds
from benchmarks.cli.parser import add_argument, add_baseline, add_parser
from benchmarks.compare.two_runs import Settings, compare_runs
from benchmarks.compare.unpaired import RULE
from benchmarks.records.run import read_run
from benchmarks.terminal import Terminal

DESCRIPTION = """\
compare two records of different moments

The machine may have drifted between them, which the records can't show, so the
intervals are wider than those of `ab`. Where both sides can be measured now,
prefer `ab`.

  perceptron-bench compare A.json B.json
  perceptron-bench compare A.json B.json --baseline native_floor
      records of different machines, cores or precisions
"""


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `compare`."""
    parser = add_parser(commands, "compare", _compare, DESCRIPTION, statuses=VERDICT_STATUSES)
    add_argument(parser, "base", "a record that `run` wrote", type=Path, metavar="BASE.json")
    add_argument(parser, "new", "a later record", type=Path, metavar="NEW.json")
    add_baseline(parser, "none: times are compared, which needs the same machine")
    drift = "the most that the machine may have drifted between the records; widens every interval"
    add_argument(parser, "--drift", drift, RULE.drift * 100, type=float, metavar="PERCENT")
    add_outputs(parser, RULE)


def _compare(parsed: argparse.Namespace) -> int:
    base, new = read_run(parsed.base), read_run(parsed.new)
    outputs = Outputs.of(parsed, inputs=(parsed.base, parsed.new))
    settings = Settings(
        rule=replace(RULE, alpha=parsed.alpha, drift=parsed.drift / 100),
        baseline=parsed.baseline,
        thresholds=read_thresholds(parsed.threshold),
    )
    comparison = compare_runs(base, new, settings)
    notes = [f"{name}: {note}" for name, run in (("base", base), ("new", new)) for note in remarks(run)]
    comparison = replace(comparison, notes=(*comparison.notes, *notes))
    outputs.report(comparison, Terminal())
    return comparison.exit_status(undecided_is_fine=parsed.undecided_ok)
