"""The commands `track add`, `track show` and `track export`."""

from __future__ import annotations

import argparse
from pathlib import Path
from textwrap import fill
from typing import Any

from benchmarks.analysis.columns import Column
from benchmarks.cases.implementations import FLOOR
from benchmarks.cli.parser import Parser, add_argument, add_baseline, add_parser, add_path
from benchmarks.paths import HISTORY
from benchmarks.report.export.trends import COLUMNS

DESCRIPTION = """\
keep runs, show how cases change over time, and write that for other tools

  perceptron-bench run --suite named                    # say, every night
  perceptron-bench track add results/local/runs/*.json
  perceptron-bench track show                           # every case over time
  perceptron-bench track show jax_scan --plot jax.svg
  perceptron-bench track export -o trends.csv           # for another program
"""

ABOUT_ADD = """\
put run records into the history, byte for byte

All files are checked before the first is added. A file is refused if it is
incomplete, was edited so that it makes no sense, or is of another tool or
schema version. A record that is already there is not added again. Several
processes may add at the same time. A killed process leaves no incomplete record
in the history.
"""

ABOUT_SHOW = """\
show each case over time and where it changed

Shown is the ratio of a case's epoch time to that of the baseline, measured in
the same rounds of the same run. From six runs on, also the runs at which the
level changed, with the differences there: commit, versions, system. Runs on
different hardware, with different numbers of cores or in different precisions
are in different trends.
"""

ABOUT_EXPORT = """\
write the history, or the named records, for other tools

csv: one row per case and run; the columns are below.
customSmallerIsBetter: the newest run, for github-action-benchmark's tool of
that name. Each value is the ratio of a case's time to the baseline's. (That
action's tool 'pytest', Bencher's adapter 'python_pytest' and
py.test-benchmark read the records as they are; the first two look at means.)
"""

INCOMPLETE = {1: "done, but a file of the history can't be used (standard error names it)"}

FOLDER = "the folder of the history"
DEFAULT_BASELINE = f"{FLOOR} where a run has it for the case's problem and device, else the run's own"


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `track` and its actions."""
    track: Parser = commands.add_parser("track", help=DESCRIPTION.partition("\n")[0], description=DESCRIPTION)
    track.declare = _add_actions


def _add_actions(track: Parser) -> None:
    actions = track.add_subparsers(required=True, metavar="ACTION")
    add_parser(actions, "add", "track:add_records", ABOUT_ADD, _declare_add)
    add_parser(actions, "show", "track:show", ABOUT_SHOW, _declare_show, statuses=INCOMPLETE)
    columns = "\n".join(["columns of the csv:", *map(_explained, COLUMNS), "\n"])
    name, do, about = "export", "track:export", ABOUT_EXPORT
    add_parser(actions, name, do, about, _declare_export, statuses=INCOMPLETE, epilog=columns)


def _declare_add(parser: Parser) -> None:
    add_argument(parser, "files", "a record, as `run` writes it", nargs="+", type=Path, metavar="FILE")
    add_path(parser, "--history", FOLDER, HISTORY)


def _declare_show(parser: Parser) -> None:
    add_argument(parser, "case", "a part of the cases' names; default: all", "", nargs="?", metavar="CASE")
    add_path(parser, "--plot", "also draw it, into a file that ends in .svg or .png")
    add_baseline(parser, DEFAULT_BASELINE)
    add_path(parser, "--history", FOLDER, HISTORY)


def _declare_export(parser: Parser) -> None:
    add_argument(parser, "files", "a record; default: the history's", nargs="*", type=Path, metavar="FILE")
    add_argument(parser, "--format", "the format, see above", "csv", choices=("csv", "customSmallerIsBetter"))
    add_path(parser, "-o --output", "default: standard output")
    add_baseline(parser, DEFAULT_BASELINE)
    add_path(parser, "--history", FOLDER, HISTORY)


def _explained(column: Column) -> str:
    return fill(column.meaning, 80, initial_indent=f"  {column.title:18}", subsequent_indent=" " * 20)
