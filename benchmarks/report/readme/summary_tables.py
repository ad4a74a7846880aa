"""The tables of the results' README: one line per implementation, one column per problem."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from benchmarks.analysis.break_even import break_evens
from benchmarks.analysis.cells import NO_FIGURE, difference_cell, in_unit
from benchmarks.analysis.figures import Figures, figures_of
from benchmarks.analysis.head_to_head import TIERS
from benchmarks.cases.implementations import is_by_hand
from benchmarks.records.row import Row, Verdict
from benchmarks.records.run import Run
from benchmarks.report.readme.cells import cell, nickname, ratio_with_interval, unbroken
from benchmarks.report.tables.cost import break_even_cell
from benchmarks.report.tables.markdown import markdown_table, plain_in_markdown, shortened

MAX_NAMES = 300
"""Characters of the private names of an implementation; the exported data have all of them."""


def epoch_table(groups: Mapping[str, Run]) -> str:
    """Return a table of an epoch's typical time, the ratio to the baseline, and what they cost an author.

    It goes by tier, the fastest first; the first group decides the order. An implementation that could not be
    measured anywhere is left out.
    """
    columns = {group: _measured(run) for group, run in groups.items()}
    first: dict[str, Figures] = {}
    for column in columns.values():
        first = column | first
    ordered = sorted(first.values(), key=lambda row: (_place(row.tier), row.typical_s or float("inf")))
    tiers = ["", *(row.tier for row in ordered)]
    lines = [
        [
            f"**{cell(row.tier)}**" if row.tier != before else "",
            cell(row.implementation),
            *(_epoch_cell(column.get(row.implementation)) for column in columns.values()),
            *_author_cells(row),
        ]
        for row, before in zip(ordered, tiers, strict=False)
    ]
    problems = [f"{cell(nickname(group))} vs {cell(run.settings.baseline)}" for group, run in groups.items()]
    headings = ["tier", "implementation", *problems, "gradient", "more lines", "private names"]
    return markdown_table(headings, lines, right=[*range(2, len(problems) + 2), len(headings) - 2])


def _measured(run: Run) -> dict[str, Figures]:
    return {row.implementation: row for row in figures_of(run) if row.verdict != Verdict.NOT_MEASURED}


def _place(tier: str) -> int:
    return TIERS.index(tier) if tier in TIERS else len(TIERS)


def _epoch_cell(row: Figures | None) -> str:
    if row is None:
        return NO_FIGURE
    if row.verdict != Verdict.VERIFIED:
        return f"**{row.verdict}**"
    ratio = ratio_with_interval(row.speedup, row.speedup_low, row.speedup_high, row.speedup_coverage)
    return unbroken(in_unit(row.typical_s, "s")) + (f", {ratio}" if row.speedup else "")


def _author_cells(row: Figures) -> list[str]:
    """Write who derives the gradient, how many more lines there are, and which private names."""
    names = NO_FIGURE if row.private_names is None else row.private_names or "none"
    return [
        cell(row.gradient),
        difference_cell(row.more_lines),
        plain_in_markdown(shortened(names, MAX_NAMES)),
    ]


def compiling_table(groups: Mapping[str, Run]) -> str | None:
    """Return a table of the epochs after which each compiled implementation is ahead of the baseline."""
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    for group, run in groups.items():
        for name, n_epochs in _ahead_from(run.rows, run.settings.baseline):
            cells[name][group] = n_epochs
    if not cells:
        return None
    lines = [[cell(name), *(own.get(group, NO_FIGURE) for group in groups)] for name, own in cells.items()]
    return _table("implementation", groups, lines)


def _ahead_from(rows: Sequence[Row], baseline: str) -> Iterator[tuple[str, str]]:
    compiled = {row.implementation for row in rows if row.tier in ("step", "epoch", "kernel")}
    for pair in break_evens(rows):
        if pair.slower == baseline and pair.faster in compiled:
            yield pair.faster, break_even_cell(pair)


def _fastest_of(framework: str, *, by_hand: bool) -> Callable[[Figures], bool]:
    return lambda row: row.framework == framework and is_by_hand(row.gradient) == by_hand


KINDS: dict[str, Callable[[Figures], bool]] = {
    "PyTorch's fastest": _fastest_of("torch", by_hand=False),
    "JAX's fastest": _fastest_of("jax", by_hand=False),
    "PyTorch's fastest, gradient by hand": _fastest_of("torch", by_hand=True),
    "JAX's fastest, gradient by hand": _fastest_of("jax", by_hand=True),
    "the baseline": lambda row: row.implementation == row.baseline,
}
"""The lines of the table of the distance from the floor."""


def floor_table(groups: Mapping[str, Run]) -> str | None:
    """Return a table of how far each framework's fastest, and the baseline, are from the floor, if known."""
    above = {group: [row for row in figures_of(run) if row.times_floor] for group, run in groups.items()}
    above = {group: rows for group, rows in above.items() if any(row.tier == "floor" for row in rows)}
    if not above:
        return None
    lines = [
        [kind, *(_distance(filter(is_one, rows)) for rows in above.values())]
        for kind, is_one in KINDS.items()
    ]
    lines = [line for line in lines if {*line[1:]} != {NO_FIGURE}]
    return _table("", above, lines)


def _distance(rows: Iterator[Figures]) -> str:
    """Write the distance of the fastest one by its typical epoch, as in the other tables."""
    fastest = min(rows, key=lambda row: row.typical_s or float("inf"), default=None)
    return f"{cell(fastest.implementation)} {in_unit(fastest.times_floor, '×')}" if fastest else NO_FIGURE


def _table(heading: str, groups: Mapping[str, object], lines: Sequence[Sequence[str]]) -> str:
    headings = [heading, *(cell(nickname(group)) for group in groups)]
    return markdown_table(headings, lines, right=range(1, len(headings)))
