"""Paired ratios → a verdict (slower, faster, unchanged or undecided), and when to stop measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

from benchmarks.compare.evidence import FEWEST_PAIRS, balanced, evidence, extent
from benchmarks.decode import Within, decode
from benchmarks.errors import UsageError

Metric: TypeAlias = Literal["time", "instructions"]
METRICS = get_args(Metric)
"""By which figure the two sides can be compared."""

Fraction: TypeAlias = Annotated[float, Within(1e-12, 1 - 1e-12)]
Count: TypeAlias = Annotated[int, Within(1, 1_000_000)]


class Category(StrEnum):
    """What became of a case."""

    SLOWER = "slower"
    FASTER = "faster"
    UNCHANGED = "unchanged"
    UNDECIDED = "undecided"  # too noisy
    INVALID = "INVALID"  # on some side the case is wrong, unfairly timed or broken
    MISSING = "missing"  # only the base has it, or neither side can run it here
    NEW = "new"  # only the new side has it


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When a case counts as changed. Fractions: 0.025 is 2.5 %.

    From `min_pairs` on, a case ends as unchanged as soon as it clearly is, if the pairs are balanced: this
    verdict has no bound. At each of the looks it ends as slower or faster if the median ratio is beyond the
    threshold and a sign test rejects that nothing changed. After `max_pairs` it is unchanged if its whole
    interval is within the threshold, else undecided.

    The sign tests of all looks at all cases share `alpha` (Bonferroni): the probability that a comparison
    calls anything slower where exchanging the sides changes nothing is at most that (and the same for
    faster), whatever the noise: a fair coin draws the order within each pair, and with it the signs.

    Instructions hardly vary: agreement of all of a few pairs replaces the sign test, and `alpha` is not used;
    see COUNTED_RULE.

    Raises:
        UsageError: a figure is out of its range.
    """

    threshold: Fraction = 0.025
    unchanged: Fraction = 0.015  # the median ratio's distance from 1 that allows to stop early
    spread: Fraction = 0.02  # the interquartile range of the ratios that allows it
    min_pairs: Count = FEWEST_PAIRS
    max_pairs: Count = 20
    alpha: Fraction = 0.01
    drift: Annotated[float, Within(0, 0.999)] = 0.0  # of the machine, between the two sides' measurements
    metric: Metric = "time"

    def __post_init__(self) -> None:
        """Check each figure, and the figures that limit one another."""
        for name, kind in get_type_hints(type(self), include_extras=True).items():
            try:
                decode(kind, getattr(self, name))
            except ValueError as error:
                message = f"rule: {name}: {error}"
                raise UsageError(message) from None
        for name, limit in (("unchanged", "threshold"), ("min_pairs", "max_pairs")):
            if (found := getattr(self, name)) > (most := getattr(self, limit)):
                message = f"rule: {name}: expected at most {limit}, {most:g}, found {found:g}"
                raise UsageError(message)

    @property
    def counts(self) -> bool:
        """Whether instructions are compared, and not times."""
        return self.metric == "instructions"

    def with_threshold(self, threshold: float) -> Rule:
        """Return the rule with another threshold; a smaller one shrinks the limits of unchanged, too."""
        share = min(1.0, threshold / self.threshold)
        unchanged = min(self.unchanged * share, threshold)  # rounding must not take it beyond
        return replace(self, threshold=threshold, unchanged=unchanged, spread=self.spread * share)

    def looks(self, n_cases: int) -> tuple[int, ...]:
        """Return the numbers of pairs at which a case may end as slower or faster: halfway and at the end.

        Only at the end if there are so many cases that even pairs that all agree would not suffice halfway:
        that look would only waste its share of alpha.
        """
        halfway = max(self.min_pairs, self.max_pairs // 2)
        if halfway == self.max_pairs or 0.5**halfway > self.alpha / (n_cases * 2):
            return (self.max_pairs,)
        return (halfway, self.max_pairs)

    def tail(self, n_cases: int) -> float:
        """Return the error probability of one look at one of so many cases, on one side."""
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
    detectable: float | None  # the slowdown, a fraction, that is detected with a power of 50 %; None: none
    n_pairs: int


def verdict_so_far(
    ratios: Sequence[float], rule: Rule, *, n_cases: int = 1, is_balanced: bool = True
) -> Decision | None:
    """Judge one of `n_cases` cases by its pairs so far; None: another pair is needed.

    Raises:
        ValueError: there is no pair.
    """
    decision = final_verdict(ratios, rule, n_cases=n_cases, is_balanced=is_balanced)
    return decision if _is_final(decision.category, len(ratios), rule, n_cases) else None


def _is_final(category: Category, n_pairs: int, rule: Rule, n_cases: int) -> bool:
    if category in (Category.SLOWER, Category.FASTER):
        return n_pairs in rule.looks(n_cases) or n_pairs >= rule.max_pairs
    if category is Category.UNCHANGED and n_pairs >= rule.min_pairs:
        return True
    return n_pairs >= rule.max_pairs


def categories_of(
    ratios: NDArray[np.float64], new_first: NDArray[np.bool_], rule: Rule, *, n_cases: int
) -> list[Category]:
    """Judge each row of ratios, a case's `max_pairs` pairs, as if they came in one by one, all at once.

    `new_first`, of the same shape, is whether the new side went first.
    """
    found: dict[int, Category] = {}
    left = list(range(len(ratios)))
    for n_pairs in range(rule.min_pairs, rule.max_pairs + 1):
        is_balanced = balanced(new_first[left, :n_pairs])
        shown = evidence(ratios[left, :n_pairs], rule, n_cases=n_cases, is_balanced=is_balanced)
        figures = zip(left, shown.ratio.tolist(), shown.changed.tolist(), shown.within.tolist(), strict=True)
        found |= {row: _category(ratio, changed, within, rule) for row, ratio, changed, within in figures}
        left = [row for row in left if not _is_final(found[row], n_pairs, rule, n_cases)]
    return [found[row] for row in range(len(ratios))]


def final_verdict(
    ratios: Sequence[float], rule: Rule, *, n_cases: int = 1, is_balanced: bool = True
) -> Decision:
    """Judge a case by these pairs, whether or not the rule would stop here.

    Raises:
        ValueError: there is no pair.
    """
    if not ratios:
        message = "expected at least one pair, found none"
        raise ValueError(message)
    shown = evidence(np.asarray(ratios), rule, n_cases=n_cases, is_balanced=is_balanced)
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
    """Return the category of a ratio new / base with its interval."""
    changed, within = extent(ratio, low, high)
    return _category(ratio, float(changed), float(within), rule)


def _category(ratio: float, changed: float, within: float, rule: Rule) -> Category:
    if 1 + rule.threshold < changed:
        return Category.SLOWER if ratio > 1 else Category.FASTER
    return Category.UNCHANGED if within < 1 + rule.threshold else Category.UNDECIDED
