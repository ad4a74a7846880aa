"""Paired ratios → the rule's verdict, for one case or many at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.compare.evidence import balanced, evidence, extent
from benchmarks.compare.rule import Category, Decision, Rule


def verdict_so_far(
    ratios: Sequence[float], rule: Rule, *, n_cases: int = 1, is_balanced: bool = True
) -> Decision | None:
    """Judge one of `n_cases` cases by its pairs so far; None: another pair is needed.

    Raises:
        ValueError: there is no pair.
    """
    decision = final_verdict(ratios, rule, n_cases=n_cases, is_balanced=is_balanced)
    return decision if rule.is_final(decision.category, len(ratios), n_cases) else None


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
        found |= {row: rule.category_of(ratio, changed, within) for row, ratio, changed, within in figures}
        left = [row for row in left if not rule.is_final(found[row], n_pairs, n_cases)]
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
        category=rule.category_of(ratio, float(shown.changed), float(shown.within)),
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
    return rule.category_of(ratio, float(changed), float(within))
