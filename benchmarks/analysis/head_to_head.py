"""Within a tier: the fastest way of PyTorch against the fastest way of JAX, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.analysis.decision_map import YARDSTICK
from benchmarks.analysis.figures import figures_of, gradient_of, ratio_of
from benchmarks.cases.implementations import BY_HAND
from benchmarks.records.process import paired_median_s
from benchmarks.stats import Ratio, speedup

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.analysis.figures import Figures
    from benchmarks.records.row import Row
    from benchmarks.records.run import Run


TIERS = ("floor", "epoch", "step", "eager")
"""From most of the work handed over at once to least; the floor, which is no choice, first."""

CLEARLY = 1.05
"""A ratio of typical epochs from which on it may tell a winner other than the fastest epochs do."""


@dataclass(frozen=True, kw_only=True)
class LikeForLike:
    """Both frameworks' fastest implementations of one tier, in one group of one run."""

    torch: Figures
    jax: Figures
    ratio: Ratio  # how many times faster JAX's is by the fastest epochs, paired by rounds
    typical: Ratio  # and by the typical ones

    @property
    def tier(self) -> str:
        """Name what one call hands to the machine."""
        return self.torch.tier

    @property
    def is_sure(self) -> bool:
        """Say whether there were rounds enough for an interval."""
        return self.ratio.low is not None

    @property
    def winner(self) -> str | None:
        """Name the faster framework; None where the interval or the typical epochs say otherwise."""
        return None if self.is_doubtful else self.by_fastest

    @property
    def by_fastest(self) -> str | None:
        """Name the one whose fastest epochs are faster; None where the interval says that either may be."""
        low, high = self.ratio.low or self.ratio.value, self.ratio.high or self.ratio.value
        return "JAX" if low > 1 else "PyTorch" if high < 1 else None

    @property
    def by_typical(self) -> str | None:
        """Name the one whose typical epoch is faster by more than a little, and by all of the interval."""
        ratio = above_one(self.typical)
        if ratio.value <= CLEARLY or (ratio.low or ratio.value) <= 1:
            return None
        return "JAX" if self.typical.value > 1 else "PyTorch"

    @property
    def is_doubtful(self) -> bool:
        """Say whether the typical epochs tell another winner than the fastest."""
        return None not in (self.by_fastest, self.by_typical) and self.by_fastest != self.by_typical

    @property
    def advantage(self) -> Ratio:
        """Give how many times faster the faster one is, by the fastest epochs."""
        return above_one(self.ratio)


def above_one(ratio: Ratio) -> Ratio:
    """Give a ratio, or what the other side's is."""
    if ratio.value >= 1:
        return ratio
    low, high = ratio.low, ratio.high
    return Ratio(
        1 / ratio.value,
        low=1 / high if high else None,
        high=1 / low if low else None,
        coverage=ratio.coverage,
    )


def like_for_like(run: Run, *, by_hand: bool = True) -> dict[str, list[LikeForLike]]:
    """Pair the frameworks by group and tier, wherever both were timed; `by_hand`: with gradients by hand."""
    return pairs_of(figures_of(run), run, by_hand=by_hand)


def pairs_of(figures: Iterable[Figures], run: Run, *, by_hand: bool = True) -> dict[str, list[LikeForLike]]:
    """Pair the frameworks, the run's figures being there already."""
    timed = [each for each in figures if each.is_timed and (by_hand or each.gradient != BY_HAND)]
    found: dict[str, list[LikeForLike]] = {}
    rows = {row.case: row for row in run.rows}
    fastest: dict[tuple[str, str, str], Figures] = {}
    for each in sorted(timed, key=lambda figures: figures.typical_s or 0.0, reverse=True):
        fastest[each.group, each.tier, each.framework] = each  # the last, the fastest, stays
    for group in dict.fromkeys(group for group, _, _ in fastest):
        for tier in TIERS:
            torch, jax = fastest.get((group, tier, "torch")), fastest.get((group, tier, "jax"))
            ratio = torch and jax and ratio_of(rows[torch.case], rows[jax.case])
            if torch and jax and ratio:
                typical = _typical_ratio(rows[torch.case], rows[jax.case])
                pair = LikeForLike(torch=torch, jax=jax, ratio=ratio, typical=typical)
                found.setdefault(group, []).append(pair)
    return found


def _typical_ratio(torch: Row, jax: Row) -> Ratio:
    """Say how many times faster JAX's median epochs are, as `speedup` does of the fastest."""
    return speedup(*zip(*paired_median_s(torch.processes, jax.processes), strict=True))


def by_hand(rows: Iterable[Row]) -> str:
    """Name the rows of which it is so: "the gradient of A is derived by hand"; nothing where it is of none.

    NumPy's loop and the floor are not named: they have no framework that could derive it.
    """
    found = {row.implementation for row in rows if row.framework != YARDSTICK and gradient_of(row) == BY_HAND}
    return derived_by_hand(found)


def derived_by_hand(names: Iterable[str]) -> str:
    """Return "the gradient of A and B is derived by hand"; "" for no names."""
    listed = " and ".join(sorted(names))
    return listed and f"the gradient of {listed} is derived by hand"
