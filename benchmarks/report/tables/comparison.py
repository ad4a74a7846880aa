"""A comparison → the terminal's table and Markdown."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from operator import itemgetter
from unicodedata import category

from rich.console import Console
from rich.text import Text

from benchmarks.analysis.cells import NO_FIGURE, in_unit
from benchmarks.analysis.columns import Column, explained
from benchmarks.compare.noise import CaseNoise
from benchmarks.compare.result import CaseVerdict, Comparison, SideRecord
from benchmarks.compare.rule import Category, Decision
from benchmarks.records.caption import cores_per_case, machine, software
from benchmarks.records.row import Row
from benchmarks.report.tables.grid import Grid
from benchmarks.report.tables.markdown import plain_in_markdown

UNPRINTABLE = ("Cc", "Cs", "Cn")
"""Unicode's categories of control characters, halves of surrogate pairs, and unassigned code points."""

STYLES = {Category.SLOWER: "red", Category.FASTER: "green", Category.INVALID: "red", Category.MISSING: "red"}


def percent(fraction: float) -> str:
    """Write a change with its sign: "+2.5 %"."""
    return f"{fraction * 100:+.1f} %"


def _of_decision(write: Callable[[Decision], str]) -> Callable[[CaseVerdict], str]:
    return lambda verdict: write(verdict.decision) if verdict.decision else NO_FIGURE


def _cost(row: Row | None) -> str:
    if row is None or not row.is_timed:
        return NO_FIGURE
    return in_unit(row.best_s, "s") if row.n_instructions is None else in_unit(row.n_instructions, "1/s")


COLUMNS = (
    Column("case", is_text=True, cell=lambda verdict: printable(verdict.name)),
    Column(
        "base",
        "its fastest epoch, or its fewest instructions",
        priority=2,
        cell=lambda each: _cost(each.base),
    ),
    Column("new", "the same of the new side", priority=2, cell=lambda each: _cost(each.new)),
    Column(
        "change",
        "by how much the new side is slower (positive) or faster, estimated by the method below",
        cell=_of_decision(lambda decision: percent(decision.ratio - 1)),
    ),
    Column(
        "interval",
        "confidence interval of the change",
        priority=1,
        cell=_of_decision(lambda each: f"{(each.low - 1) * 100:+.1f} to {percent(each.high - 1)}"),
    ),
    Column(
        "sure",
        "confidence of the interval, rounded down, and a little less if a case stopped early; with more "
        "cases, a verdict on times needs more, and one on instructions needs none",
        priority=3,
        cell=_of_decision(lambda decision: f"{math.floor(decision.coverage * 1000) / 10:.1f} %"),
    ),
    Column(
        "threshold",
        "smaller changes are ignored",
        priority=3,
        cell=lambda each: f"{each.threshold * 100:.1f} %",
    ),
    Column("pairs", "pairs of processes", priority=4, cell=_of_decision(lambda each: str(each.n_pairs))),
    Column("verdict", is_text=True, value=lambda verdict: verdict.category),
)

READING = explained(COLUMNS)


def comparison_grid(comparison: Comparison) -> Grid:
    """Make the table of the cases, in the comparison's order."""
    grid = Grid.of("", COLUMNS, comparison.verdicts)
    return replace(grid, styles=[STYLES.get(verdict.category) for verdict in comparison.verdicts])


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the table, the remarks on single cases, and where the figures come from."""
    console.print(comparison_grid(comparison))
    for line in [*remarks(comparison), summary(comparison)]:
        console.print(Text(printable(line)), soft_wrap=True)


def to_markdown(comparison: Comparison) -> str:
    """Write it as a section of a Markdown page."""
    bullets = "\n".join(f"- {plain_in_markdown(printable(remark))}" for remark in remarks(comparison))
    heading, table = plain_in_markdown(printable(summary(comparison))), comparison_grid(comparison).markdown()
    return f"## {heading}\n\n{table}\n{READING}\n\n{bullets}\n"


def remarks(comparison: Comparison) -> list[str]:
    """Describe what the table has no room for: single cases, both sides, machine, date and method."""
    at = comparison.provenance
    rows = [row for verdict in comparison.verdicts for row in (verdict.base, verdict.new) if row]
    used = [cores_per_case(row.n_cores_in_all for row in rows)] if rows else []
    return [
        *(
            f"{verdict.category}: {verdict.name}: {text}"
            for verdict in comparison.verdicts
            for text in (verdict.reason, detectable(verdict))
            if text
        ),
        *comparison.notes,
        *(_side_line(side) for side in (comparison.base, comparison.new)),
        f"{' · '.join([machine(at), *used, at.date])} · took {comparison.wall_s:.0f} s",
        f"method: {comparison.method}",
    ]


def printable(text: str) -> str:
    """Replace the characters that would steer a terminal or are not allowed in XML 1.0."""
    return "".join(
        "\ufffd" if category(each) in UNPRINTABLE and each not in "\t\n" else each for each in text
    )


def detectable(verdict: CaseVerdict) -> str | None:
    """Describe which slowdown an undecided case could have shown; None for other cases."""
    decision = verdict.decision
    if verdict.category is not Category.UNDECIDED or decision is None:
        return None
    if decision.detectable is None:
        return None if verdict.reason else f"{decision.n_pairs} pairs are too few to detect any slowdown"
    least, most = percent(decision.detectable).lstrip("+"), percent(decision.high - 1)
    return f"could detect a slowdown of {least} (power 50 %); the change may be up to {most}"


def _side_line(side: SideRecord) -> str:
    parts = [
        *(f"{name} {value}" for name, value in side.differs.items()),
        software(side.versions, side.commit),
    ]
    return f"{side.name}: {' · '.join(parts)}"


def summary(comparison: Comparison) -> str:
    """Return what was found, in one line: "1 slower, 4 unchanged, of 5 cases"."""
    counts = [f"{len(found)} {category}" for category in Category if (found := comparison.of(category))]
    cut = f"; interrupted ({comparison.interrupted})" if comparison.interrupted else ""
    n_cases = len(comparison.verdicts)
    return f"{', '.join(counts) or 'nothing compared'}, of {n_cases} case{'s' * (n_cases != 1)}{cut}"


NOISE = (
    Column("case", is_text=True, value=itemgetter(0)),
    Column("pairs", priority=1, cell=lambda line: str(line[1].n_pairs)),
    Column("noise", priority=1, cell=lambda line: f"{line[1].noise:.2%}"),
    Column("undecided", cell=lambda line: f"{line[1].undecided:.1%}"),
    Column(
        "detectable",
        cell=lambda line: "beyond 50 %" if line[1].detectable is None else percent(line[1].detectable),
    ),
)


def noise_grid(cases: Mapping[str, CaseNoise]) -> Grid:
    """Make the table of the cases' noise."""
    return Grid.of("", NOISE, cases.items())
