"""The command `report` of the command line: records → everything that is read."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.compare.two_runs import compare_calibrated
from benchmarks.errors import UsageError
from benchmarks.paths import RESULTS, RUNS
from benchmarks.records.run import read_run, recorded_runs
from benchmarks.report.publish import publish

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from benchmarks.compare.result import Comparison
    from benchmarks.records.run import Run
    from benchmarks.report.publish import Published


DESCRIPTION = """\
Write what is read, from records alone: README.md (the results in short), tables.md (all of them), index.html
(one page to explore, offline), pictures/ (SVG and PNG) and data/ (CSV and Parquet). Nothing is measured.
"""


def add_command(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Add `report`."""
    parser = subparsers.add_parser(
        "report", help="write tables, pictures, page and data from records", description=DESCRIPTION
    )
    parser.add_argument(
        "runs",
        nargs="*",
        type=Path,
        metavar="RUN",
        help="a record, or a folder of them; default: results/runs",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="default: results")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="RUN",
        help="hold the newest of the records against this earlier one, with the verdicts of `compare`",
    )
    parser.add_argument(
        "--baseline",
        metavar="NAME",
        help="with --against: compare only ratios to this implementation, as `compare` does",
    )
    parser.add_argument("--no-pictures", action="store_true", help="draw no files; the page has its own")
    parser.set_defaults(do=report)


def report(parsed: argparse.Namespace) -> int:
    """Write the report and say where.

    Raises:
        UsageError: a record can't be read or compared, or the folder can't be written.

    """
    with _no_collecting():
        return _report(parsed)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Look for no cycles of garbage meanwhile: a large report makes millions of objects, all to be kept."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _report(parsed: argparse.Namespace) -> int:
    runs = recorded_runs(parsed.runs or [RUNS])
    comparison = None
    if parsed.against:
        base = read_run(parsed.against)
        comparison = _side_by_side(base, runs, parsed)
        runs = runs if base in runs else [*runs, base]
    published = publish(
        runs, parsed.output or RESULTS, comparison=comparison, with_pictures=not parsed.no_pictures
    )
    sys.stdout.write("".join(f"{line}\n" for line in told(published)))
    return 0


def _side_by_side(base: Run, runs: Sequence[Run], parsed: argparse.Namespace) -> Comparison:
    others = [run for run in runs if run != base]
    if not others:
        message = f"--against: expected another record to hold against {parsed.against}, found none; name one"
        raise UsageError(message)
    newest = max(others, key=lambda run: run.provenance.date)
    return compare_calibrated(base, newest, control=parsed.baseline)


def write_report() -> list[str]:
    """Write the report of all recorded runs anew, and say in words where."""
    return told(publish(recorded_runs([RUNS]), RESULTS))


def told(published: Published) -> list[str]:
    """Say where a report is, and what it lacks."""
    page = [f"page:   {published.page}"] if published.page else []
    return [f"report: {published.readme}", *page, *(f"left out: {each}" for each in published.lacking)]
