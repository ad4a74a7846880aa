"""One row → all that is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from benchmarks.analysis.cells import NO_FIGURE, memory_cell, si
from benchmarks.analysis.figures import peak_bytes

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.records.row import Check, Row

HOLDS = {True: "holds", False: "FAILS", None: NO_FIGURE}


def print_row(row: Row, console: Console) -> None:
    """Print the verdict, the manifest, the costs and each process's figures."""
    console.rule(escape(row.case), align="left")
    console.print(f"{row.summary}\n{row.verdict}" + (f": {row.reason}" if row.reason else ""), markup=False)
    if row.agreement or row.manifest:
        console.print(_manifest(row))
    if row.costs:
        cold = si(row.costs.cold_first_call_s, "s")
        console.print(
            f"first call with empty caches {cold}; peak memory {memory_cell(peak_bytes(row))}",
            highlight=False,
        )
    if row.is_timed:
        console.print(_processes(row))


def _manifest(row: Row) -> Table:
    table = Table("checked", "expected", "found", "", box=box.SIMPLE_HEAD)
    if row.agreement:
        agreed = row.agreement
        deviations = (agreed.max_loss_deviation, agreed.max_parameter_deviation)
        off = ", ".join(NO_FIGURE if value is None else f"{value:.1e}" for value in deviations)
        table.add_row(
            "data and initial parameters", "the reference's", f"digest {row.data_digest}", HOLDS[True]
        )
        table.add_row(
            f"loss of each of {agreed.n_steps} steps, final parameters",
            f"the reference's, in {agreed.reference}",
            escape(agreed.fault or f"off by at most {off}"),
            HOLDS[agreed.fault is None],
        )
    for item in row.manifest:
        table.add_row(*map(escape, _cells(item)))
    return table


def _cells(item: Check) -> tuple[str, str, str, str]:
    return item.name, item.expected, item.found, HOLDS[item.holds]


def _processes(row: Row) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("round", "place", "samples", "min", "median", "max", "first call", "CPU/wall", "energy"):
        table.add_column(heading, justify="right")
    for each in row.processes:
        times = (si(value, "s") for value in (each.min_s, each.median_s, each.max_s, each.first_call_s))
        energy = NO_FIGURE if each.epoch_energy_j is None else si(each.epoch_energy_j, "J")
        counts = (str(each.round + 1), str(each.position + 1), f"{each.n_samples:,}")
        table.add_row(*counts, *times, f"{each.cpu_per_wall:.2f}", energy)
    return table
