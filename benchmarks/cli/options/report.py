"""The command `report`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmarks.cli.parser import Parser, add_argument, add_baseline, add_parser, add_path
from benchmarks.paths import LOCAL

DESCRIPTION = """\
write tables, plots, page and data from records

Nothing is measured. README.md has the results in short, tables.md all tables,
index.html is a page to explore (offline), plots/ has SVG files (with --png
also PNG), data/ CSV and Parquet files. By default the report is about your
own records; its page also offers the published ones.
"""


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `report`."""
    add_parser(commands, "report", "report:report", DESCRIPTION, _declare)


def _declare(parser: Parser) -> None:
    runs = "a record, or a folder of records; default: results/local/runs"
    add_argument(parser, "runs", runs, nargs="*", type=Path, metavar="RUN")
    target = parser.add_mutually_exclusive_group()
    add_path(target, "-o --output", "the folder of the report", LOCAL)
    publish = "write the published report, results/, from results/runs"
    add_argument(target, "--publish", publish, default=False)
    add_path(parser, "--against", "compare the newest record with this earlier one, as `compare` does")
    add_baseline(parser, "none: with --against, times are compared")
    add_argument(parser, "--png", "also write each plot as PNG, for slides", default=False)
    add_argument(parser, "--no-plots", "write no plots, except those of the page", default=False)
