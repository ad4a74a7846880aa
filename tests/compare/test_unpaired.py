"""Verdicts on two moments: how many rounds make one sure enough."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from benchmarks.compare.rule import UNPAIRED_RULE, Category
from benchmarks.compare.unpaired import decide_shift, rounds_needed


@pytest.mark.parametrize("n_cases", [1, 3, 7])
@pytest.mark.parametrize("n", range(3, 12))
def test_as_many_rounds_as_are_said_to_be_needed_are_just_enough(n: int, n_cases: int) -> None:
    rarest = 1 / math.comb(2 * n, n)
    # Rounding must not make it miss the one order that reaches it.
    rule = replace(UNPAIRED_RULE, alpha=n_cases * rarest, drift=0.0)

    assert rounds_needed(rule, n_cases=n_cases) == n
    for n_rounds, category in ((n, Category.SLOWER), (n - 1, Category.UNDECIDED)):
        found = decide_shift([0.0] * n_rounds, [1.0] * n_rounds, rule, n_cases=n_cases)
        assert found.category is category
        assert (found.detectable is None) == (category is Category.UNDECIDED)
