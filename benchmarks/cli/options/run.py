"""The command `run`."""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.cli.parser import Parser, add_argument, add_parser, add_path
from benchmarks.pytest_plugin.options import Options, declare

DESCRIPTION = """\
measure, write one JSON file and the report

The implementations are measured in interleaved rounds of fresh processes, and
every step is verified. The file has pytest-benchmark's format. The report, in
results/local, is about all your runs.
"""

STATUSES = {
    0: "every case that can run here is verified and timed",
    1: "a case is INVALID or FAILED, or nothing could be measured",
    2: "the run was interrupted",
    5: "no case matches",
}
"""pytest's, with our meaning."""

OUTPUT = """\
the file; default: results/local/runs/DATE.json, which results/local/README.md shows; with --quick
results/local/looks/DATE.json, which no report shows"""


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `run`."""
    add_parser(commands, "run", "run:run", DESCRIPTION, _declare, statuses=STATUSES)


def _declare(parser: Parser) -> None:
    declare(Options, parser.add_argument)
    add_path(parser, "-o --output", OUTPUT)
    add_argument(parser, "-k", "only cases that match, as pytest's -k", "", metavar="EXPRESSION")
