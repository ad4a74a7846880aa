"""The commands that read records: `explain` and `table`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.analysis.run_selection import headline_groups
from benchmarks.errors import UsageError, unknown_name
from benchmarks.paths import LOCAL_RUNS, PUBLISHED_RUNS
from benchmarks.records.run import Run, recorded_runs
from benchmarks.report.tables.case import print_row
from benchmarks.report.tables.run import caption, to_markdown
from benchmarks.terminal import Terminal


def table(parsed: argparse.Namespace) -> int:
    """Print the tables of the given files, or of the user's runs, or of the published ones; newest first.

    Raises:
        UsageError: a file is no record of ours, or there is none.
    """
    runs = _recorded(parsed.files)
    sys.stdout.write(to_markdown(sorted(runs, key=lambda run: run.provenance.date, reverse=True)) + "\n")
    return 0


def _recorded(files: Sequence[Path]) -> list[Run]:
    """Read these files, or the user's records, or the published ones where the user has none."""
    stored = [folder for folder in (LOCAL_RUNS, PUBLISHED_RUNS) if any(folder.glob("*.json"))]
    if runs := recorded_runs(files or stored[:1]):
        return runs
    places = ", ".join(map(str, files or [LOCAL_RUNS]))
    message = f"no records in {places}: name a file, or measure with `perceptron-bench run`"
    raise UsageError(message)


def explain(parsed: argparse.Namespace) -> int:
    """Print the details of the rows with the text in their names: of the file, or as the report shows.

    Raises:
        UsageError: there is no record, or none holds such a case.
    """
    runs = _recorded([parsed.file] if parsed.file else [])
    shown_runs = [(group, run) for groups in headline_groups(runs).values() for group, run in groups.items()]
    rows = [(row, run) for group, run in shown_runs for row in run.rows if row.group == group]
    console = Terminal()
    found = [(row, run) for row, run in rows if parsed.case in row.case]
    if not found:
        raise unknown_name(parsed.case, [row.case for row, _ in rows], kind="case")
    for row, run in found:
        print_row(row, console)
        console.print(caption(run), highlight=False, markup=False, soft_wrap=True, style="dim")
    return 0
