"""Within a tier: the fastest way of PyTorch against the fastest way of JAX, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.figures import figures_of, ratio_of
from benchmarks.statistics import Ratio

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from benchmarks.figures import Figures
    from benchmarks.record import Run

TIERS = ("floor", "epoch", "step", "eager")
"""From most of the work handed over at once to least; the floor, which is no choice, first."""


@dataclass(frozen=True, kw_only=True)
class LikeForLike:
    """Both frameworks' fastest implementations of one tier, in one group of one run."""

    torch: Figures
    jax: Figures
    ratio: Ratio  # how many times faster JAX's is, paired by rounds

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
        """Name the faster framework; None where the interval says that either may be."""
        low, high = self.ratio.low or self.ratio.value, self.ratio.high or self.ratio.value
        return "JAX" if low > 1 else "PyTorch" if high < 1 else None

    @property
    def is_doubtful(self) -> bool:
        """Say whether the typical epochs tell another winner than the fastest, which decide."""
        by_typical = "JAX" if (self.jax.typical_s or 0) < (self.torch.typical_s or 0) else "PyTorch"
        return self.winner not in (None, by_typical)

    @property
    def advantage(self) -> Ratio:
        """Give how many times faster the faster one is."""
        if self.ratio.value >= 1:
            return self.ratio
        low, high = self.ratio.low, self.ratio.high
        return Ratio(
            1 / self.ratio.value,
            low=1 / high if high else None,
            high=1 / low if low else None,
            coverage=self.ratio.coverage,
        )


def like_for_like(run: Run, *, without: Collection[str] = ()) -> dict[str, list[LikeForLike]]:
    """Pair the frameworks by group and tier, wherever both were timed, and leave some implementations out."""
    found: dict[str, list[LikeForLike]] = {}
    rows = {row.case: row for row in run.rows}
    fastest: dict[tuple[str, str, str], Figures] = {}
    for each in sorted(_timed(run, without), key=lambda figures: figures.typical_s or 0.0, reverse=True):
        fastest[each.group, each.tier, each.framework] = each  # the last, the fastest, stays
    for group in dict.fromkeys(group for group, _, _ in fastest):
        for tier in TIERS:
            torch, jax = fastest.get((group, tier, "torch")), fastest.get((group, tier, "jax"))
            ratio = torch and jax and ratio_of(rows[torch.case], rows[jax.case])
            if torch and jax and ratio:
                found.setdefault(group, []).append(LikeForLike(torch=torch, jax=jax, ratio=ratio))
    return found


def _timed(run: Run, without: Collection[str]) -> Iterator[Figures]:
    return (each for each in figures_of(run) if each.is_timed and each.implementation not in without)
