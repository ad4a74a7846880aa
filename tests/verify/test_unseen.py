"""Loops that are nearly right agree on the named problems, and not on problems with values drawn for this."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.cases.unseen import COMBINATIONS, KINDS, draw, kinds_of
from benchmarks.records.row import Verdict
from benchmarks.runner.case import Case
from benchmarks.runner.rounds import run_rounds
from benchmarks.runner.settings import Settings
from benchmarks.runner.system import choose_cpus
from benchmarks.verify.unseen import UNSEEN, check
from benchmarks.worker.inspection.unseen import train_unseen
from benchmarks.worker.start import load
from benchmarks.worker.training import Workload
from impls.contract import Problem
from tests.conftest import SMALL, NoProgress

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.records.row import Check
    from tests.conftest import Copy, Measured

LAST_ROWS, SHRINKING, FAR, SATURATED, SMALL_GRADIENTS = KINDS
LOOP = "    for x, y in batches:\n"
STEP = "        adam(state, gradient)\n"
UPDATE = "    state.parameters -= state"
CONSTANTS = "import BETA1, BETA2, EPSILON, GRADIENT_CLAMP, LOG_CLAMP, EpochResult\n"

WRONG: dict[str, tuple[str, str, str]] = {  # a text, its replacement, and the first kind that differs
    "amsgrad": (
        "    second = state.second_moment",
        "    state.top = np.maximum(getattr(state, 'top', 0), state.second_moment)\n    second = state.top",
        SHRINKING,
    ),
    "decoupled weight decay of 1e-4": (
        UPDATE,
        "    state.parameters *= np.float32(1 - 1e-4 * state.learning_rate)\n" + UPDATE,
        LAST_ROWS,
    ),
    "weight decay of 1e-8 in the gradient": (
        STEP,
        "        gradient += np.float32(1e-8) * state.parameters\n" + STEP,
        LAST_ROWS,
    ),
    "gradients clipped at a norm of 10": (
        STEP,
        "        gradient *= min(1, 10 / np.linalg.norm(gradient))\n" + STEP,
        SHRINKING,
    ),
    "gradients clipped at 5": (STEP, STEP.replace("gradient", "np.clip(gradient, -5, 5)"), SHRINKING),
    "features clipped at 100": (LOOP, LOOP + "        x = np.clip(x, -100, 100)\n", SHRINKING),
    "beta2 of 0.9995": (CONSTANTS, CONSTANTS + "BETA2 = 0.9995\n", LAST_ROWS),
    "beta1 of 0.901": (CONSTANTS, CONSTANTS + "BETA1 = 0.901\n", LAST_ROWS),
    "epsilon of 1e-7": ("+ EPSILON)", "+ 1e-7)", LAST_ROWS),
    "epsilon of 1.1e-8": ("+ EPSILON)", "+ 1.1e-8)", LAST_ROWS),
    "epsilon within the root": ("np.sqrt(second) + EPSILON", "np.sqrt(second + EPSILON**2)", LAST_ROWS),
    "tiny gradients skipped": (STEP, "        gradient[abs(gradient) < 1e-8] = 0\n" + STEP, LAST_ROWS),
    "labels smoothed by 1e-6": (LOOP, LOOP + "        y = abs(y - np.float32(5e-7))\n", LAST_ROWS),
    "the last row dropped": (
        LOOP,
        LOOP + "        n = max(1, len(y) - 1)\n        x, y = x[:n], y[:n]\n",
        LAST_ROWS,
    ),
    "the last row's gradient dropped": (
        "        gradient =",
        "        d_logit[len(y) - 1 :] = 0\n        gradient =",
        LAST_ROWS,
    ),
    "all after a multiple of 4 rows dropped": (
        LOOP,
        LOOP + "        n = max(1, len(y) // 4 * 4)\n        x, y = x[:n], y[:n]\n",
        LAST_ROWS,
    ),
    "the bias not trained after epoch 1": (
        STEP,
        "        gradient[-1] *= state.n_steps < len(batches)\n" + STEP,
        LAST_ROWS,
    ),
    "a learning rate that decays by 1e-4 a step": (
        UPDATE,
        "    state.learning_rate *= 1 - 1e-4\n" + UPDATE,
        LAST_ROWS,
    ),
    "probabilities clamped at 1e-7": (
        "= sigmoid(logit)\n    with",
        "= np.clip(sigmoid(logit), np.float32(1e-7), np.float32(1 - 1e-7))\n    with",
        FAR,
    ),
    "1e-12 added before a logarithm": ("np.log(y_pred)", "np.log(y_pred + np.float32(1e-12))", FAR),
    "the gradient clamped at 1e-10": ("np.maximum(slope, GRADIENT_CLAMP)", "np.maximum(slope, 1e-10)", FAR),
    "the gradient not clamped": ("d_y_pred * slope", "(y_pred - y) / len(y)", FAR),
    "logits clipped at 30": ("np.exp(-logit)", "np.exp(-np.clip(logit, -30, 30))", FAR),
    "the loss on logits": (
        'loss_on_logits if problem.loss == "bce_with_logits" else loss_on_probabilities',
        "loss_on_logits",
        FAR,
    ),
    "the logarithm of 1 - p clamped at -50": (
        "np.log1p(-y_pred), LOG_CLAMP",
        "np.log1p(-y_pred), -50.0",
        SATURATED,
    ),
    "no step where all gradients are below 1e-3": (
        STEP,
        "        if np.abs(gradient).max() > 1e-3:\n            adam(state, gradient)\n",
        SMALL_GRADIENTS,
    ),
    "no step where the gradient's norm is below 1e-4": (
        STEP,
        "        if np.linalg.norm(gradient) > 1e-4:\n            adam(state, gradient)\n",
        SMALL_GRADIENTS,
    ),
}


def checked(path: Path, case: Problem = SMALL, *, seed: int = 3, n_combinations: int = 1) -> Check:
    """Train the file's loop on the problems drawn from a seed, in this process, and check it."""
    unseen = train_unseen(Workload.of(load(path), case), seed, n_combinations)
    assert unseen is not None
    return check(case, unseen)


