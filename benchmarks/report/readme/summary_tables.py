"""The tables of the results' first page, in Markdown: few columns, by tier, what one asks first."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.analysis.break_even import break_evens
from benchmarks.analysis.cells import (
    NO_FIGURE,
    deviation_cell,
    interval_cell,
    memory_cell,
    ratio_cell,
    throughput_cell,
    time_cell,
)
from benchmarks.analysis.head_to_head import TIERS, above_one
from benchmarks.records.row import Verdict
from benchmarks.report.tables.cost import break_even_cell
from benchmarks.report.tables.markdown import markdown_table, plain_in_markdown, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.analysis.figures import Figures
    from benchmarks.analysis.head_to_head import LikeForLike
    from benchmarks.records.row import Row
    from benchmarks.records.run import Run
    from benchmarks.stats import Ratio

NO_BREAK = "\N{NO-BREAK SPACE}"

MAX_NAME = 60
"""Characters of a name in a cell; the rest is in the other tables."""


def nickname(group: str) -> str:
    """Give what a reader calls the group's problem: its name, if it has one."""
    problem = group.partition(" on ")[0]
    name, _, sizes = problem.partition("-B")
    return name if sizes else problem


def cell(text: str) -> str:
    """Write a name from a record."""
    return plain_in_markdown(shortened(text, MAX_NAME))


def label(group: str) -> str:
    """Introduce what is said of a group."""
    return f"**{cell(nickname(group))}** "


def like_for_like_table(pairs: Mapping[str, Sequence[LikeForLike]]) -> str:
    """Say for each group and tier which framework is faster, by how much and how surely."""
    lines = [
        [
            label(group).rstrip() if place == 0 else "",
            pair.tier,
            f"{cell(pair.torch.implementation)} {unbroken(time_cell(pair.torch.typical_s))}",
            f"{cell(pair.jax.implementation)} {unbroken(time_cell(pair.jax.typical_s))}",
            _verdict_cell(pair),
        ]
        for group, tiers in pairs.items()
        for place, pair in enumerate(tiers)
    ]
    return markdown_table(["problem", "tier", "PyTorch", "JAX", "faster"], lines, right=())


def _verdict_cell(pair: LikeForLike) -> str:
    who, told = verdict_of(pair)
    return f"**{who}**{told}" if pair.winner and pair.is_sure else f"{who}{told}"


def verdict_of(pair: LikeForLike) -> tuple[str, str]:
    """Say who is faster; and by how much, and how surely, to stand right behind it."""
    ratio, value = pair.advantage, _told(pair.advantage)
    typical = (
        f"; {pair.by_typical} by the typical ones, {_told(above_one(pair.typical))}"
        if pair.by_typical
        else ""
    )
    unsure = "" if pair.is_sure else "; too few rounds to be sure"
    if pair.winner:
        return pair.winner, f", {value}{unsure}"
    if pair.is_doubtful:
        return "neither", f": {pair.by_fastest} by the fastest epochs, {value}{typical}{unsure}"
    ahead = f"{'JAX' if pair.ratio.value > 1 else 'PyTorch'} by the fastest epochs, "
    return "no telling", f": {'' if ratio.value == 1 else ahead}{value}{typical}{unsure}"


def _told(ratio: Ratio) -> str:
    """Write the ratio, with its interval where there is one."""
    sure = ratio.low is not None
    interval = unbroken(f" ({interval_cell(ratio.low, ratio.high, ratio.coverage)})") if sure else ""
    return f"{ratio_cell(ratio.value)}{interval}"


