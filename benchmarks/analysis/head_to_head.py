"""Within a tier: PyTorch's fastest implementation against JAX's, and how sure the comparison is."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.analysis.decision_map import YARDSTICK
from benchmarks.analysis.figures import Figures, figures_of, gradient_of, ratio_of
from benchmarks.cases.implementations import BY_HAND
from benchmarks.records.process import paired_median_s
from benchmarks.records.row import Row
from benchmarks.records.run import Run
from benchmarks.stats import Ratio

TIERS = ("floor", "epoch", "step", "eager")
"""From most work per call to least; the floor, which is no choice, first."""

CLEARLY = 1.05
"""Typical epochs name a winner only if their ratio is above this."""


@dataclass(frozen=True, kw_only=True)
class LikeForLike:
    """Both frameworks' fastest implementations of one tier, in one group of one run."""

    torch: Figures
    jax: Figures
    ratio: Ratio  # how many times faster JAX's is by the fastest epochs, paired by rounds
    typical: Ratio  # the same by the typical epochs

    @property
    def tier(self) -> str:
        """Return the tier of both."""
        return self.torch.tier

    @property
    def is_sure(self) -> bool:
        """Check whether there were enough rounds for an interval."""
        return self.ratio.low is not None

    @property
    def winner(self) -> str | None:
        """Return the faster framework; None if the interval includes 1 or the typical epochs disagree."""
        return None if self.is_doubtful else self.by_fastest

    @property
    def by_fastest(self) -> str | None:
        """Return the framework with the faster fastest epochs; None if the interval includes 1."""
        return _faster(self.ratio)

    @property
    def by_typical(self) -> str | None:
        """Return the framework with the clearly faster typical epochs; None if there is none."""
        return _faster(self.typical) if above_one(self.typical).value > CLEARLY else None

    @property
    def is_doubtful(self) -> bool:
        """Check whether the typical epochs name another winner than the fastest ones."""
        return None not in (self.by_fastest, self.by_typical) and self.by_fastest != self.by_typical

    @property
    def advantage(self) -> Ratio:
        """Return how many times faster the faster framework is, by the fastest epochs."""
        return above_one(self.ratio)


def above_one(ratio: Ratio) -> Ratio:
    """Return the ratio, or its inverse if it is below 1."""
    if ratio.value >= 1:
        return ratio
    low, high = ratio.low, ratio.high
    return Ratio(
        1 / ratio.value,
        low=1 / high if high else None,
        high=1 / low if low else None,
        coverage=ratio.coverage,
    )


def _faster(ratio: Ratio) -> str | None:
    ahead = above_one(ratio)
    if (ahead.low or ahead.value) <= 1:
        return None
    return "JAX" if ratio.value > 1 else "PyTorch"


def like_for_like(run: Run, *, by_hand: bool = True) -> dict[str, list[LikeForLike]]:
    """Pair the frameworks by group and tier if both were timed; `by_hand`: with gradients by hand."""
    rows = {row.case: row for row in run.rows}
    fastest: dict[tuple[str, str, str], Figures] = {}
    for each in sorted(figures_of(run), key=lambda figures: figures.typical_s or 0.0, reverse=True):
        if each.is_timed and (by_hand or each.gradient != BY_HAND):
            fastest[each.group, each.tier, each.framework] = each  # the last one, which is the fastest, stays
    found: dict[str, list[LikeForLike]] = defaultdict(list)
    for group in dict.fromkeys(group for group, _, _ in fastest):
        for tier in TIERS:
            torch, jax = fastest.get((group, tier, "torch")), fastest.get((group, tier, "jax"))
            if torch is None or jax is None:
                continue
            before, after = rows[torch.case], rows[jax.case]
            ratio, typical = ratio_of(before, after), ratio_of(before, after, paired_median_s)
            if ratio and typical:
                found[group].append(LikeForLike(torch=torch, jax=jax, ratio=ratio, typical=typical))
    return dict(found)


def by_hand(rows: Iterable[Row]) -> str:
    """Return "the gradient of A is derived by hand"; "" if that is true of no row.

    NumPy's loop and the floor are not named: they have no framework that could derive it.
    """
    return derived_by_hand(
        {row.implementation for row in rows if row.framework != YARDSTICK and gradient_of(row) == BY_HAND}
    )


def derived_by_hand(names: Iterable[str]) -> str:
    """Return "the gradient of A and B is derived by hand"; "" for no names."""
    listed = " and ".join(sorted(names))
    return listed and f"the gradient of {listed} is derived by hand"
