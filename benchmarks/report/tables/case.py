"""One row → everything that is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from benchmarks.analysis.cells import NO_FIGURE, in_unit
from benchmarks.analysis.columns import Column
from benchmarks.analysis.figures import peak_bytes
from benchmarks.records.row import Check
from benchmarks.report.tables.grid import Grid

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.records.row import Agreement, Row

HOLDS = {True: "holds", False: "FAILS", None: NO_FIGURE}

CHECKS = (
    Column("checked", is_text=True, value=lambda check: check.name),
    Column("expected", is_text=True, value=lambda check: check.expected),
    Column("found", is_text=True, value=lambda check: check.found),
    Column(is_text=True, value=lambda check: HOLDS[check.holds]),
)

PROCESSES = (
    Column("round", value=lambda process: process.round + 1),
    Column("place", priority=2, value=lambda process: process.position + 1),
    Column("samples", priority=1, value=lambda process: process.n_samples),
    Column("min", unit="s", value=lambda process: process.min_s),
    Column("median", unit="s", value=lambda process: process.median_s),
    Column("max", unit="s", priority=1, value=lambda process: process.max_s),
    Column("first call", unit="s", priority=1, value=lambda process: process.first_call_s),
    Column("CPU/wall", priority=1, cell=lambda process: f"{process.cpu_per_wall:.2f}"),
    Column("energy", unit="J", priority=2, value=lambda process: process.epoch_energy_j),
)


def print_row(row: Row, console: Console) -> None:
    """Print the verdict, the manifest, the costs and each process's figures."""
    console.rule(escape(row.case), align="left")
    console.print(f"{row.summary}\n{row.verdict}" + (f": {row.reason}" if row.reason else ""), markup=False)
    agreed = _of_agreement(row.agreement, row.data_digest) if row.agreement else []
    if checks := [*agreed, *row.manifest]:
        console.print(Grid.of("", CHECKS, checks))
    if row.costs:
        cold, memory = in_unit(row.costs.cold_first_call_s, "s"), in_unit(peak_bytes(row), "bytes")
        console.print(f"first call with empty caches {cold}; peak memory {memory}", highlight=False)
    if row.is_timed:
        console.print(Grid.of("", PROCESSES, row.processes))


def _of_agreement(agreed: Agreement, data_digest: str | None) -> list[Check]:
    off = ", ".join(map(in_unit, (agreed.max_loss_deviation, agreed.max_parameter_deviation)))
    return [
        Check(
            name="data and initial parameters",
            expected="the reference's",
            found=f"digest {data_digest}",
            holds=True,
        ),
        Check(
            name=f"loss of each of {agreed.n_steps} steps, final parameters",
            expected=f"the reference's, in {agreed.reference}",
            found=agreed.fault or f"off by at most {off}",
            holds=agreed.fault is None,
        ),
    ]
