"""The commands `track add`, `track show` and `track export`: runs over time."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cases.implementations import FLOOR
from benchmarks.errors import UsageError, unknown_name
from benchmarks.paths import HISTORY
from benchmarks.report.export.trends import COLUMNS, to_csv, to_custom_smaller_is_better
from benchmarks.report.plots.trend_files import require_format, write_plot
from benchmarks.report.tables.trends import print_trends
from benchmarks.terminal import Terminal
from benchmarks.track.change_points import Segmentation
from benchmarks.track.history import add, read_history, read_record
from benchmarks.track.trends import points_of, trends_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.track.history import Record

LOG_WIDTH = 160  # columns, where the output is no screen

EPILOG = """\
example:
  perceptron-bench run --suite named                     measure; say, every night
  perceptron-bench track add results/runs/*.json         keep what was measured
  perceptron-bench track show                            all cases over time, and where they changed
  perceptron-bench track show jax_scan --plot jax.svg    some of them, as a picture
  perceptron-bench track export -o trends.csv            for a tool of your own

exit status: 0 all is well; 1 done, but a file of the history was left out (standard error names it and says
why); 4 the call can't be understood or a file can't be used
"""

ABOUT_ADD = """\
Put run records into the history, byte for byte. All files are checked before the first is added: one that is
cut off, edited so that it makes no sense, of another tool or of another schema version is refused. A record
that is there already stays the only one. Any number of processes may add at the same time, and may be killed
at it: a record is in the history whole, or it is not.
"""

ABOUT_SHOW = """\
Show each case over time: the ratio of its epoch's time to that of a control, measured in the same rounds of
the same run; and, of six runs or more, those from which on it has another level, with what differs there:
commit, versions, system. Runs on different hardware, with other numbers of cores or another precision are
never put into one trend.
"""

ABOUT_EXPORT = """\
Write the history, or the records named, for other tools.

csv: one row per case and run; columns below.
customSmallerIsBetter: the newest run, for github-action-benchmark's tool of that name: the ratio of each
case's time to its control's, which is what gates here. (That action's tool 'pytest', Bencher's adapter
'python_pytest' and py.test-benchmark read the records as they are; the first two look at the mean.)
"""


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Describe `track` and what it can do."""
    track = commands.add_parser(
        "track",
        help="keep runs, show how cases change over time, and write that for other tools",
        description="Keep the records of runs, and follow each case over time.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = track.add_subparsers(required=True, metavar="ACTION")
    _describe_add(actions)
    _describe_show(actions)
    _describe_export(actions)


def _describe_add(actions: argparse._SubParsersAction[Any]) -> None:
    parser = actions.add_parser("add", help="put run records into the history", description=ABOUT_ADD)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="as `run -o FILE` writes them")
    _add_history(parser)
    parser.set_defaults(do=_add)


def _describe_show(actions: argparse._SubParsersAction[Any]) -> None:
    parser = actions.add_parser(
        "show", help="show each case over time and where it changed", description=ABOUT_SHOW
    )
    parser.add_argument(
        "case", nargs="?", default="", metavar="CASE", help="a part of the cases' names; default: all"
    )
    _add_control(parser)
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw it, too, into a file that ends in .svg or .png"
    )
    _add_history(parser)
    parser.set_defaults(do=_show)


def _describe_export(actions: argparse._SubParsersAction[Any]) -> None:
    columns = "\n".join(f"  {name:18}{meaning}" for name, meaning in COLUMNS.items())
    parser = actions.add_parser(
        "export",
        help="write the history, or a run, for other tools",
        description=ABOUT_EXPORT,
        epilog=f"columns of the csv:\n{columns}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="records; default: the history's")
    parser.add_argument("--format", choices=("csv", "customSmallerIsBetter"), default="csv")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    _add_control(parser)
    _add_history(parser)
    parser.set_defaults(do=_export)


def _add_control(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--baseline",
        metavar="NAME",
        help=f"the implementation to hold the others against; default: {FLOOR} where a run has it for the "
        "case's problem and device, else the run's baseline",
    )


def _add_history(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--history", type=Path, default=HISTORY, metavar="DIR", help="default: results/local/history"
    )


def _add(parsed: argparse.Namespace) -> int:
    for file in parsed.files:
        read_record(file)
    for file in parsed.files:
        added = add(file, parsed.history)
        sys.stdout.write(f"{'added' if added.is_new else 'already there'}: {added.path}\n")
        sys.stdout.flush()  # so that one who is killed has told what is done
    return 0


def _show(parsed: argparse.Namespace) -> int:
    if parsed.plot:
        require_format(parsed.plot)
    records, status = _records(parsed)
    trends = trends_of(records, parsed.baseline)
    chosen = [trend for trend in trends if parsed.case in trend.case]
    if not chosen:
        raise unknown_name(parsed.case, dict.fromkeys(trend.case for trend in trends), kind="case")
    segmented = [Segmentation.of(trend) for trend in chosen]
    print_trends(segmented, Terminal(width=None if sys.stdout.isatty() else LOG_WIDTH))
    if parsed.plot:
        write_plot(segmented, parsed.plot)
        sys.stdout.write(f"plot: {parsed.plot}\n")
    return status


def _export(parsed: argparse.Namespace) -> int:
    records, status = _records(parsed)
    if parsed.format == "csv":
        text = to_csv([point for trend in trends_of(records, parsed.baseline) for point in trend.points])
    else:
        text = to_custom_smaller_is_better(points_of(records[-1], parsed.baseline))
    if parsed.output is None:
        sys.stdout.write(text)
        return status
    try:
        parsed.output.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{parsed.output}: can't be written ({error.strerror}); name another file with -o"
        raise UsageError(message) from None
    return status


def _records(parsed: argparse.Namespace) -> tuple[Sequence[Record], int]:
    """Read what the call asks for, oldest first, and say on standard error what of the history was left out.

    Raises:
        UsageError: there is no record, or none with a case and its control.

    """
    if files := getattr(parsed, "files", ()):
        records, status = sorted((read_record(file) for file in files), key=lambda each: each.date), 0
    else:
        history = read_history(parsed.history)
        sys.stderr.writelines(f"left out: {fault}\n" for fault in history.faults)
        records, status = list(history.records), 1 if history.faults else 0
    if not records:
        message = f"no records in {parsed.history}: add one with `perceptron-bench track add FILE`"
        raise UsageError(message)
    known = dict.fromkeys(row.implementation for record in records for row in record.run.rows)
    if parsed.baseline and parsed.baseline not in known:
        raise unknown_name(parsed.baseline, known, kind="baseline")
    if not any(points_of(record, parsed.baseline) for record in records):
        message = "no case was timed in the same run as its control: name another one with --baseline"
        raise UsageError(message)
    return records, status
