"""Each way of getting the loop wrong is caught: a broken copy is INVALID, and the reason names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from benchmarks.records.row import Verdict
from impls.contract import Problem

if TYPE_CHECKING:
    from tests.conftest import Copy, Measured

BOOK = Problem()
SATURATED = Problem(feature_scale=4.0, n_epochs=2, seed=5)


@dataclass(frozen=True)
class Wrong:
    """A mistake, and the reason that the verdict must name."""

    mistake: str
    implementation: str
    changes: tuple[tuple[str, str], ...]
    reason: str
    problem: Problem = BOOK


WRONG = [
    Wrong(
        "gradients not zeroed",
        "torch_eager",
        (("        state.optimizer.zero_grad()\n", ""),),
        "loss of step 3 ",
    ),
    Wrong(
        "learning rate off by 1 %, torch",
        "torch_eager",
        (("lr=problem.learning_rate", "lr=1.01 * problem.learning_rate"),),
        "loss of step 2 ",
    ),
    Wrong(
        "learning rate off by 1 %, jax",
        "jax_scan",
        (("return optax.adam(learning_rate", "return optax.adam(1.01 * learning_rate"),),
        "loss of step 2 ",
    ),
    Wrong(
        "last batch skipped",
        "torch_eager",
        (("    for x, y in batches:\n        state", "    for x, y in list(batches)[:-1]:\n        state"),),
        "stopped after 48 steps, expected 60",
    ),
    Wrong(
        "two batches swapped",
        "jax_jit",
        (("in batches:\n        model", "in [batches[1], batches[0], *batches[2:]]:\n        model"),),
        "loss of step 1 ",
    ),
    Wrong(
        "loss of the previous step reported",
        "jax_jit",
        (("train_step, keep, losses)", "train_step, keep, [losses[0], *losses[:-1]])"),),
        "loss of step 2 ",
    ),
    Wrong(
        "float16 arithmetic",
        "torch_eager",
        (
            ("    model.to(device)\n", "    model.to(device).half()\n"),
            ("(torch.tensor(x), torch.tensor(y))", "(torch.tensor(x).half(), torch.tensor(y).half())"),
        ),
        "loss of step 1 ",
    ),
    Wrong(
        "Adam without bias correction",
        "numpy_float32",
        ((" / (1 - BETA1**state.n_steps)", ""), (" / (1 - BETA2**state.n_steps)", "")),
        "loss of step 2 ",
    ),
    Wrong(
        "float64 arithmetic",
        "numpy_float32",
        (("parameters.bias)\n", "parameters.bias).astype(np.float64)\n"),),
        "expected float32, found float32 and float64",
    ),
    Wrong(
        "NaN from the naive clamp under jax.grad",
        "jax_jit",
        (("@jax.custom_vjp\n", ""), ("binary_cross_entropy.defvjp(_forward, _backward)\n", "")),
        "found nan",
        problem=SATURATED,
    ),
    Wrong(
        "parameters exported from before the last step",
        "numpy_float32",
        (
            ("    state.parameters -=", "    state.old = state.parameters.copy()\n    state.parameters -="),
            ("state.parameters[:-1].copy(), state.parameters[-1]", "state.old[:-1], state.old[-1]"),
        ),
        "weight[0] after the last step",
    ),
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.mistake.replace(" ", "-"))
def test_a_wrong_loop_is_invalid_has_no_time_and_names_what_was_wrong(
    wrong: Wrong, copy_of: Copy, measured: Measured
) -> None:
    path = copy_of(wrong.implementation, *wrong.changes)

    row = measured(path, wrong.problem)

    assert row.verdict is Verdict.INVALID, row
    assert row.reason is not None
    assert wrong.reason in row.reason
    assert row.processes == ()
