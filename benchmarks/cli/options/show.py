"""The commands that measure nothing: `list`, `explain` and `table`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.cli.parser import Parser, add_argument, add_parser

EXPLAIN_DESCRIPTION = """\
show what was checked about a case: agreement, fairness, costs, processes

It shows how far a row is from the reference, what was checked about its
processes, what it costs, and each process's figures. Nothing is measured.
"""


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `list`, `explain` and `table`."""
    about = "show implementations, problems, devices and suites; what can't run here, and why"
    add_parser(commands, "list", "listing:list_", about)
    add_parser(commands, "explain", "show:explain", EXPLAIN_DESCRIPTION, _declare_explain)
    about = "print the tables of recorded runs in Markdown"
    add_parser(commands, "table", "show:table", about, _declare_table)


def _declare_explain(parser: Parser) -> None:
    case = "a part of the case's name, as pytest prints it: 'jax_scan', 'torch_epoch-cpu-book'"
    add_argument(parser, "case", case, metavar="CASE")
    file = "default: the records whose rows the report shows"
    add_argument(parser, "file", file, nargs="?", type=Path, metavar="FILE")


def _declare_table(parser: Parser) -> None:
    files = "default: your records in results/local/runs; if there is none, the published ones"
    add_argument(parser, "files", files, nargs="*", type=Path, metavar="FILE")
