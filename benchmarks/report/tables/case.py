"""One row → everything that is known of it."""

from rich.console import Console
from rich.text import Text

from benchmarks.analysis.cells import NO_FIGURE, difference_cell, in_unit
from benchmarks.analysis.columns import shown_columns
from benchmarks.analysis.gradient import gradient_of
from benchmarks.analysis.record_columns import CheckLine, ProcessLine
from benchmarks.cases.code_lines import TEXTBOOK
from benchmarks.records.row import Agreement, Check, Row
from benchmarks.report.tables.grid import Grid


def print_row(row: Row, console: Console) -> None:
    """Print the verdict, the manifest, the costs and each process's figures."""
    console.print(Text(f"\n{row.case}", "bold"))
    verdict = f"{row.summary}\n{row.verdict}" + (f": {row.reason}" if row.reason else "")
    console.print(verdict, highlight=False, markup=False)  # highlighting takes minutes for a long reason
    console.print(_of_code(row), highlight=False, markup=False)
    agreed = _of_agreement(row.agreement, row.data_digest) if row.agreement else []
    if checks := [*agreed, *row.manifest]:
        console.print(Grid.of("", shown_columns(CheckLine), checks))
    if row.costs:
        cold, memory = in_unit(row.costs.cold_first_call_s, "s"), in_unit(row.peak_bytes, "bytes")
        console.print(f"first call with empty caches {cold}; peak memory {memory}", highlight=False)
    if row.is_timed:
        console.print(Grid.of("", shown_columns(ProcessLine), row.processes))


def _of_code(row: Row) -> str:
    """Describe who derives the gradient, and what the way costs its author."""
    names = NO_FIGURE if row.private_names is None else ", ".join(row.private_names) or "none"
    more = difference_cell(row.more_lines)
    return f"gradient: {gradient_of(row)}; lines of code against {TEXTBOOK}: {more}; private names: {names}"


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
