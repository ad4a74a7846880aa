"""Which threshold a case has."""

from __future__ import annotations

import pytest

from benchmarks.errors import UsageError
from benchmarks.thresholds import gaps, require_fitting, threshold_for
from tests.test_calibration import CASE, calibration


def test_what_the_user_says_overrules_calibration_which_only_ever_raises_a_threshold() -> None:
    known = calibration(jax_scan=CASE)

    assert threshold_for("jax_scan", {}, known, default=0.025) == 0.05
    assert threshold_for("jax_scan", {}, known, default=0.075) == 0.075
    assert threshold_for("jax_scan", {"": 0.1, "jax": 0.01}, known, default=0.025) == 0.01
    assert threshold_for("torch_eager", {"jax": 0.01}, known, default=0.025) == 0.025
    assert threshold_for("torch_eager", {}, None, default=0.025) == 0.025


def test_cases_the_calibration_does_not_know_are_told() -> None:
    names = ["jax_scan", "torch_eager"]

    assert gaps(calibration(jax_scan=CASE), names) == [
        "not calibrated, so their thresholds are the default: torch_eager"
    ]
    assert gaps(calibration(jax_scan=CASE, torch_eager=CASE), names) == []
    assert gaps(None, names) == []  # which is told otherwise


def test_a_threshold_for_no_case_is_refused() -> None:
    require_fitting(["", "scan"], ["jax_scan"])
    with pytest.raises(UsageError, match=r"unknown case in --threshold 'jaxscan'.*Did you mean 'jax_scan'"):
        require_fitting(["jaxscan"], ["jax_scan"])
