"""The loss curve in the record: which steps it keeps, that it hides no deviation, how it is read back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.decode import decode
from benchmarks.records.row import LossPoint, Row
from benchmarks.verify.agreement import MAX_POINTS, check, loss_curve, reference_for
from tests.conftest import SMALL
from tests.records.test_run import AGREEMENT, fields_of, row
from tests.verify.test_agreement import measurement_of, moved

POINT = LossPoint(step=1, loss=0.6931472, reference_loss=0.6931471, max_deviation=6.2e-8)


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


def test_the_curve_holds_what_was_computed_beside_what_was_expected() -> None:
    point = check(SMALL, moved(SMALL, "losses", 5, 0.125)).curve[5]

    expected = float(reference_for(SMALL).training.losses[5])
    assert point.step == 6
    assert point.reference_loss == pytest.approx(expected, rel=1e-6)
    assert point.loss == pytest.approx(expected + 0.125, rel=1e-6)


def test_what_computed_on_other_data_has_no_curve() -> None:
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
