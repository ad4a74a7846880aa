"""PyTorch against JAX, tier by tier: a table, and a verdict in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from benchmarks.analysis.cells import NO_FIGURE, in_unit
from benchmarks.analysis.figures import Figures
from benchmarks.analysis.head_to_head import TIERS, LikeForLike, Line, above_one
from benchmarks.report.readme.cells import cell, label, ratio_with_interval, unbroken
from benchmarks.report.tables.markdown import markdown_table
from benchmarks.stats import Ratio

if TYPE_CHECKING:
    Groups: TypeAlias = Mapping[str, Sequence[Line]]

READING = """\
A line compares each framework's fastest implementation of a tier, and only gradients that are derived \
alike: by the framework, or in lines *by hand* written out. The columns of the frameworks show median times \
of an epoch. *Faster* compares the fastest epochs of each round instead, so it is not the quotient of those \
columns; in brackets is its 95 % confidence interval if there were enough rounds. A line that only one \
framework has names no winner."""


def like_for_like_table(groups: Groups) -> str:
    """Return a table of the faster framework for each line of each group, by how much and how surely."""
    lines = [
        [
            label(group) if place == 0 else "",
            line.name,
            _fastest(line.torch),
            _fastest(line.jax),
            _verdict_cell(line.pair),
        ]
        for group, own in groups.items()
        for place, line in enumerate(own)
    ]
    return markdown_table(["problem", "tier", "PyTorch", "JAX", "faster"], lines, right=())


def tier_table(groups: Groups, headings: Sequence[str]) -> str:
    """Return a table with a column for each group, and a line for each tier that both frameworks have."""
    pairs = {(line.name, group): line.pair for group, own in groups.items() for line in own if line.pair}
    lines = sorted((line for own in groups.values() for line in own if line.pair), key=_place)
    cells = []
    for name in dict.fromkeys(line.name for line in lines):
        across = [pairs.get((name, group)) for group in groups]
        compared = {(pair.torch.implementation, pair.jax.implementation) for pair in across if pair}
        shared = compared.pop() if len(compared) == 1 else ()
        cells.append([_tier_cell(name, shared)] + [_pair_cell(pair, named=not shared) for pair in across])
    return markdown_table(["tier", *headings], cells, right=())


def _place(line: Line) -> tuple[int, bool]:
    return TIERS.index(line.tier), line.by_hand


def _tier_cell(name: str, implementations: Sequence[str]) -> str:
    """Return a tier and, in further lines, the implementations that all of its cells compare."""
    return f"**{name}**" + _small(map(cell, implementations))


def _pair_cell(pair: LikeForLike | None, *, named: bool) -> str:
    """Return the verdict and, below, the typical times of PyTorch and of JAX, with or without their names."""
    if pair is None:
        return NO_FIGURE
    rows = (pair.torch, pair.jax)
    times = [unbroken(in_unit(row.typical_s, "s")) for row in rows]
    if named:
        lines = [f"{cell(row.implementation)} {time}" for row, time in zip(rows, times, strict=True)]
    else:
        lines = [unbroken(" / ").join(times)]
    return _verdict_cell(pair) + _small(lines)


def _small(lines: Iterable[str]) -> str:
    text = "<br>".join(lines)
    return f"<br><small>{text}</small>" if text else ""


def _fastest(row: Figures | None) -> str:
    """Return an implementation and its typical time; and what part of its cost its fastest epoch shows."""
    if row is None:
        return NO_FIGURE
    conserved = "" if row.conserved is None else f" ({row.conserved:.2f} of its cost)"
    return f"{cell(row.implementation)} {unbroken(in_unit(row.typical_s, 's'))}{conserved}"


def _verdict_cell(pair: LikeForLike | None) -> str:
    winner, rest = verdict_of(pair)
    return f"**{winner}**{rest}" if pair and pair.winner and pair.is_sure else f"{winner}{rest}"


def verdict_of(pair: LikeForLike | None) -> tuple[str, str]:
    """Return the faster framework, and the text that follows: by how much, and how surely."""
    if pair is None:
        return NO_FIGURE, ""
    ratio, value = pair.advantage, _ratio(pair.advantage)
    typical = (
        f"; {pair.by_typical} by the typical ones, {_ratio(above_one(pair.typical))}"
        if pair.by_typical
        else ""
    )
    unsure = "" if pair.is_sure else "; too few rounds to be sure"
    if pair.winner:
        return pair.winner, f", {value}{unsure}"
    if pair.is_doubtful:
        return "neither", f": {pair.by_fastest} by the fastest epochs, {value}{typical}{unsure}"
    ahead = f"{'JAX' if pair.ratio.value > 1 else 'PyTorch'} by the fastest epochs, "
    return "inconclusive", f": {'' if ratio.value == 1 else ahead}{value}{typical}{unsure}"


def _ratio(ratio: Ratio) -> str:
    return ratio_with_interval(ratio.value, ratio.low, ratio.high, ratio.coverage)
