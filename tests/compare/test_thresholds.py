"""Which threshold a case has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.compare.rule import Rule
from benchmarks.compare.thresholds import Thresholds
from benchmarks.errors import UsageError
from tests.compare.test_calibration import CASE, calibration

if TYPE_CHECKING:
    from benchmarks.compare.noise import CaseCalibration


def thresholds(given: dict[str, float] | None = None, **cases: CaseCalibration) -> Thresholds:
    return Thresholds(given=given or {}, calibration=calibration(**cases))


@pytest.mark.parametrize(
    ("name", "given", "default", "threshold"),
    [
        ("jax_scan", {}, 0.025, 0.05),
        ("jax_scan", {}, 0.075, 0.075),
        ("jax_scan", {"": 0.1, "jax": 0.01}, 0.025, 0.01),
        ("torch_eager", {"jax": 0.01}, 0.025, 0.025),
    ],
)
def test_what_the_user_says_overrules_calibration_which_only_ever_raises_a_threshold(
    name: str, given: dict[str, float], default: float, threshold: float
) -> None:
    rule = Rule(threshold=default)

    assert thresholds(given, jax_scan=CASE).rule_for(name, rule) == rule.with_threshold(threshold)


def test_without_a_calibration_the_default_holds() -> None:
    assert Thresholds(given={}, calibration=None).rule_for("jax_scan", Rule()) == Rule()


def test_cases_the_calibration_does_not_know_are_named() -> None:
    names = ["jax_scan", "torch_eager"]

    assert thresholds({"scan": 0.05}, jax_scan=CASE).uncalibrated(names) == [
        "not calibrated, so their thresholds are the default: torch_eager"
    ]
    assert thresholds(jax_scan=CASE, torch_eager=CASE).uncalibrated(names) == []
    assert thresholds({"torch": 0.05}, jax_scan=CASE).uncalibrated(names) == []  # nor is the default theirs
    assert Thresholds(given={}, calibration=None).uncalibrated(names) == []  # another note says so


@pytest.mark.parametrize(
    ("changes", "n_cases", "difference"),
    [
        ({}, 3, "of at most 2 cases, not 3"),
        ({"alpha": 0.05}, 1, "alpha 0.01, not 0.05"),
        ({"alpha": 0.001}, 2, "alpha 0.01, not 0.001"),
        ({"max_pairs": 40}, 2, "of at most 20 pairs, not 40"),
        ({"max_pairs": 40}, 3, "of at most 2 cases, not 3; of at most 20 pairs, not 40"),
    ],
)
def test_thresholds_that_were_calibrated_for_other_comparisons_are_named(
    changes: dict[str, Any], n_cases: int, difference: str
) -> None:
    known = thresholds({"jit": 0.05}, jax_jit=CASE, jax_scan=CASE, torch_eager=replace(CASE, n_cases=9))
    rule = replace(Rule(), **changes)

    (line, *_) = known.mismatched(["jax_jit", "jax_scan", "jax_new"], rule, n_cases=n_cases)

    assert line.startswith(f"calibrated for other comparisons ({difference}), so ")
    assert ": jax_scan; " in line  # neither a case with a given threshold nor one that is not calibrated


def test_thresholds_that_were_calibrated_for_such_a_comparison_are_not_named() -> None:
    known = thresholds(jax_jit=CASE, jax_scan=CASE)

    for n_cases, max_pairs in ((1, 20), (2, 20), (2, 10)):
        assert known.mismatched(["jax_jit"], Rule(max_pairs=max_pairs), n_cases=n_cases) == []
    assert thresholds({"": 0.05}, jax_jit=CASE).mismatched(["jax_jit"], Rule(), n_cases=3) == []
    assert Thresholds(given={}, calibration=None).mismatched(["jax_jit"], Rule(), n_cases=3) == []


def test_a_threshold_for_no_case_is_refused() -> None:
    thresholds({"": 0.05, "scan": 0.05}).require_fitting(["jax_scan"])
    with pytest.raises(UsageError, match=r"unknown case in --threshold 'jaxscan'.*Did you mean 'jax_scan'"):
        thresholds({"jaxscan": 0.05}).require_fitting(["jax_scan"])
