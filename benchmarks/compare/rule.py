"""Paired ratios → a verdict: slower, faster, unchanged, or undecided; and when to stop measuring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.compare.evidence import FEWEST_PAIRS, evidence, extent
from benchmarks.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


METRICS = ("time", "instructions")
"""What the two sides can be compared by."""


class Category(StrEnum):
    """What became of a case."""

    SLOWER = "slower"
    FASTER = "faster"
    UNCHANGED = "unchanged"
    UNDECIDED = "undecided"  # too noisy
    INVALID = "INVALID"  # on some side the case is wrong, unfairly timed or broken
    MISSING = "missing"  # the base has it, the new side does not, or neither can run it here
    NEW = "new"  # the new side has it, the base does not


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When a case counts as changed. Fractions: 0.025 is 2.5 %.

    From `min_pairs` on, a case ends as unchanged as soon as it clearly is. At each of the looks it ends as
    slower or faster if the median ratio is beyond the threshold and a sign test rejects that nothing changed.
    What is left after `max_pairs` is unchanged if its whole interval is within the threshold, else undecided.

    The sign tests of all looks at all cases share `alpha` (Bonferroni): the probability that a comparison
    calls anything slower where nothing is, is at most that (and the same for faster), however the noise is
    distributed, as long as one pair's does not depend on another's. The threshold comes on top.

    Instructions hardly vary: a few pairs of which none says the contrary take the place of the sign test, and
    `alpha` is not used; see COUNTED_RULE.

    Raises:
        UsageError: a figure is out of its range.

    """

    threshold: float = 0.025
    unchanged: float = 0.015  # the median ratio's distance from 1 that allows to stop early
    spread: float = 0.02  # the interquartile range of the ratios that allows it
    min_pairs: int = FEWEST_PAIRS
    max_pairs: int = 20
    alpha: float = 0.01
    metric: str = "time"  # one of METRICS

    def __post_init__(self) -> None:
        """Refuse what no rule could be."""
        if self.metric not in METRICS:
            message = f"rule: metric: expected one of {', '.join(METRICS)}, found {self.metric!r}"
            raise UsageError(message)
        for name in ("threshold", "unchanged", "spread", "alpha"):
            self._require(name, "between 0 and 1", holds=0 < getattr(self, name) < 1)
        at_most = f"at most the threshold, {self.threshold:g}"
        self._require("unchanged", at_most, holds=self.unchanged <= self.threshold)
        self._require("min_pairs", "at least 1", holds=self.min_pairs >= 1)
        at_least = f"at least min_pairs, {self.min_pairs}"
        self._require("max_pairs", at_least, holds=self.max_pairs >= self.min_pairs)

    def _require(self, name: str, expected: str, *, holds: bool) -> None:
        if not holds:
            message = f"rule: {name}: expected {expected}, found {getattr(self, name):g}"
            raise UsageError(message)

    @property
    def counts(self) -> bool:
        """Say whether instructions are compared, and not times."""
        return self.metric == "instructions"

    def with_threshold(self, threshold: float) -> Rule:
        """Give the same rule with another threshold; with a smaller one, what is unchanged shrinks alike."""
        share = min(1.0, threshold / self.threshold)
        unchanged = min(self.unchanged * share, threshold)  # which rounding must not take it beyond
        return replace(self, threshold=threshold, unchanged=unchanged, spread=self.spread * share)

    def looks(self, n_cases: int) -> tuple[int, ...]:
        """Give the numbers of pairs at which a case may end as slower or faster: halfway and at the end.

        Only at the end, where there are so many cases that not even pairs that all agree would do halfway:
        that look could only waste its share of alpha.
        """
        halfway = max(self.min_pairs, self.max_pairs // 2)
        if halfway == self.max_pairs or 0.5**halfway > self.alpha / (n_cases * 2):
            return (self.max_pairs,)
        return (halfway, self.max_pairs)

    def tail(self, n_cases: int) -> float:
        """Give the error probability of one look at one of so many cases, on one side."""
        return self.alpha / (n_cases * len(self.looks(n_cases)))


COUNTED_RULE = Rule(metric="instructions", threshold=0.02, unchanged=0.02, min_pairs=2, max_pairs=3)
"""For instructions. Counts of the same code, on `book`, differed by up to 0.8 % (torch_eager) and 0.6 %
(jax_scan) between processes. Some of that comes with a side's paths and variables and is the same in each
pair, so that more pairs would not help: the threshold is more than twice as much."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The verdict on one case, from the ratio new / base of each pair: above 1 the new side is slower."""

    category: Category
    ratio: float  # the median
    low: float  # the interval of the median ratio
    high: float
    coverage: float  # of the interval
    detectable: float | None  # the smallest slowdown, a fraction, that so many pairs can show; None: none
    n_pairs: int


def verdict_so_far(ratios: Sequence[float], rule: Rule, *, n_cases: int = 1) -> Decision | None:
    """Judge one of `n_cases` cases by its pairs so far; None: go on measuring.

    Raises:
        ValueError: there is no pair.

    """
    decision = final_verdict(ratios, rule, n_cases=n_cases)
    return decision if _is_final(decision.category, len(ratios), rule, n_cases) else None


def _is_final(category: Category, n_pairs: int, rule: Rule, n_cases: int) -> bool:
    if category in (Category.SLOWER, Category.FASTER):
        return n_pairs in rule.looks(n_cases) or n_pairs >= rule.max_pairs
    if category is Category.UNCHANGED and n_pairs >= rule.min_pairs:
        return True
    return n_pairs >= rule.max_pairs


def sequential_verdict(ratios: Sequence[float], rule: Rule, *, n_cases: int = 1) -> Decision:
    """Judge a case as if its pairs came in one by one: by the first of them that let the rule stop.

    Raises:
        ValueError: there is no pair.

    """
    for n_pairs in range(rule.min_pairs, len(ratios)):
        if decision := verdict_so_far(ratios[:n_pairs], rule, n_cases=n_cases):
            return decision
    return final_verdict(ratios, rule, n_cases=n_cases)


def categories_of(ratios: NDArray[np.float64], rule: Rule, *, n_cases: int) -> list[Category]:
    """Judge each row of ratios, a case's `max_pairs` pairs, as `conclude` does, but all at once."""
    found: dict[int, Category] = {}
    left = list(range(len(ratios)))
    for n_pairs in range(rule.min_pairs, rule.max_pairs + 1):
        shown = evidence(ratios[left, :n_pairs], rule, n_cases=n_cases)
        figures = zip(left, shown.ratio.tolist(), shown.changed.tolist(), shown.within.tolist(), strict=True)
        found |= {row: _category(ratio, changed, within, rule) for row, ratio, changed, within in figures}
        left = [row for row in left if not _is_final(found[row], n_pairs, rule, n_cases)]
    return [found[row] for row in range(len(ratios))]


def final_verdict(ratios: Sequence[float], rule: Rule, *, n_cases: int = 1) -> Decision:
    """Say what these pairs show, whether or not it is time to stop.

    Raises:
        ValueError: there is no pair.

    """
    if not ratios:
        message = "expected at least one pair, found none"
        raise ValueError(message)
    shown = evidence(np.asarray(ratios), rule, n_cases=n_cases)
    ratio, low = float(shown.ratio), float(shown.low)
    return Decision(
        category=_category(ratio, float(shown.changed), float(shown.within), rule),
        ratio=ratio,
        low=low,
        high=float(shown.high),
        coverage=shown.coverage,
        detectable=max(rule.threshold, ratio / low - 1) if shown.is_sure else None,
        n_pairs=len(ratios),
    )


def classify(ratio: float, low: float, high: float, rule: Rule) -> Category:
    """Return what a ratio new / base and its interval mean."""
    changed, within = extent(ratio, low, high)
    return _category(ratio, float(changed), float(within), rule)


def _category(ratio: float, changed: float, within: float, rule: Rule) -> Category:
    if 1 + rule.threshold < changed:
        return Category.SLOWER if ratio > 1 else Category.FASTER
    return Category.UNCHANGED if within < 1 + rule.threshold else Category.UNDECIDED
