"""A comparison → the terminal's table and Markdown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from unicodedata import category

from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from benchmarks.analysis.cells import NO_FIGURE, si
from benchmarks.compare.rule import Category
from benchmarks.records.caption import cores_per_case, machine, software
from benchmarks.report.tables.markdown import from_rich, plain_in_markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console

    from benchmarks.compare.noise import CaseCalibration
    from benchmarks.compare.result import CaseVerdict, Comparison, SideRecord
    from benchmarks.records.row import Row


UNPRINTABLE = ("Cc", "Cs", "Cn")
"""Unicode's categories of control characters, of halves of surrogate pairs, and of what is no character."""

STYLES = {Category.SLOWER: "red", Category.FASTER: "green", Category.INVALID: "red", Category.MISSING: "red"}

HEADINGS = ("case", "base", "new", "change", "interval", "sure", "threshold", "pairs", "verdict")

READINGS = {
    "time": """\
*base* and *new* are the fastest epochs; *change* is by how much the new side is slower (positive) or \
faster, estimated as *method* says below. *sure* is how surely the *interval* holds it (a little \
less where a case stopped early); the more cases are compared, the surer a verdict must be.""",
    "instructions": """\
*base* and *new* are instructions in an epoch, of the process with the fewest; *change* is how many more \
(positive) or fewer the new side's are, estimated as *method* says below. *sure* is how surely the \
*interval*, of all pairs, holds it; no verdict rests on it.""",
}


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the table, what there is to say of single cases, and where the figures come from."""
    console.print(verdict_table(comparison, box_=box.SIMPLE_HEAD, plain=Text, styled=True))
    for line in [*reasons(comparison), *comparison.notes, *provenance_lines(comparison), summary(comparison)]:
        console.print(Text(printable(line)), soft_wrap=True)


def to_markdown(comparison: Comparison) -> str:
    """Write it as a section of a Markdown page."""
    table = from_rich(
        verdict_table(
            comparison, box_=box.MARKDOWN, plain=lambda cell: Text(plain_in_markdown(cell)), styled=False
        )
    ).rstrip()
    remarks = [*reasons(comparison), *comparison.notes, *provenance_lines(comparison)]
    bullets = "\n".join(f"- {plain_in_markdown(printable(remark))}" for remark in remarks)
    reading = READINGS[comparison.rule.metric]
    return f"## {plain_in_markdown(printable(summary(comparison)))}\n\n{table}\n\n{reading}\n\n{bullets}\n"


def verdict_table(
    comparison: Comparison, *, box_: box.Box, plain: Callable[[str], Text], styled: bool
) -> Table:
    """Lay the cases out, what needs a look first; `plain` keeps text from being read as markup."""
    table = Table(box=box_)
    table.add_column("case", overflow="fold")
    for heading in HEADINGS[1:-1]:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict")
    for verdict in comparison.verdicts:
        style = STYLES.get(verdict.category) if styled else None
        table.add_row(*map(plain, cells_of(verdict)), style=style)
    return table


def cells_of(verdict: CaseVerdict) -> list[str]:
    """Write one case's row, below HEADINGS."""
    decision = verdict.decision
    costs = [_cost(row) if row and row.is_timed else NO_FIGURE for row in (verdict.base, verdict.new)]
    figures = [NO_FIGURE] * 3
    if decision:
        interval = f"{(decision.low - 1) * 100:+.1f} to {percent(decision.high - 1)}"
        figures = [percent(decision.ratio - 1), interval, _sure(decision.coverage)]
    pairs = str(decision.n_pairs) if decision else NO_FIGURE
    return [
        printable(verdict.name),
        *costs,
        *figures,
        f"{verdict.threshold * 100:.1f} %",
        pairs,
        verdict.category,
    ]


def _cost(row: Row) -> str:
    return si(row.best_s, "s") if row.n_instructions is None else si(row.n_instructions, "")


def printable(text: str) -> str:
    """Replace what would steer a terminal, and what XML 1.0 does not allow in a document."""
    return "".join(
        "\ufffd" if category(each) in UNPRINTABLE and each not in "\t\n" else each for each in text
    )


def _sure(coverage: float) -> str:
    """Write a coverage, rounded down: "99.9 %" of what is not certain."""
    return f"{math.floor(coverage * 1000) / 10:.1f} %"


def percent(fraction: float) -> str:
    """Write a change with its sign: "+2.5 %"."""
    return f"{fraction * 100:+.1f} %"


def reasons(comparison: Comparison) -> list[str]:
    """Say of each case what the table has no room for: why it has no verdict, what would have had one."""
    return [
        f"{verdict.category}: {verdict.name}: {text}"
        for verdict in comparison.verdicts
        for text in (verdict.reason, what_could_be_seen(verdict))
        if text
    ]


def what_could_be_seen(verdict: CaseVerdict) -> str | None:
    """Say of a case that is too noisy to tell what it was not too noisy for."""
    if verdict.category is not Category.UNDECIDED or verdict.decision is None:
        return None
    decision = verdict.decision
    if decision.detectable is None:
        return None if verdict.reason else f"{decision.n_pairs} pairs are too few to see anything"
    least, most = decision.detectable * 100, percent(decision.high - 1)
    return f"a slowdown of {least:.1f} % would have been seen about half the time; it may be up to {most}"


def provenance_lines(comparison: Comparison) -> list[str]:
    """Say what each side was, and on which machine."""
    at = comparison.provenance
    rows = [row for verdict in comparison.verdicts for row in (verdict.base, verdict.new) if row]
    used = [cores_per_case(row.n_cores for row in rows)] if rows else []
    where = " · ".join([machine(at), *used, at.date])
    return [
        *(_side_line(side) for side in (comparison.base, comparison.new)),
        f"{where} · took {comparison.wall_s:.0f} s",
        f"method: {comparison.method}",
    ]


def _side_line(side: SideRecord) -> str:
    parts = [
        *(f"{name} {value}" for name, value in side.differs.items()),
        software(side.versions, side.commit),
    ]
    return f"{side.name}: {' · '.join(parts)}"


def summary(comparison: Comparison) -> str:
    """Say in one line what was found: "1 slower, 4 unchanged of 5 cases"."""
    counts = [f"{len(found)} {category}" for category in Category if (found := comparison.of(category))]
    cut = f"; interrupted ({comparison.interrupted})" if comparison.interrupted else ""
    n_cases = len(comparison.verdicts)
    return f"{', '.join(counts) or 'nothing compared'}, of {n_cases} case{'s' * (n_cases != 1)}{cut}"


def calibration_table(cases: Mapping[str, CaseCalibration]) -> Table:
    """Lay the cases out."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("case", no_wrap=True)
    for heading in ("pairs", "noise", "threshold", "false alarms", "undecided", "detectable"):
        table.add_column(heading, justify="right")
    for name, case in cases.items():
        table.add_row(
            escape(name),
            str(len(case.ratios)),
            f"{case.noise:.2%}",
            percent(case.threshold),
            f"{case.false_alarms:.2%}",
            f"{case.undecided:.1%}",
            "beyond 50 %" if case.detectable is None else percent(case.detectable),
        )
    return table
