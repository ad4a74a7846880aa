"""The command `report`: records → everything that is read."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.compare.result import Comparison
from benchmarks.compare.two_runs import Settings, compare_runs
from benchmarks.errors import UsageError
from benchmarks.paths import CODE, LOCAL, LOCAL_RUNS, PUBLISHED, PUBLISHED_RUNS, is_checkout, real_path
from benchmarks.records.run import Run, read_run, recorded_runs
from benchmarks.report.publish import Part, write_report


def report(parsed: argparse.Namespace) -> int:
    """Write the report and print where it is.

    Raises:
        UsageError: a record can't be read or compared, or the folder can't be written.
    """
    if parsed.publish and not is_checkout(CODE):
        message = f"--publish: expected a checkout of perceptron-bench, found none at {CODE}; run it in one"
        raise UsageError(message)
    if parsed.publish and (parsed.runs or parsed.against or parsed.no_plots or parsed.png):
        message = (
            "--publish takes all records in results/runs, and nothing else: expected no RUN, --against, "
            "--no-plots or --png, found one; copy the record there"
        )
        raise UsageError(message)
    if not parsed.publish and real_path(parsed.output) == PUBLISHED:
        message = f"{parsed.output}: only --publish writes the published report; name another folder with -o"
        raise UsageError(message)
    with _no_collecting():
        lines = _report(parsed)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Turn garbage collection off: a large report makes millions of objects, and all are needed."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _report(parsed: argparse.Namespace) -> list[str]:
    named = [PUBLISHED_RUNS] if parsed.publish else parsed.runs
    runs = recorded_runs(named) if named else _runs_in(LOCAL_RUNS)
    chosen: dict[Part, bool] = {"plots": not parsed.no_plots, "png": parsed.png, "data": not parsed.publish}
    comparison = None
    if parsed.against:
        base = read_run(parsed.against)
        comparison = _side_by_side(base, runs, parsed)
        runs = runs if base in runs else [*runs, base]
    return write_report(
        runs,
        PUBLISHED if parsed.publish else parsed.output,
        beside=[] if named else _runs_in(PUBLISHED_RUNS),
        comparison=comparison,
        leave_out=[part for part, is_wanted in chosen.items() if not is_wanted],
    )


def _side_by_side(base: Run, runs: Sequence[Run], parsed: argparse.Namespace) -> Comparison:
    others = [run for run in runs if run != base]
    if not others:
        message = f"--against: expected another record to compare with {parsed.against}, found none; name one"
        raise UsageError(message)
    newest = max(others, key=lambda run: run.provenance.date)
    return compare_runs(base, newest, Settings(baseline=parsed.baseline))


def report_locally() -> list[str]:
    """Write the report of the user's own runs, with the published ones on its page; return where it is."""
    return write_report(_runs_in(LOCAL_RUNS), LOCAL, beside=_runs_in(PUBLISHED_RUNS))


def _runs_in(folder: Path) -> list[Run]:
    """Read the records of a folder; there may be none yet, and only a checkout has the published ones."""
    return recorded_runs([folder] if folder.is_dir() else [])
