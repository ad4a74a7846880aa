"""Runs → tables, on the terminal and in Markdown; every figure comes from the record."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.table import Table

from benchmarks.analysis.caveats import doubts
from benchmarks.analysis.figures import figures_of
from benchmarks.records.caption import machine, software
from benchmarks.records.run import Verdict
from benchmarks.stats import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich import box

    from benchmarks.analysis.figures import Figures
    from benchmarks.records.run import Run

NO_FIGURE = "—"

READING = """\
Epoch time: *typical* is the median over the rounds of each process's median, *best* the fastest epoch of \
all. *vs NAME* is how many times faster than the baseline: the median over the rounds of the ratio of the \
two processes' fastest epochs, with its 95 % confidence interval (of 5 rounds 94 %, of fewer none). *vs \
floor* is how many times as long as the `native_floor`'s its epoch takes, compared in the same way. The \
first epoch of a problem in a process traces, compiles and runs: *cold* with empty disk caches (one \
process), *warm* with what an earlier process left in them (the median over the rounds). *Memory* is the \
process's peak, data included, above what it held once the framework was loaded; on a GPU, the peak of the \
framework's allocator. *Deviation* is the largest difference of any step's loss from the reference."""


def groups_of(run: Run) -> list[tuple[str, list[Figures]]]:
    """Give the rows that may be compared, fastest first, by title; but no group that nobody could measure."""
    ordered = sorted(figures_of(run), key=lambda figures: figures.group)
    groups = [(title, list(rows)) for title, rows in groupby(ordered, key=lambda figures: figures.group)]
    return [
        (title, sorted(rows, key=lambda figures: figures.typical_s or float("inf")))
        for title, rows in groups
        if any(figures.verdict != Verdict.NOT_MEASURED for figures in rows)
    ]


def caption(run: Run) -> str:
    """Say where, when and with what the run was measured."""
    at = run.provenance
    parts = [*doubts(run), machine(at), software(at.versions, at.commit), at.date, _rounds(run)]
    return " · ".join(parts)


def _rounds(run: Run) -> str:
    asked = run.settings.rounds
    if not asked:
        return "no timed round"
    done = min((len(row.processes) for row in run.rows if row.is_timed), default=asked)
    if done == asked:
        return f"{asked} round{'s' * (asked != 1)}"
    why = "" if run.settings.interrupted else ": time was up (--budget says how much there is)"
    return f"{done} of {asked} rounds{why}"


def row_table(
    rows: Sequence[Figures], *, box_: box.Box, plain: Callable[[str], str], title: str | None = None
) -> Table:
    """Lay a group's rows out; `plain` keeps text from being read as the medium's markup."""
    table = Table(title=title, box=box_, title_justify="left", title_style="bold")
    table.add_column("implementation", no_wrap=True)
    table.add_column("tier")
    versus = f"vs {rows[0].baseline}"
    numbers = (
        "typical",
        "best",
        "samples/s",
        versus,
        "95 %",
        "vs floor",
        "cold",
        "warm",
        "memory",
        "deviation",
    )
    for heading in numbers:
        table.add_column(plain(heading), justify="right")
    table.add_column("verdict", no_wrap=True)
    for figures in rows:
        table.add_row(*map(plain, _cells(figures)))
    return table


def _cells(of: Figures) -> list[str]:
    return [
        of.implementation,
        of.tier,
        time_cell(of.typical_s),
        time_cell(of.best_s),
        throughput_cell(of.samples_per_s),
        ratio_cell(of.speedup),
        interval_cell(of.speedup_low, of.speedup_high, of.speedup_coverage),
        ratio_cell(of.times_floor),
        time_cell(of.cold_s),
        time_cell(of.warm_s),
        memory_cell(of.memory_bytes),
        deviation_cell(of.deviation),
        of.verdict,
    ]


def time_cell(time_s: float | None) -> str:
    """Write a time, if there is one."""
    return NO_FIGURE if time_s is None else si(time_s, "s")


def throughput_cell(samples_per_s: float | None) -> str:
    """Write a throughput, if there is one."""
    return NO_FIGURE if samples_per_s is None else si(samples_per_s, "")


def deviation_cell(deviation: float | None) -> str:
    """Write a deviation from the reference, if there is one."""
    return NO_FIGURE if deviation is None else f"{deviation:.1e}"


def memory_cell(size_bytes: int | None) -> str:
    """Write a size, if there is one."""
    return NO_FIGURE if size_bytes is None else f"{size_bytes / 1e6:.1f} MB"


def ratio_cell(ratio: float | None) -> str:
    """Write a ratio, if there is one: "25.2×"."""
    return NO_FIGURE if ratio is None else f"{_three_digits(ratio)}×"


def interval_cell(low: float | None, high: float | None, coverage: float | None) -> str:
    """Write a ratio's interval, if it has one: "25 to 25.6", with its coverage where that is below 95 %."""
    if low is None or high is None or coverage is None:
        return NO_FIGURE
    less = f" ({coverage:.0%})" if coverage < CONFIDENCE else ""
    return f"{_three_digits(low)} to {_three_digits(high)}{less}"


def _three_digits(value: float) -> str:
    """Write a ratio with three significant digits, or all of a large one's: "25.2", "2,954"."""
    return f"{value:.3g}" if value < 999.5 else f"{value:,.0f}"  # noqa: PLR2004 - rounds to four digits


def si(value: float, unit: str) -> str:
    """Write a value with three significant digits and an SI prefix, or 0: "142 µs", "45.1 M", "0 s"."""
    if not value:
        return f"0 {unit}".rstrip()
    prefixes = {1e9: "G", 1e6: "M", 1e3: "k", 1: "", 1e-3: "m", 1e-6: "µ", 1e-9: "n", 1e-12: "p"}
    factor = next((factor for factor in prefixes if value >= factor * 0.9995), 1e-12)
    scaled = value / factor
    return f"{scaled:#.3g}".rstrip(".") + f" {prefixes[factor]}{unit}".rstrip()
