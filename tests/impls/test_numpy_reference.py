"""The oracle itself: its hand-derived gradient, its optimizer and its loss, each against another source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.cases.data import draw_epochs
from benchmarks.worker.training import Workload, train
from impls import numpy_reference
from impls.contract import Parameters, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray


def state_at(
    weight: list[float], bias: float, dtype: type[np.floating] = np.float64
) -> numpy_reference.State:
    parameters = Parameters(np.array(weight, np.float32), np.array(bias, np.float32))
    return numpy_reference.prepare(Problem(n_features=len(weight)), parameters, "cpu", dtype=dtype)


def predict(state: numpy_reference.State, x: NDArray[Any]) -> NDArray[Any]:
    return numpy_reference.sigmoid(x @ state.parameters[:-1] + state.parameters[-1])


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((50, 3)), (rng.random(50) < 0.5).astype(float)
    state = state_at([0.5, -1.0, 0.25], 0.125)

    gradient = numpy_reference.backward(x, y, predict(state, x))

    for i in range(4):
        losses = []
        for step in (1e-6, -1e-6):
            moved = state_at([0.5, -1.0, 0.25], 0.125)
            moved.parameters[i] += step
            losses.append(numpy_reference.binary_cross_entropy(predict(moved, x), y))
        assert gradient[i] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-6)


def test_the_loss_clamps_each_logarithm_at_minus_100() -> None:
    y_pred, y = np.array([0.0, 1.0]), np.array([1.0, 1.0])

    assert numpy_reference.binary_cross_entropy(y_pred, y) == 50.0


def test_where_the_prediction_is_exactly_wrong_the_gradient_is_zero_as_in_torch() -> None:
    gradient = numpy_reference.backward(np.ones((1, 1)), np.array([0.0]), np.array([1.0]))

    assert gradient.tolist() == [0.0, 0.0]


def test_the_first_adam_step_moves_each_parameter_by_the_learning_rate_against_its_gradient() -> None:
    state = state_at([1.0, 1.0], 1.0)

    numpy_reference.adam(state, np.array([3.0, -0.02, 100.0]))

    assert state.parameters == pytest.approx([0.99, 1.01, 0.99], abs=1e-7)


def test_two_adam_steps_follow_the_paper() -> None:
    state = state_at([0.0], 0.0)

    numpy_reference.adam(state, np.array([1.0, 0.0]))
    numpy_reference.adam(state, np.array([-0.5, 0.0]))

    first = (0.9 * 0.1 * 1.0 + 0.1 * -0.5) / (1 - 0.9**2)
    second = (0.999 * 0.001 * 1.0 + 0.001 * 0.25) / (1 - 0.999**2)
    assert state.parameters[0] == pytest.approx(
        -0.01 / (1 + 1e-8) - 0.01 * first / (second**0.5 + 1e-8), rel=1e-12
    )


def test_the_loss_falls_over_the_books_training() -> None:
    problem = Problem()

    training = train(Workload.of(numpy_reference, problem))

    assert training.losses.shape == (60,)
    assert training.losses[-5:].mean() < training.losses[:5].mean() / 2


def test_in_float32_everything_stays_float32() -> None:
    state = state_at([0.5, -1.0], 0.125, dtype=np.float32)

    state = numpy_reference.run_epoch(state, draw_epochs(Problem())[0])

    assert state.parameters.dtype == np.float32
    assert numpy_reference.export(state).weight.dtype == np.float32


def test_a_loss_is_ambiguous_where_float32_has_few_values_left_next_to_1() -> None:
    logits = np.array([0.0, 8.0, 16.9, 30.0])

    widths = [numpy_reference.ambiguity(logits[i : i + 1], np.array([0.0])) for i in range(4)]

    assert widths[0] < 1e-6  # plenty of values
    assert widths[1] < 1e-3
    assert widths[2] > 50  # is p 1 - 6e-8, loss 16.6, or 1, loss 100?
    assert widths[3] == 0  # certainly 1


def test_a_loss_is_ambiguous_where_a_denormal_probability_may_be_flushed_to_zero() -> None:
    logits = np.array([-80.0, -95.0, -110.0])

    widths = [numpy_reference.ambiguity(logits[i : i + 1], np.array([1.0])) for i in range(3)]

    assert widths[0] < 1e-3
    assert widths[1] == pytest.approx(5, abs=0.1)  # 95 or, flushed, 100
    assert widths[2] == 0  # clamped either way
