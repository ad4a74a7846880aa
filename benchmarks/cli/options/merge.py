"""The command `merge`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.cli.parser import Parser, add_argument, add_parser

DESCRIPTION = """\
join the records of parallel jobs as one run

The jobs may have run on different machines of the same hardware. They must have
measured the same commit with the same packages and settings; otherwise `merge`
names the difference, and `report` shows the records side by side.

  perceptron-bench run --suite named --problem book -o book.json    # one job
  perceptron-bench run --suite named --problem wide -o wide.json    # another
  perceptron-bench merge book.json wide.json -o run.json

Measure what you want to compare in one job: a ratio is of processes of the same
round of the same job, and cases of different jobs have none. So split by
problem, or give every job the baseline. A case that several jobs measured has
the rounds of all of them; if it is INVALID or FAILED in one, it is in the run.
"""


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `merge`."""
    add_parser(commands, "merge", "merge:merge", DESCRIPTION, _declare)


def _declare(parser: Parser) -> None:
    files = "the record of a job, as `run` writes it; at least two"
    add_argument(parser, "files", files, nargs="+", type=Path, metavar="RUN.json")
    output = "the file of the merged record; one that exists is replaced"
    add_argument(parser, "-o --output", output, type=Path, metavar="FILE", required=True)
