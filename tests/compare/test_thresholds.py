"""Which threshold a case has."""

from __future__ import annotations

import pytest

from benchmarks.compare.rule import Rule
from benchmarks.compare.thresholds import require_fitting, rule_for
from benchmarks.errors import UsageError


@pytest.mark.parametrize(
    ("given", "threshold"),
    [({}, 0.025), ({"": 0.1}, 0.1), ({"": 0.1, "jax": 0.01}, 0.01), ({"torch": 0.1}, 0.025)],
)
def test_the_last_threshold_that_fits_a_case_counts_else_the_rules(
    given: dict[str, float], threshold: float
) -> None:
    rule = Rule()

    assert rule_for("jax_scan", rule, given) == rule.with_threshold(threshold)


def test_a_threshold_for_no_case_is_refused() -> None:
    require_fitting({"": 0.05, "scan": 0.05}, ["jax_scan"])
    with pytest.raises(UsageError, match=r"unknown case in --threshold 'jaxscan'.*Did you mean 'jax_scan'"):
        require_fitting({"jaxscan": 0.05}, ["jax_scan"])
