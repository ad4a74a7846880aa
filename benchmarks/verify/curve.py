"""A training's losses beside the reference's, thinned to what a picture needs and a record can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_POINTS = 60
"""As many as the book's training has steps."""


class LossPoint(NamedTuple):
    """The loss after one step, and how far any loss was off since the point before. None: not finite."""

    step: int  # counted from 1
    loss: float | None
    reference_loss: float
    max_deviation: float | None  # the largest |loss - reference| of this step and those since the last point


def loss_curve(expected: NDArray[Any], found: NDArray[Any]) -> tuple[LossPoint, ...]:
    """Thin the losses found, and those expected, both (n_steps,), to the same evenly spread steps.

    The first and the last step are among them; no deviation is left out, so that the largest of the points
    is the largest of all. Losses are rounded to 7 significant digits, deviations to 2.
    """
    last = np.unique(np.linspace(0, len(found) - 1, MAX_POINTS).round().astype(int))
    since = np.append(0, last[:-1] + 1)
    deviations = np.maximum.reduceat(np.abs(found - expected), since)
    return tuple(
        LossPoint(int(i) + 1, _rounded(found[i], 7), float(f"{expected[i]:.7g}"), _rounded(deviation, 2))
        for i, deviation in zip(last, deviations, strict=True)
    )


def _rounded(value: float, n_digits: int) -> float | None:
    return float(f"{value:.{n_digits}g}") if np.isfinite(value) else None
