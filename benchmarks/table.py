"""Runs → tables, on the terminal and in Markdown; every figure comes from the record."""

from __future__ import annotations

import io
import re
from collections import Counter, defaultdict
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.fairness import STARVED
from benchmarks.record import Verdict
from benchmarks.statistics import Ratio, speedup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.record import Row, Run

NO_FIGURE = "—"

READING = """\
Epoch time: *typical* is the median over the rounds of each process's median, *best* the fastest epoch of \
all. *vs NAME* is how many times faster than the baseline: the median over the rounds of the ratio of the \
two processes' fastest epochs, with its 95 % confidence interval. *First call* is a process's first epoch \
of the problem: trace, compile, run. *Deviation* is the largest difference of any step's loss from the \
reference."""


def print_run(run: Run, console: Console) -> None:
    """Print every table of the run, the reasons of rows without a time, and where it was measured."""
    for title, rows in groups_of(run):
        console.print(_table(rows, run, box_=box.SIMPLE_HEAD, plain=escape, title=escape(title)))
    for reason in [*reasons(run.rows), *starved(run.rows)]:
        console.print(reason, highlight=False, markup=False, soft_wrap=True)
    console.print(caption(run), highlight=False, markup=False, soft_wrap=True, style="dim")


def to_markdown(runs: Sequence[Run]) -> str:
    """Write the tables of all runs, in the order given."""
    return "\n".join(line for run in runs for line in _markdown_lines(run))


def _markdown_lines(run: Run) -> Iterator[str]:
    yield f"## Run of {run.provenance.date}\n"
    for title, rows in groups_of(run):
        yield f"### {_plain_in_markdown(title)}\n"
        table = _table(rows, run, box_=box.MARKDOWN, plain=lambda text: escape(_plain_in_markdown(text)))
        yield _as_markdown(table)
        yield f"{_plain_in_markdown(caption(run))}\n"
    for reason in [*reasons(run.rows), *starved(run.rows)]:
        yield f"- {_plain_in_markdown(reason)}"
    yield ""


def groups_of(run: Run) -> list[tuple[str, list[Row]]]:
    """Give the rows that may be compared, fastest first, by title; but no group that nobody could measure."""
    ordered = sorted(run.rows, key=lambda row: row.group)
    groups = [(title, list(rows)) for title, rows in groupby(ordered, key=lambda row: row.group)]
    return [
        (title, sorted(rows, key=typical_s))
        for title, rows in groups
        if any(row.verdict is not Verdict.NOT_MEASURED for row in rows)
    ]


def typical_s(row: Row) -> float:
    """Give the median of the processes' medians; infinite for a row without a time."""
    if row.verdict is not Verdict.VERIFIED or not row.processes:
        return float("inf")
    return float(np.median([process.median_s for process in row.processes]))


def speedup_over(baseline: Row, row: Row) -> Ratio | None:
    """Compare two rows of one group over the rounds in which both ran; None where there is no such round."""
    if baseline.verdict is not Verdict.VERIFIED or row.verdict is not Verdict.VERIFIED:
        return None
    if row == baseline:
        return Ratio(1.0)
    theirs = {process.round: process.min_s for process in baseline.processes}
    pairs = [(theirs[p.round], p.min_s) for p in row.processes if p.round in theirs]
    return speedup(*zip(*pairs, strict=True)) if pairs else None


def reasons(rows: Sequence[Row]) -> list[str]:
    """Say why rows have no time, each reason once with all the cases it holds for."""
    cases: dict[tuple[str, str, Verdict, str], list[str]] = defaultdict(list)
    for row in rows:
        if row.verdict is not Verdict.VERIFIED:
            key = (row.implementation, row.device, row.verdict, row.reason or "")
            cases[key].append(row.group.removesuffix(f" on {row.device}"))
    n_cases = Counter((row.implementation, str(row.device)) for row in rows)
    sharing: dict[tuple[str, Verdict, str, str], list[str]] = defaultdict(list)
    for (implementation, device, verdict, reason), names in cases.items():
        which = "every case" if len(names) == n_cases[implementation, device] else ", ".join(names)
        sharing[device, verdict, reason, which].append(implementation)
    return [
        f"{verdict}: {', '.join(implementations)} on {device} ({which}): {reason}"
        for (device, verdict, reason, which), implementations in sharing.items()
    ]


def starved(rows: Sequence[Row]) -> list[str]:
    """Warn of processes on a CPU that got less of their core than they were allotted."""
    shares = {
        (row.implementation, row.group): min(process.cpu_per_wall for process in row.processes)
        for row in rows
        if row.device == "cpu" and row.verdict is Verdict.VERIFIED and row.processes
    }
    return [
        f"warning: {implementation}, {group}: a process got only {share:.0%} of its core, so something else "
        "ran there; its times are too long"
        for (implementation, group), share in shares.items()
        if share < STARVED
    ]