@pytest.mark.parametrize("mistake", WRONG)
def test_a_loop_that_is_nearly_right_differs_on_an_unseen_problem_of_its_kind(
    mistake: str, copy_of: Copy
) -> None:
    old, new, kind = WRONG[mistake]

    found = checked(copy_of("numpy_float32", (old, new)))

    assert found.holds is False
    assert found.found.startswith(f"on {kind}, at a learning rate of 0.1: ")
    assert KINDS[kind].often in found.found


@pytest.mark.parametrize("case", [SMALL, Problem(loss="bce_with_logits"), Problem(data="stream")], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_a_correct_loop_agrees_on_all_unseen_problems(seed: int, case: Problem, numpy_float32: Path) -> None:
    found = checked(numpy_float32, case, seed=seed, n_combinations=len(COMBINATIONS))

    assert found.holds, found.fault
    n_problems = len(COMBINATIONS) * len(kinds_of(case))
    assert found.expected == f"the reference's results on {n_problems} problems drawn from seed {seed}"


def test_all_values_depend_on_the_seed_and_no_size_does() -> None:
    one, same, other = ([*draw(seed, SMALL, len(COMBINATIONS))] for seed in (1, 1, 2))

    for a, b, c in zip(one, same, other, strict=True):
        assert a.problem == b.problem == c.problem
        (x, _), (again, _), (another, _) = (each.epochs[0][0] for each in (a, b, c))
        assert (x == again).all()
        assert not (x == another).any()
        assert not (a.parameters.weight == c.parameters.weight).any()


def test_a_loop_that_raises_an_error_on_an_unseen_problem_is_invalid_and_the_fault_names_both(
    copy_of: Copy, measured: Measured
) -> None:
    even_only = copy_of("numpy_float32", (LOOP, LOOP + "        assert len(y) % 2 == 0, 'odd size'\n"))

    row = measured(even_only, n_unseen=1)

    assert row.verdict is Verdict.INVALID
    assert f"found on {LAST_ROWS}, at a learning rate of 0.1: AssertionError: odd size" in (row.reason or "")


@pytest.mark.usefixtures("forked")
def test_one_case_of_each_variant_is_inspected_and_a_fault_ends_all_of_its_variant(
    copy_of: Copy, tmp_path: Path
) -> None:
    entry = read_entry(copy_of("numpy_float32", WRONG["1e-12 added before a logarithm"][:2]))
    problems = [Problem(n_epochs=1, seed=seed) for seed in (0, 1)]
    problems += [Problem(n_epochs=1, seed=seed, loss="bce_with_logits") for seed in (0, 1)]

    results, _ = run_rounds(
        [Case(entry, "cpu", problem) for problem in problems],
        Settings(rounds=1, sample_s=0.002, cpus=choose_cpus(1)),
        tmp_path,
        NoProgress(),
    )

    rows = [result.row() for result in results]
    assert [row.verdict for row in rows] == [Verdict.INVALID] * 2 + [Verdict.VERIFIED] * 2
    checks = [[check for check in row.manifest if check.name == UNSEEN] for row in rows]
    assert [len(each) for each in checks] == [1] * 4
    assert checks[0] == checks[1]
    n_trained = sum('"unseen": {' in file.read_text() for file in tmp_path.glob("*.jsonl"))
    assert n_trained == 2
