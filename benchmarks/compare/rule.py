"""When a comparison stops, and the verdict on a case: slower, faster, unchanged or undecided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias, get_args, get_type_hints

from benchmarks.decode import Within, decode
from benchmarks.errors import UsageError

Metric: TypeAlias = Literal["time", "instructions"]
METRICS = get_args(Metric)
"""By which figure the two sides can be compared."""

Fraction: TypeAlias = Annotated[float, Within(1e-12, 1 - 1e-12)]
Count: TypeAlias = Annotated[int, Within(1, 1_000_000)]

FEWEST_PAIRS = 5
"""With fewer pairs, agreement by chance would pass as unchanged."""


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

    def is_final(self, category: Category, n_pairs: int, n_cases: int) -> bool:
        """Return whether one of so many cases, in this category after so many pairs, needs no more."""
        if category in (Category.SLOWER, Category.FASTER):
            return n_pairs in self.looks(n_cases) or n_pairs >= self.max_pairs
        if category is Category.UNCHANGED and n_pairs >= self.min_pairs:
            return True
        return n_pairs >= self.max_pairs

    def category_of(self, ratio: float, changed: float, within: float) -> Category:
        """Judge a ratio new / base by what its pairs show; see `Evidence` for the last two."""
        if 1 + self.threshold < changed:
            return Category.SLOWER if ratio > 1 else Category.FASTER
        return Category.UNCHANGED if within < 1 + self.threshold else Category.UNDECIDED


COUNTED_RULE = Rule(metric="instructions", threshold=0.02, unchanged=0.02, min_pairs=2, max_pairs=3)
"""For instructions. Counts of the same code, on `book`, differed by up to 0.8 % (torch_eager) and 0.6 %
(jax_scan) between processes. Some of that comes with a side's paths and variables and is the same in each
pair, so that more pairs would not help: the threshold is more than twice as much."""

UNPAIRED_RULE = Rule(threshold=0.075, alpha=0.05, drift=0.03)
"""For two records. The same code's fastest epochs, in six records of two hours on an idle virtual machine,
had medians at most 1.7 % apart (eight implementations on `book`; the un-jitted JAX loop 3.6 %)."""


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
