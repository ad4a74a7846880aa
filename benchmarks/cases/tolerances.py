"""How far a result may be from the reference, and the reason for each limit."""

import math

from impls.contract import Precision, Problem

UNIT_ROUNDOFF: dict[Precision, float] = {"float32": 2**-24, "tf32": 2**-11, "bfloat16": 2**-8}
"""Half the distance from 1 to the next number: the largest relative error of rounding to nearest."""


LOSS_TOLERANCE = 2e-5

AMBIGUITY = LOSS_TOLERANCE / 4
"""If float32 leaves a loss more ambiguous than this, float64 is no reference for it."""

PARAMETER_TOLERANCE = 1e-4
"""Absolute. Correct float32 loops stay within 8e-6 and 2e-5 over 10,000 steps (measured). A change of a
parameter changes the loss by x times as much, so the loss's tolerance grows with the features."""


ROUNDED_LOSS, ROUNDED_SAMPLE, ROUNDED_PARAMETER = 3, 5, 16
"""In unit roundoffs of the format that the products' operands are rounded to. The second is for the part of a
loss's deviation that differs per sample and averages out with the square root of the batch.

Twice the deviation of an emulation: NumPy's loop with operands rounded, to nearest or toward zero (and for
bfloat16 each product too, as XLA does), over book, small (10,000 steps), large, wide, and batches of 1 and
10. Its losses deviate by at most 1.4 (1000 samples), 1.8 (10) and 4.0 (1) unit roundoffs, its final
parameters by 7.2, in both formats. tests/verify/test_rounded_loops.py repeats it.

In TF32 a learning rate that is wrong by 1 % is detected. In bfloat16 one that is wrong by 10 % is (5 % on
book), and 1 % is not; nor is any other mistake that changes the losses by less than 0.01.
"""


def tolerances(problem: Problem) -> tuple[float, float]:
    """Return the largest absolute deviations of a loss and of a final parameter from the reference."""
    if problem.precision == "float32":
        return LOSS_TOLERANCE * max(1, problem.feature_scale), PARAMETER_TOLERANCE
    roundoff = UNIT_ROUNDOFF[problem.precision]
    smallest_batch = problem.last_batch_size or problem.batch_size
    loss = ROUNDED_LOSS + ROUNDED_SAMPLE / math.sqrt(smallest_batch)
    return loss * roundoff, ROUNDED_PARAMETER * roundoff
