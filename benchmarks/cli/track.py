"""The commands `track add`, `track show` and `track export`."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Literal

from benchmarks.errors import UsageError, unknown_name
from benchmarks.files import explain_refusal, write_named
from benchmarks.report.export.trends import to_csv, to_custom_smaller_is_better
from benchmarks.report.tables.trends import print_trends
from benchmarks.terminal import Terminal
from benchmarks.track.change_points import Segmentation
from benchmarks.track.history import Record, add, read_history, read_record
from benchmarks.track.trends import points_of, trends_of


def add_records(parsed: argparse.Namespace) -> int:
    """Add the records to the history, after all of them could be read, and print where they are.

    Raises:
        UsageError: a record can't be read or added.
    """
    for file in parsed.files:
        read_record(file)
    for file in parsed.files:
        path, is_new = add(file, parsed.history)
        sys.stdout.write(f"{'added' if is_new else 'already there'}: {path}\n")
        sys.stdout.flush()  # so that a killed process has reported what it did
    return 0


def show(parsed: argparse.Namespace) -> int:
    """Print the trends, and plot them if asked; return 1 if a file of the history can't be used.

    Raises:
        UsageError: there is no such case, or the plot can't be written.
    """
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
        import_module("vl_convert")  # altair writes with it
        from benchmarks.report.plots.trend import chart_of  # noqa: PLC0415 - it imports altair, which only an extra installs
    except ImportError as error:
        message = f"--plot needs more packages ({error}): pip install 'perceptron-bench[report]'"
        raise UsageError(message) from None
    with explain_refusal(path, remedy="name another file with --plot"):
        path.parent.mkdir(parents=True, exist_ok=True)
        form: Literal["png", "svg"] = "png" if path.suffix == ".png" else "svg"
        drawing = io.BytesIO() if form == "png" else io.StringIO()
        chart_of(segmented).save(drawing, format=form, scale_factor=2)
        write_named(path, drawing.getvalue())


def export(parsed: argparse.Namespace) -> int:
    """Write the points for other tools; return 1 if a file of the history can't be used.

    Raises:
        UsageError: there is no point, or the file can't be written.
    """
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
