"""The command `compare`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.cli.options.verdicts import VERDICT_STATUSES, add_outputs
from benchmarks.cli.parser import Parser, add_argument, add_baseline, add_parser
from benchmarks.compare.rule import UNPAIRED_RULE

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
    add_parser(commands, "compare", "compare:compare", DESCRIPTION, _declare, statuses=VERDICT_STATUSES)


def _declare(parser: Parser) -> None:
    add_argument(parser, "base", "a record that `run` wrote", type=Path, metavar="BASE.json")
    add_argument(parser, "new", "a later record", type=Path, metavar="NEW.json")
    add_baseline(parser, "none: times are compared, which needs the same machine")
    drift = "the most that the machine may have drifted between the records; widens every interval"
    add_argument(parser, "--drift", drift, UNPAIRED_RULE.drift * 100, type=float, metavar="PERCENT")
    add_outputs(parser, UNPAIRED_RULE)
