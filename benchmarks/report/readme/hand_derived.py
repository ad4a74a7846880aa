"""Ways of the frameworks whose gradient is derived by hand, and what must be said where one of them wins."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from benchmarks.analysis.head_to_head import derived_by_hand
from benchmarks.cases.implementations import BY_HAND
from benchmarks.report.readme.summary_tables import verdict_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.analysis.head_to_head import LikeForLike

    Pairs: TypeAlias = Mapping[str, Sequence[LikeForLike]]


def without_them(
    pairs: Pairs, derived: Pairs, *, plain: Callable[[str], str], label: Callable[[str], str]
) -> str:
    """Say who is faster, like for like, where a way by hand is a framework's fastest, if it takes no part.

    `pairs` are those of all ways, `derived` those without the ones by hand, both by group. `plain` keeps text
    from being read as the medium's markup, `label` introduces a group's verdict.
    """
    winners: set[str] = set()
    verdicts: dict[str, list[str]] = defaultdict(list)
    for group, tiers in pairs.items():
        others = {pair.tier: pair for pair in derived.get(group, ())}
        for pair in tiers:
            ways = {way.implementation for way in (pair.torch, pair.jax) if way.gradient == BY_HAND}
            winners |= ways
            if ways and (other := others.get(pair.tier)):
                names = f"{plain(other.jax.implementation)} against {plain(other.torch.implementation)}"
                verdicts[names].append(f"{label(group)}{''.join(verdict_of(other))}")
    if not winners:
        return ""
    compared = ". ".join(f"{names}: {'; '.join(found)}" for names, found in verdicts.items())
    told = derived_by_hand(winners)
    return f"{told[0].upper()}{told[1:]}." + (
        f" Where the frameworks derive it, {compared}." if compared else ""
    )