def group_table(rows: Sequence[Figures]) -> str:
    """Lay out one group, tier by tier, the fastest first; what could not be measured here is left out."""
    headings = [
        *("tier", "implementation", "typical", "samples/s", f"vs {cell(rows[0].baseline)} (95 %)"),
        *("vs floor", "cold", "warm", "memory", "deviation"),
    ]
    shown = [row for row in rows if row.verdict != Verdict.NOT_MEASURED]
    shown.sort(key=lambda row: (_place(row.tier), row.typical_s or float("inf"), row.implementation))
    tiers = [""] + [row.tier for row in shown]
    lines = [
        [f"**{cell(row.tier)}**" if row.tier != before else "", *_cells(row)]
        for before, row in zip(tiers, shown, strict=False)
    ]
    return markdown_table(headings, lines, right=range(2, len(headings)))


def _place(tier: str) -> int:
    return TIERS.index(tier) if tier in TIERS else len(TIERS)


def _cells(row: Figures) -> list[str]:
    name = cell(row.implementation)
    interval = interval_cell(row.speedup_low, row.speedup_high, row.speedup_coverage)
    figures = [
        time_cell(row.typical_s),
        throughput_cell(row.samples_per_s),
        with_interval(row.speedup, interval),
        ratio_cell(row.times_floor),
        time_cell(row.cold_s),
        time_cell(row.warm_s),
        memory_cell(row.memory_bytes),
        deviation_cell(row.deviation),
    ]
    return [
        name if row.verdict == Verdict.VERIFIED else f"{name}: **{row.verdict}**",
        *map(unbroken, figures),
    ]


def unbroken(text: str) -> str:
    """Keep a figure and its unit on one line; before a bracket there may be a new one."""
    return text.replace(" ", NO_BREAK).replace(f"{NO_BREAK}(", " (")


def with_interval(ratio: float | None, interval: str) -> str:
    """Write a ratio, and in brackets its interval if it has one."""
    return ratio_cell(ratio) + (f" ({interval})" if interval != NO_FIGURE else "")


def compiling_table(groups: Mapping[str, Run]) -> str | None:
    """Say from how many epochs on each compiled way has overtaken the baseline; None if no way ever does."""
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    for group, run in groups.items():
        for name, told in _overtakings(run.rows, run.settings.baseline):
            cells[name][group] = told
    if not cells:
        return None
    headings = ["implementation", *(cell(nickname(group)) for group in groups)]
    lines = [[cell(name), *(told.get(group, NO_FIGURE) for group in groups)] for name, told in cells.items()]
    return markdown_table(headings, lines, right=range(1, len(headings)))


def floor_table(groups: Mapping[str, Sequence[Figures]]) -> str | None:
    """Say how far both frameworks' fastest ways, and the baseline, are from the floor; None without one."""
    above = {group: [row for row in rows if row.times_floor] for group, rows in groups.items()}
    above = {group: rows for group, rows in above.items() if any(row.tier == "floor" for row in rows)}
    if not above:
        return None
    ways: dict[str, Callable[[Figures], bool]] = {
        "PyTorch's fastest": lambda row: row.framework == "torch",
        "JAX's fastest": lambda row: row.framework == "jax",
        "the baseline": lambda row: row.implementation == row.baseline,
    }
    headings = ["", *(cell(nickname(group)) for group in above)]
    lines = [
        [told, *(_distance([row for row in rows if is_one(row)]) for rows in above.values())]
        for told, is_one in ways.items()
    ]
    return markdown_table(headings, lines, right=range(1, len(headings)))


def _distance(rows: Sequence[Figures]) -> str:
    """Give the distance of the fastest, the one that is held against the other framework's, too."""
    if not rows:
        return NO_FIGURE
    fastest = min(rows, key=lambda row: row.typical_s or float("inf"))
    return f"{cell(fastest.implementation)} {ratio_cell(fastest.times_floor)}"


def _overtakings(rows: Sequence[Row], baseline: str) -> Iterator[tuple[str, str]]:
    compiled = {row.implementation for row in rows if row.tier in ("step", "epoch")}
    for pair in break_evens(rows):
        if pair.slower == baseline and pair.faster in compiled:
            yield pair.faster, break_even_cell(pair)
