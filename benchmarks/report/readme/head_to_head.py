"""PyTorch against JAX, tier by tier: a table, a verdict in words, and a note on gradients derived by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from benchmarks.analysis.cells import in_unit
from benchmarks.analysis.figures import Figures
from benchmarks.analysis.head_to_head import LikeForLike, above_one, derived_by_hand
from benchmarks.cases.implementations import BY_HAND
from benchmarks.report.readme.cells import cell, label, ratio_with_interval, unbroken
from benchmarks.report.tables.markdown import markdown_table
from benchmarks.stats import Ratio

if TYPE_CHECKING:
    Pairs: TypeAlias = Mapping[str, Sequence[LikeForLike]]

READING = """\
The columns of the frameworks show median times of an epoch with each framework's fastest implementation. \
*Faster* compares the fastest epochs of each round instead, so it is not the quotient of those columns; in \
brackets is its 95 % confidence interval if there were enough rounds."""


def like_for_like_table(pairs: Pairs) -> str:
    """Return a table of the faster framework for each group and tier, by how much and how surely."""
    lines = [
        [
            label(group) if place == 0 else "",
            pair.tier,
            _fastest(pair.torch),
            _fastest(pair.jax),
            _verdict_cell(pair),
        ]
        for group, tiers in pairs.items()
        for place, pair in enumerate(tiers)
    ]
    return markdown_table(["problem", "tier", "PyTorch", "JAX", "faster"], lines, right=())


def _fastest(row: Figures) -> str:
    """Return an implementation and its typical time; and what part of its cost its fastest epoch shows."""
    conserved = "" if row.conserved is None else f" ({row.conserved:.2f} of its cost)"
    return f"{cell(row.implementation)} {unbroken(in_unit(row.typical_s, 's'))}{conserved}"


def _verdict_cell(pair: LikeForLike) -> str:
    winner, rest = verdict_of(pair)
    return f"**{winner}**{rest}" if pair.winner and pair.is_sure else f"{winner}{rest}"


def verdict_of(pair: LikeForLike) -> tuple[str, str]:
    """Return the faster framework, and the text that follows: by how much, and how surely."""
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


def note_on_gradients(
    pairs: Pairs, derived: Pairs, *, plain: Callable[[str], str] = cell, label: Callable[[str], str] = label
) -> str:
    """Name the fastest implementations with a gradient by hand, and compare the frameworks without them.

    `pairs` compares all implementations, `derived` those whose framework derives the gradient, both by group.
    `plain` keeps text from being read as markup, `label` writes a group's name. "" if no such one is fastest.
    """
    by_hand: set[str] = set()
    verdicts: dict[str, list[str]] = defaultdict(list)
    for group, tiers in pairs.items():
        others = {pair.tier: pair for pair in derived.get(group, ())}
        for pair in tiers:
            found = {each.implementation for each in (pair.torch, pair.jax) if each.gradient == BY_HAND}
            by_hand |= found
            if found and (other := others.get(pair.tier)):
                names = f"{plain(other.jax.implementation)} against {plain(other.torch.implementation)}"
                verdicts[names].append(f"{label(group)} {''.join(verdict_of(other))}".strip())
    if not by_hand:
        return ""
    note = f"{derived_by_hand(by_hand)}."
    compared = ". ".join(f"{names}: {'; '.join(found)}" for names, found in verdicts.items())
    return note[0].upper() + note[1:] + (f" If the framework derives it, {compared}." if compared else "")
