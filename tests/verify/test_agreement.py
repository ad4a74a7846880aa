"""The agreement check: which results pass, what a fault says, and the loss curve in the record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.cases.tolerances import LOSS_TOLERANCE, PARAMETER_TOLERANCE
from benchmarks.decode import decode
from benchmarks.records.row import Agreement, LossPoint, Row
from benchmarks.verify.agreement import MAX_POINTS, check, loss_curve, reference_for
from benchmarks.worker.messages import Measurement, Outcome
from tests.conftest import SMALL
from tests.helpers.records import AGREEMENT, fields_of, row

if TYPE_CHECKING:
    from impls.contract import Problem

POINT = LossPoint(step=1, loss=0.6931472, reference_loss=0.6931471, max_deviation=6.2e-8)


def measurement_of(problem: Problem, outcome: Outcome | None = None) -> Measurement:
    """Return the measurement of a perfect implementation, or of the given outcome."""
    training = reference_for(problem).training
    perfect = Outcome(
        losses=training.losses.tolist(), weight=training.weight.tolist(), bias=[float(training.bias)]
    )
    return Measurement(
        data_digest=reference_for(problem).data_digest,
        dtypes=["float32"],
        other_frameworks=[],
        n_cpus_allowed=1,
        other_cpus=[],
        replaced_clocks=[],
        first_call_s=0.5,
        lowest=outcome or perfect,
        highest=outcome or perfect,
        n_missing=0,
        n_foreign=0,
        timing=None,
        inspection=None,
    )


def moved(problem: Problem, name: str, index: int, by: float, *, side: str = "highest") -> Measurement:
    """Return a perfect measurement except for one value on one side of the envelope."""
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
def test_the_final_parameters_have_their_own_tolerance(name: str, index: int, shown: str) -> None:
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
        Agreement(reference="float64", n_steps=1, max_loss_deviation=d, max_parameter_deviation=0.0, fault=f)
        for d, f in ((1e-6, None), (None, "stopped early"))
    )

    assert max(good, bad, key=lambda each: each.badness) is bad


@pytest.mark.parametrize("n_steps", [1, 2, MAX_POINTS])
def test_a_short_training_keeps_every_step(n_steps: int) -> None:
    losses = np.linspace(0.7, 0.1, n_steps)

    curve = loss_curve(losses, losses)

    assert [point.step for point in curve] == list(range(1, n_steps + 1))
    assert [point.loss for point in curve] == pytest.approx(losses, rel=1e-6)
    assert {point.max_deviation for point in curve} == {0.0}


@pytest.mark.parametrize("n_steps", [MAX_POINTS + 1, 1200, 10_000])
def test_a_long_training_keeps_the_same_steps_for_everyone_the_first_and_the_last_among_them(
    n_steps: int,
) -> None:
    expected = np.linspace(0.7, 0.1, n_steps)

    one, other = loss_curve(expected, expected), loss_curve(expected, 2 * expected)

    assert [point.step for point in one] == [point.step for point in other]
    assert (one[0].step, one[-1].step, len(one)) == (1, n_steps, MAX_POINTS)


@pytest.mark.parametrize("step", [1, 2, 555, 9999, 10_000])
def test_a_deviation_between_two_points_shows_in_the_later_one(step: int) -> None:
    expected = np.full(10_000, 0.25)
    found = expected.copy()
    found[step - 1] -= 0.0123456

    off = [point for point in loss_curve(expected, found) if point.max_deviation]

    assert [point.max_deviation for point in off] == [0.012]
    assert 0 <= off[0].step - step < 10_000 / (MAX_POINTS - 1)


def test_a_loss_that_is_not_finite_is_no_figure_and_hides_no_other() -> None:
    expected = np.array([0.5, 0.5, 0.5])

    curve = loss_curve(expected, np.array([0.5, np.nan, np.inf]))

    assert [(point.loss, point.max_deviation) for point in curve] == [(0.5, 0.0), (None, None), (None, None)]


def test_the_curves_largest_deviation_is_the_rows_to_two_digits() -> None:
    agreed = check(SMALL, moved(SMALL, "losses", 5, 1.2345e-5))

    assert agreed.max_loss_deviation == pytest.approx(1.2345e-5)
    assert max(point.max_deviation or 0 for point in agreed.curve) == 1.2e-5


def test_the_curve_has_the_computed_and_the_expected_losses() -> None:
    point = check(SMALL, moved(SMALL, "losses", 5, 0.125)).curve[5]

    expected = float(reference_for(SMALL).training.losses[5])
    assert point.step == 6
    assert point.reference_loss == pytest.approx(expected, rel=1e-6)
    assert point.loss == pytest.approx(expected + 0.125, rel=1e-6)


def test_a_result_on_other_data_has_no_curve() -> None:
    assert check(SMALL, replace(measurement_of(SMALL), data_digest="0" * 16)).curve == ()


def test_a_curve_is_read_back_as_it_was_and_takes_a_list_of_four_per_point() -> None:
    drawn = row(agreement=replace(AGREEMENT, curve=(POINT, POINT._replace(step=2, loss=None))))

    fields = fields_of(drawn)

    assert fields["agreement"]["curve"][0] == [1, 0.6931472, 0.6931471, 6.2e-8]
    assert decode(Row, fields) == drawn


def test_a_record_from_before_there_were_curves_has_none() -> None:
    fields = fields_of(row())
    del fields["agreement"]["curve"]

    assert decode(Row, fields).curve == ()


@pytest.mark.parametrize("point", [[1, "0.7", 0.7, 0.0], [1, 0.7, None, 0.0], [1, 0.7], 7])
def test_an_edited_point_is_refused(point: Any) -> None:
    fields = fields_of(row())
    fields["agreement"]["curve"] = [point]

    with pytest.raises(ValueError, match=r"agreement\.curve\[0\].*: expected"):
        decode(Row, fields)
