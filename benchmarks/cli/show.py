"""The commands that measure nothing: `list`, `explain` and `table`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from rich.markup import escape

from benchmarks.analysis.columns import Column
from benchmarks.analysis.run_selection import headline_groups
from benchmarks.cases.implementations import discover, select
from benchmarks.cases.problems import NAMED, name_of
from benchmarks.cases.suites import QUICK, SUITES
from benchmarks.errors import UsageError, unknown_name
from benchmarks.paths import LOCAL_RUNS, PUBLISHED_RUNS
from benchmarks.records.run import Run, recorded_runs
from benchmarks.report.tables.case import print_row
from benchmarks.report.tables.grid import Grid
from benchmarks.report.tables.run import caption, to_markdown
from benchmarks.runner.probe import probe_all
from benchmarks.terminal import Terminal
from impls.contract import DEVICES, Device


def _answer(device: Device) -> Callable[[Any], str]:
    """Return the function that reads from an implementation's answers whether it can run on the device."""
    return lambda line: "no" if line[1][device] else "yes"


IMPLEMENTATIONS = (
    Column("implementation", is_text=True, cell=lambda line: line[0].name),
    Column("tier", is_text=True, cell=lambda line: line[0].tier),
    *(Column(device, is_text=True, cell=_answer(device)) for device in DEVICES),
    Column("what it is", is_text=True, cell=lambda line: line[0].summary),
)

PROBLEMS = (
    Column("problem", is_text=True, cell=itemgetter(0)),
    Column("case", is_text=True, cell=lambda line: name_of(line[1])),
    Column("samples per epoch", value=lambda line: line[1].samples_per_epoch),
)

SUITE_COLUMNS = (
    Column("suite", is_text=True, cell=itemgetter(0)),
    Column("cases", value=lambda line: len(line[1].impls or select(())) * len(line[1].problems)),
    Column("rounds", value=lambda line: line[1].rounds),
    Column("what it measures", is_text=True, cell=lambda line: line[1].summary),
)


def list_(_: argparse.Namespace) -> int:
    """Show what can be measured here; one process asks all implementations of a framework."""
    console = Terminal()
    entries = list(discover().values())
    with (
        tempfile.TemporaryDirectory(prefix="perceptron-bench-") as folder,
        console.status("asking each implementation where it can run"),
    ):
        reasons = probe_all(entries, DEVICES, Path(folder))
    console.print(Grid.of("Implementations", IMPLEMENTATIONS, zip(entries, reasons, strict=True)))
    for entry, ends in zip(entries, reasons, strict=True):
        for device in DEVICES:
            if end := ends[device]:
                why = f"  {entry.name} on {device}: {escape(end.reason)}"
                console.print(why, soft_wrap=True, highlight=False)
    console.print(Grid.of("Problems", PROBLEMS, NAMED.items()))
    console.print("Any field can be replaced: --problem book,batch_size=64,data=stream", highlight=False)
    console.print(Grid.of("Suites", SUITE_COLUMNS, {"--quick": QUICK, **SUITES}.items()))
    return 0


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
