"""The commands `track add`, `track show` and `track export`."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, Literal

from benchmarks.analysis.columns import Column
from benchmarks.cases.implementations import FLOOR
from benchmarks.cli.parser import add_argument, add_baseline, add_parser, add_path
from benchmarks.errors import UsageError, unknown_name
from benchmarks.files import explain_refusal, write_named
from benchmarks.paths import HISTORY
from benchmarks.report.export.trends import COLUMNS, to_csv, to_custom_smaller_is_better
from benchmarks.report.tables.trends import print_trends
from benchmarks.terminal import Terminal
from benchmarks.track.change_points import Segmentation
from benchmarks.track.history import Record, add, read_history, read_record
from benchmarks.track.trends import points_of, trends_of

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


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `track` and its actions."""
    track = commands.add_parser("track", help=DESCRIPTION.partition("\n")[0], description=DESCRIPTION)
    actions = track.add_subparsers(required=True, metavar="ACTION")
    add_ = add_parser(actions, "add", _add, ABOUT_ADD)
    add_argument(add_, "files", "a record, as `run` writes it", nargs="+", type=Path, metavar="FILE")
    show = add_parser(actions, "show", _show, ABOUT_SHOW, statuses=INCOMPLETE)
    add_argument(show, "case", "a part of the cases' names; default: all", "", nargs="?", metavar="CASE")
    add_path(show, "--plot", "also draw it, into a file that ends in .svg or .png")
    columns = "\n".join(["columns of the csv:", *map(_explained, COLUMNS), "\n"])
    export = add_parser(actions, "export", _export, ABOUT_EXPORT, statuses=INCOMPLETE, epilog=columns)
    add_argument(export, "files", "a record; default: the history's", nargs="*", type=Path, metavar="FILE")
    add_argument(export, "--format", "the format, see above", "csv", choices=("csv", "customSmallerIsBetter"))
    add_path(export, "-o --output", "default: standard output")
    baseline = f"{FLOOR} where a run has it for the case's problem and device, else the run's own"
    for parser in (show, export):
        add_baseline(parser, baseline)
    for parser in (add_, show, export):
        add_path(parser, "--history", "the folder of the history", HISTORY)


def _explained(column: Column) -> str:
    return fill(column.meaning, 80, initial_indent=f"  {column.title:18}", subsequent_indent=" " * 20)


def _add(parsed: argparse.Namespace) -> int:
    for file in parsed.files:
        read_record(file)
    for file in parsed.files:
        path, is_new = add(file, parsed.history)
        sys.stdout.write(f"{'added' if is_new else 'already there'}: {path}\n")
        sys.stdout.flush()  # so that a killed process has reported what it did
    return 0


def _show(parsed: argparse.Namespace) -> int:
    if parsed.plot:
        _require_format(parsed.plot)
    records, status = _records(parsed)
    trends = trends_of(records, parsed.baseline)
    chosen = [trend for trend in trends if parsed.case in trend.case]
    if not chosen:
        raise unknown_name(parsed.case, dict.fromkeys(trend.case for trend in trends), kind="case")
    segmented = [Segmentation.of(trend) for trend in chosen]
    print_trends(segmented, Terminal())
    if parsed.plot:
        _plot(segmented, parsed.plot)
        sys.stdout.write(f"plot: {parsed.plot}\n")
    return status


def _require_format(path: Path) -> None:
    if path.suffix not in (".svg", ".png"):
        message = f"--plot: expected a file that ends in .svg or .png, found {path}"
        raise UsageError(message)


def _plot(segmented: Sequence[Segmentation], path: Path) -> None:
    """Plot the trends one below the other, in the format of the file's suffix."""
    try:
        import vl_convert  # noqa: F401, PLC0415 - altair writes with it; both are part of an extra

        from benchmarks.report.plots.trend import chart_of  # noqa: PLC0415 - needs altair
    except ImportError as error:
        message = f"--plot needs more packages ({error}): pip install 'perceptron-bench[report]'"
        raise UsageError(message) from None
    with explain_refusal(path, remedy="name another file with --plot"):
        path.parent.mkdir(parents=True, exist_ok=True)
        form: Literal["png", "svg"] = "png" if path.suffix == ".png" else "svg"
        drawing = io.BytesIO() if form == "png" else io.StringIO()
        chart_of(segmented).save(drawing, format=form, scale_factor=2)
        write_named(path, drawing.getvalue())


def _export(parsed: argparse.Namespace) -> int:
    records, status = _records(parsed)
    if parsed.format == "csv":
        text = to_csv([point for trend in trends_of(records, parsed.baseline) for point in trend.points])
    else:
        text = to_custom_smaller_is_better(points_of(records[-1], parsed.baseline))
    if parsed.output is None:
        sys.stdout.write(text)
        return status
    with explain_refusal(parsed.output, remedy="name another file with -o"):
        write_named(parsed.output, text)
    return status


def _records(parsed: argparse.Namespace) -> tuple[Sequence[Record], int]:
    """Read the records that the call asks for, oldest first; report unusable ones on standard error.

    Raises:
        UsageError: there is no record, or none with a case and its baseline.
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
        message = "no case was timed in the same run as its baseline: name another one with --baseline"
        raise UsageError(message)
    return records, status
