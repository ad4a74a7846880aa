"""The agreement check: what passes, and what a fault says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.cases.tolerances import LOSS_TOLERANCE, PARAMETER_TOLERANCE
from benchmarks.records import row
from benchmarks.verify import agreement
from benchmarks.verify.agreement import check, reference_for
from benchmarks.worker.messages import Measurement, Outcome
from tests.conftest import SMALL

if TYPE_CHECKING:
    from impls.contract import Problem


def measurement_of(problem: Problem, outcome: Outcome | None = None) -> Measurement:
    """Give what a perfect implementation would send, or the given outcome."""
    training = reference_for(problem).training
    perfect = Outcome(
        losses=training.losses.tolist(), weight=training.weight.tolist(), bias=[float(training.bias)]
    )
    return Measurement(
        data_digest=reference_for(problem).data_digest,
        dtypes=["float32"],
        other_frameworks=[],
        n_cpus_allowed=1,
        first_call_s=0.5,
        lowest=outcome or perfect,
        highest=outcome or perfect,
        timing=None,
        inspection=None,
    )


def moved(problem: Problem, name: str, index: int, by: float, *, side: str = "highest") -> Measurement:
    """Give what a perfect implementation would send, but for one value on one side of the envelope."""
    perfect = measurement_of(problem)
    values = list(getattr(perfect.highest, name))
    values[index] += by
    off = replace(perfect.highest, **{name: values})
    return replace(perfect, highest=off) if side == "highest" else replace(perfect, lowest=off)


def test_the_reference_agrees_with_itself_without_deviation() -> None:
    agreed = check(SMALL, measurement_of(SMALL))

    assert agreed.fault is None
    assert (agreed.max_loss_deviation, agreed.max_parameter_deviation) == (0, 0)
    assert (agreed.reference, agreed.n_steps) == ("float64", 12)


@pytest.mark.parametrize("side", ["lowest", "highest"])
@pytest.mark.parametrize("index", [0, 5, 11])
def test_any_step_beyond_the_tolerance_is_a_fault_on_either_side(index: int, side: str) -> None:
    sign = 1 if side == "highest" else -1

    within = check(SMALL, moved(SMALL, "losses", index, sign * 0.99 * LOSS_TOLERANCE, side=side))
    beyond = check(SMALL, moved(SMALL, "losses", index, sign * 1.01 * LOSS_TOLERANCE, side=side))

    assert within.fault is None
    assert beyond.fault is not None
    assert beyond.fault.startswith(
        f"loss of step {index + 1} (epoch {index // 4 + 1}, batch {index % 4 + 1}): "
    )


def test_the_fault_names_expected_found_difference_and_tolerance() -> None:
    expected = float(reference_for(SMALL).training.losses[0])

    fault = check(SMALL, moved(SMALL, "losses", 0, 0.5)).fault

    assert fault == (
        f"loss of step 1 (epoch 1, batch 1): expected {expected:.7g}, found {expected + 0.5:.7g}, "
        "off by 0.5, tolerance 2e-05"
    )


@pytest.mark.parametrize(("name", "index", "shown"), [("weight", 1, "weight[1]"), ("bias", 0, "bias")])
def test_the_final_parameters_are_held_to_their_own_tolerance(name: str, index: int, shown: str) -> None:
    within = check(SMALL, moved(SMALL, name, index, 0.99 * PARAMETER_TOLERANCE))
    beyond = check(SMALL, moved(SMALL, name, index, 1.01 * PARAMETER_TOLERANCE))

    assert within.fault is None
    assert beyond.fault is not None
    assert beyond.fault.startswith(f"{shown} after the last step: expected ")


def test_a_nan_never_agrees_and_is_no_figure() -> None:
    agreed = check(SMALL, moved(SMALL, "losses", 7, float("nan"), side="lowest"))

    assert agreed.fault is not None
    assert "step 8" in agreed.fault
    assert "found nan" in agreed.fault
    assert agreed.max_loss_deviation is None


def test_another_number_of_steps_is_a_fault() -> None:
    outcome = Outcome(losses=[0.5] * 11, weight=[0.0, 0.0], bias=[0.0])

    assert check(SMALL, measurement_of(SMALL, outcome)).fault == "stopped after 11 steps, expected 12"


def test_other_data_is_a_fault_whatever_was_computed() -> None:
    agreed = check(SMALL, replace(measurement_of(SMALL), data_digest="0" * 16))

    assert agreed.fault is not None
    assert agreed.fault.startswith("other data: expected digest ")


def test_a_saturated_problem_is_judged_by_the_same_formula_in_float32() -> None:
    saturated = reference_for(replace(SMALL, feature_scale=100.0))

    assert saturated.precision == "float32"
    assert saturated.training.weight.dtype == np.float32
    assert reference_for(SMALL).precision == "float64"


def test_a_fault_outranks_any_deviation() -> None:
    good, bad = (
        row.Agreement(
            reference="float64", n_steps=1, max_loss_deviation=d, max_parameter_deviation=0.0, fault=f
        )
        for d, f in ((1e-6, None), (None, "stopped early"))
    )

    assert max(good, bad, key=agreement.badness) is bad
