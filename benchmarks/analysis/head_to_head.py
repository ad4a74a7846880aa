"""Within a tier: PyTorch's fastest implementation against JAX's, and how sure the comparison is.

Only gradients that are derived alike are compared: by the framework, or else written out by hand.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from benchmarks.analysis.figures import Figures, figures_of, ratio_of
from benchmarks.cases.implementations import is_by_hand
from benchmarks.records.process import paired_median_s
from benchmarks.records.row import Row
from benchmarks.records.run import Run
from benchmarks.stats import Ratio

TIERS = ("floor", "kernel", "epoch", "step", "eager")
"""From most work per call to least; the floor, which is no choice, first."""

CLEARLY = 1.05
"""Typical epochs name a winner only if their ratio is above this."""


@dataclass(frozen=True, kw_only=True)
class LikeForLike:
    """Both frameworks' fastest implementations of one tier and kind of gradient, in one group of one run."""

    torch: Figures
    jax: Figures
    ratio: Ratio  # how many times faster JAX's is by the fastest epochs, paired by rounds
    typical: Ratio  # the same by the typical epochs

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


@dataclass(frozen=True, kw_only=True)
class Line:
    """The fastest implementations of one tier whose gradients are derived alike, in one group of one run."""

    tier: str
    by_hand: bool  # whether the gradient by the parameters is written out; else the frameworks derive it
    torch: Figures | None  # None: no such implementation was timed
    jax: Figures | None
    pair: LikeForLike | None  # None: one side is missing, or no round has both

    @property
    def name(self) -> str:
        """Return the tier, and whether the gradient is written out: "epoch, by hand"."""
        return f"{self.tier}, by hand" if self.by_hand else self.tier


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


def lines_of(run: Run) -> dict[str, list[Line]]:
    """Compare the frameworks by group and tier: where they derive the gradient, then where it is written out.

    A tier that only one framework has is left out; so are gradients by hand where there are none.
    """
    rows = {row.case: row for row in run.rows}
    timed = [figures for figures in figures_of(run) if figures.is_timed]
    found = {
        group: list(_lines([*members], rows)) for group, members in groupby(timed, key=attrgetter("group"))
    }
    return {group: lines for group, lines in found.items() if lines}


def _lines(members: Sequence[Figures], rows: Mapping[str, Row]) -> Iterator[Line]:
    for tier in TIERS:
        of_tier = [each for each in members if each.tier == tier]
        if not {"torch", "jax"} <= {each.framework for each in of_tier}:
            continue
        for by_hand in (False, True):
            alike = [each for each in of_tier if is_by_hand(each.gradient) == by_hand]
            torch, jax = (_fastest(alike, framework) for framework in ("torch", "jax"))
            if torch or jax or not by_hand:
                yield Line(tier=tier, by_hand=by_hand, torch=torch, jax=jax, pair=_pair(torch, jax, rows))


def _fastest(members: Sequence[Figures], framework: str) -> Figures | None:
    own = [each for each in members if each.framework == framework]
    return min(own, key=lambda figures: figures.typical_s or 0.0, default=None)


def _pair(torch: Figures | None, jax: Figures | None, rows: Mapping[str, Row]) -> LikeForLike | None:
    if torch is None or jax is None:
        return None
    before, after = rows[torch.case], rows[jax.case]
    ratio, typical = ratio_of(before, after), ratio_of(before, after, paired_median_s)
    return LikeForLike(torch=torch, jax=jax, ratio=ratio, typical=typical) if ratio and typical else None