def caption(run: Run) -> str:
    """Say where, when and with what the run was measured."""
    at, settings = run.provenance, run.settings
    remarks = [
        remark
        for remark, holds in (
            ("NOT TIMED: each case ran once and was verified", not settings.timed),
            ("QUICK LOOK: one round, no interval", settings.quick),
            (f"INTERRUPTED ({settings.interrupted}): some rounds are missing", settings.interrupted),
        )
        if holds
    ]
    hardware = f"{at.cpu} ({at.n_cpus} CPUs)" + (f", {at.gpu}" if at.gpu else "")
    pinned = f"pinned to CPU {', '.join(map(str, at.pinned_to))}" if at.pinned_to else "not pinned"
    parts = [
        *remarks,
        f"{at.machine}: {hardware}, {at.system}",
        f"{at.n_cores_used} core used, {pinned}",
        ", ".join(f"{name} {version}" for name, version in at.versions.items()),
        f"commit {at.commit or 'unknown'}",
        at.date,
        _rounds(run),
    ]
    return " · ".join(parts)


def _rounds(run: Run) -> str:
    asked = run.settings.rounds
    done = min((len(row.processes) for row in run.rows if row.processes), default=asked)
    return f"{asked} round{'s' * (asked != 1)}" if done == asked else f"{done} of {asked} rounds"


def _table(
    rows: Sequence[Row], run: Run, *, box_: box.Box, plain: Callable[[str], str], title: str | None = None
) -> Table:
    """Lay the rows out; `plain` keeps text from being read as the medium's markup."""
    name = run.settings.baseline
    baseline = next((row for row in rows if row.implementation == name), None)
    table = Table(title=title, box=box_, title_justify="left", title_style="bold")
    table.add_column("implementation", no_wrap=True)
    table.add_column("tier")
    for heading in ("typical", "best", "samples/s", f"vs {name}", "95 %", "first call", "deviation"):
        table.add_column(plain(heading), justify="right")
    table.add_column("verdict")
    for row in rows:
        table.add_row(*map(plain, _cells(row, baseline)))
    return table


def _cells(row: Row, baseline: Row | None) -> list[str]:
    figures = [NO_FIGURE] * 6
    if row.verdict is Verdict.VERIFIED and row.processes:
        seconds = typical_s(row)
        figures = [
            si(seconds, "s"),
            si(min(process.min_s for process in row.processes), "s"),
            si(row.problem.samples_per_epoch / seconds, ""),
            *_ratio_cells(speedup_over(baseline, row) if baseline else None),
            si(float(np.median([process.first_call_s for process in row.processes])), "s"),
        ]
    deviation = row.agreement.max_loss_deviation if row.agreement else None
    return [
        row.implementation,
        row.tier,
        *figures,
        NO_FIGURE if deviation is None else f"{deviation:.1e}",
        row.verdict,
    ]


def _ratio_cells(ratio: Ratio | None) -> tuple[str, str]:
    if ratio is None:
        return NO_FIGURE, NO_FIGURE
    if ratio.low is None or ratio.high is None:
        return f"{ratio.value:.3g}×", NO_FIGURE
    return f"{ratio.value:.3g}×", f"{ratio.low:.3g} to {ratio.high:.3g}"


def si(value: float, unit: str) -> str:
    """Write a positive value with three significant digits and an SI prefix: "142 µs", "45.1 M"."""
    prefixes = {1e9: "G", 1e6: "M", 1e3: "k", 1: "", 1e-3: "m", 1e-6: "µ", 1e-9: "n"}
    factor = next((factor for factor in prefixes if value >= factor * 0.9995), 1e-9)
    scaled = value / factor
    return f"{scaled:#.3g}".rstrip(".") + f" {prefixes[factor]}{unit}".rstrip()


def _as_markdown(table: Table) -> str:
    text = io.StringIO()
    # Wide enough for any cell: Markdown has no line breaks inside a row.
    Console(file=text, width=100_000, color_system=None).print(table)
    lines = [line.rstrip() for line in text.getvalue().splitlines() if line.strip()]
    return "\n".join(lines) + "\n"


def _plain_in_markdown(text: str) -> str:
    """Keep text from a record from being read as Markdown or HTML; underscores within a word are harmless."""
    return re.sub(r"([\\`*\[\]<>|#~&]|(?<!\w)_|_(?!\w))", r"\\\1", " ".join(text.split()))
