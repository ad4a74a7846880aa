"""The command `list`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from rich.markup import escape

from benchmarks.analysis.columns import Column
from benchmarks.cases.implementations import REFERENCE_TIER, Description, describe_all
from benchmarks.cases.problems import NAMED, name_of
from benchmarks.cases.suites import QUICK, SUITES
from benchmarks.report.tables.grid import Grid
from benchmarks.runner.probe import Answer, probe_all
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
    Column("cases", value=itemgetter(2)),
    Column("rounds", value=lambda line: line[1].rounds),
    Column("what it measures", is_text=True, cell=lambda line: line[1].summary),
)


def list_(_: argparse.Namespace) -> int:
    """Show what can be measured here; one process asks all implementations of a framework."""
    console = Terminal()
    entries = describe_all()
    with (
        tempfile.TemporaryDirectory(prefix="perceptron-bench-") as folder,
        console.status("asking each implementation where it can run"),
    ):
        answers = probe_all(entries, DEVICES, Path(folder))
    console.print(Grid.of("Implementations", IMPLEMENTATIONS, zip(entries, answers, strict=True)))
    for reason in _reasons(entries, answers):
        console.print(f"  {escape(reason)}", soft_wrap=True, highlight=False)
    console.print(Grid.of("Problems", PROBLEMS, NAMED.items()))
    console.print("Any field can be replaced: --problem book,batch_size=64,data=stream", highlight=False)
    n_timed = sum(entry.tier != REFERENCE_TIER for entry in entries)
    suites = [
        (name, suite, (len(suite.impls) or n_timed) * len(suite.problems))
        for name, suite in {"--quick": QUICK, **SUITES}.items()
    ]
    console.print(Grid.of("Suites", SUITE_COLUMNS, suites))
    return 0


def _reasons(entries: Sequence[Description], answers: Sequence[Answer]) -> list[str]:
    """Describe why something can't run here; a reason that all have on a device, once."""
    lines: list[str] = []
    for device in DEVICES:
        ends = [(entry.name, answer[device]) for entry, answer in zip(entries, answers, strict=True)]
        found = [(name, end.reason) for name, end in ends if end]
        if len(found) == len(entries) and len({reason for _, reason in found}) == 1:
            found = [("every implementation", found[0][1])]
        lines += [f"{name} on {device}: {reason}" for name, reason in found]
    return lines
