"""Which threshold a case has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.compare.rule import Rule
from benchmarks.compare.thresholds import (
    mismatched,
    require_fitting,
    threshold_for,
    uncalibrated,
)
from benchmarks.errors import UsageError
from tests.compare.test_calibration import CASE, calibration


def test_what_the_user_says_overrules_calibration_which_only_ever_raises_a_threshold() -> None:
    known = calibration(jax_scan=CASE)

    assert threshold_for("jax_scan", {}, known, default=0.025) == 0.05
    assert threshold_for("jax_scan", {}, known, default=0.075) == 0.075
    assert threshold_for("jax_scan", {"": 0.1, "jax": 0.01}, known, default=0.025) == 0.01
    assert threshold_for("torch_eager", {"jax": 0.01}, known, default=0.025) == 0.025
    assert threshold_for("torch_eager", {}, None, default=0.025) == 0.025


def test_cases_the_calibration_does_not_know_are_told() -> None:
    names = ["jax_scan", "torch_eager"]

    assert uncalibrated(calibration(jax_scan=CASE), names, {"scan": 0.05}) == [
        "not calibrated, so their thresholds are the default: torch_eager"
    ]
    assert uncalibrated(calibration(jax_scan=CASE, torch_eager=CASE), names, {}) == []
    assert uncalibrated(calibration(jax_scan=CASE), names, {"torch": 0.05}) == []  # nor is the default theirs
    assert uncalibrated(None, names, {}) == []  # which is told otherwise


@pytest.mark.parametrize(
    ("changes", "n_cases", "told"),
    [
        ({}, 3, "of at most 2 cases, not 3"),
        ({"alpha": 0.05}, 1, "alpha 0.01, not 0.05"),
        ({"alpha": 0.001}, 2, "alpha 0.01, not 0.001"),
        ({"max_pairs": 40}, 2, "of at most 20 pairs, not 40"),
        ({"max_pairs": 40}, 3, "of at most 2 cases, not 3; of at most 20 pairs, not 40"),
    ],
)
def test_thresholds_that_were_calibrated_for_other_comparisons_are_told(
    changes: dict[str, Any], n_cases: int, told: str
) -> None:
    known = calibration(jax_jit=CASE, jax_scan=CASE, torch_eager=replace(CASE, n_cases=9))
    rule = replace(Rule(), **changes)

    (line, *_) = mismatched(known, ["jax_jit", "jax_scan", "jax_new"], {"jit": 0.05}, rule, n_cases=n_cases)

    assert line.startswith(f"calibrated for other comparisons ({told}), so ")
    assert ": jax_scan; " in line  # not of what the user has said, or what is not calibrated


def test_thresholds_that_were_calibrated_for_such_a_comparison_are_not_told() -> None:
    known = calibration(jax_jit=CASE, jax_scan=CASE)

    for n_cases, max_pairs in ((1, 20), (2, 20), (2, 10)):
        assert mismatched(known, ["jax_jit"], {}, Rule(max_pairs=max_pairs), n_cases=n_cases) == []
    assert mismatched(known, ["jax_jit"], {"": 0.05}, Rule(), n_cases=3) == []
    assert mismatched(None, ["jax_jit"], {}, Rule(), n_cases=3) == []


def test_a_threshold_for_no_case_is_refused() -> None:
    require_fitting(["", "scan"], ["jax_scan"])
    with pytest.raises(UsageError, match=r"unknown case in --threshold 'jaxscan'.*Did you mean 'jax_scan'"):
        require_fitting(["jaxscan"], ["jax_scan"])
