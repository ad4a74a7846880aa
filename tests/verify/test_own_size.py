"""A loop that is another one at large batches, or in later processes, differs on its case's own size."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.problems import NAMED, name_of
from benchmarks.cases.unseen import INSPECTED_VALUES, KINDS, N_VALUES, draw_own_size, n_kinds_of
from benchmarks.paths import CODE
from benchmarks.records.row import Verdict
from benchmarks.verify.unseen import OWN_SIZE, check_own_size
from benchmarks.worker.inspection.unseen import train_own_size
from benchmarks.worker.start import load
from benchmarks.worker.training import Workload
from impls.contract import Problem
from tests.conftest import SMALL

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.records.row import Check
    from tests.conftest import Copy, Measured

HALF = "np.log(y_pred.astype(np.float16) + 1e-7)"
BIG = "problem.batch_size >= 500"
LOOP = "    for x, y in batches:\n"
ON_LOGITS = 'loss_on_logits if problem.loss == "bce_with_logits"'
WRONG: dict[str, tuple[tuple[str, str], ...]] = {
    "amsgrad": (
        (
            "    second = state.second_moment",
            (
                "    state.top = np.maximum(getattr(state, 'top', 0), state.second_moment)\n"
                "    second = (state.top if state.big else state.second_moment)"
            ),
        ),
        ("    losses: list[np.float32]\n", "    losses: list[np.float32]\n    big: bool\n"),
        ("np.zeros_like(vector), 0, []\n", f"np.zeros_like(vector), 0, [], {BIG}\n"),
    ),
    "the loss on logits": ((ON_LOGITS, f"loss_on_logits if {BIG}"),),
    "the gradient not clamped": (
        (
            "return loss, d_y_pred * slope",
            "return loss, (d_y_pred * slope if len(y) < 500 else (y_pred - y) / len(y))",
        ),
    ),
    "every other row in the epochs between": (
        (
            LOOP,
            (
                "    state.n_epochs = getattr(state, 'n_epochs', 0) + 1\n"
                "    half = len(batches[0][1]) >= 500 and state.n_epochs % 3 == 2\n"
                f"{LOOP}        x, y = (x[::2], y[::2]) if half else (x, y)\n"
            ),
        ),
    ),
    "a loss in half precision": (
        (
            "    loss = -np.mean(y *",
            f"    log_p = {HALF} if len(y) >= 500 else log_p\n    loss = -np.mean(y *",
        ),
    ),
}
REMEMBERING = """
from pathlib import Path

MARK = Path({folder!r}, "mark")
CHEATS = MARK.exists()
MARK.touch()
"""


def checked(path: Path, case: Problem, *, seed: int = 1) -> Check:
    """Train the file's loop on unseen values of the case's size, in this process, and check it."""
    unseen = train_own_size(Workload.of(load(path), case), seed, len(KINDS))
    assert unseen is not None
    return check_own_size(case, unseen)


@pytest.mark.parametrize(
    "large",
    [
        NAMED["book"],
        Problem(n_features=256, n_batches=2),
        pytest.param(NAMED["wide"], marks=pytest.mark.long),
    ],
    ids=name_of,
)
@pytest.mark.parametrize("mistake", WRONG)
def test_another_loop_at_large_batches_differs_on_unseen_values_of_that_size(
    mistake: str, large: Problem, copy_of: Copy
) -> None:
    wrong = copy_of("numpy_float32", *WRONG[mistake])

    assert not checked(wrong, large).holds
    assert checked(wrong, NAMED["small"]).holds


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    "case",
    [
        *NAMED.values(),
        Problem(n_features=1),
        Problem(batch_size=1, n_batches=1),
        Problem(batch_size=10, last_batch_size=3),
        Problem(n_features=7, n_epochs=1),
        Problem(data="stream"),
        Problem(target_loss=0.3),
        Problem(loss="bce_with_logits"),
        Problem(learning_rate=0.1),
        Problem(learning_rate=1e-4),
    ],
    ids=str,
)
def test_a_correct_loop_agrees_on_unseen_values_of_any_size(
    case: Problem, seed: int, numpy_float32: Path
) -> None:
    found = checked(numpy_float32, case, seed=seed)

    assert found.holds, found.fault


def test_the_loop_gets_the_case_itself_with_other_values_in_an_order_of_kinds_that_the_seed_decides() -> None:
    case = Problem(target_loss=0.3, seed=5)

    drawn = [[*draw_own_size(seed, case, len(KINDS))] for seed in range(20)]

    assert {each.announced for problems in drawn for each in problems} == {case}
    assert {problems[0].name for problems in drawn} == set(KINDS)
    assert drawn[0][0].problem == replace(case, n_epochs=4, target_loss=None)


def test_fewer_kinds_are_drawn_of_large_cases_and_none_where_none_was_made_for_them() -> None:
    assert n_kinds_of(Problem(), N_VALUES) == len(KINDS)
    assert n_kinds_of(NAMED["wide"], N_VALUES) == 1
    assert n_kinds_of(NAMED["wide"], INSPECTED_VALUES) == len(KINDS)
    assert n_kinds_of(Problem(learning_rate=1.0), N_VALUES) == 0
    assert n_kinds_of(replace(SMALL, precision="tf32"), N_VALUES) == 0


def test_the_docs_name_the_size_from_which_fewer_kinds_are_drawn() -> None:
    method = (CODE / "docs" / "method.md").read_text(encoding="utf-8")

    assert f"Cases of more than {N_VALUES // len(KINDS):,} features an epoch are asked fewer of" in method


def test_a_loop_that_is_honest_in_the_first_process_only_is_invalid_in_the_next(
    copy_of: Copy, measured: Measured, tmp_path: Path
) -> None:
    second = copy_of(
        "numpy_float32",
        ('TIER = "eager"\n', 'TIER = "eager"\n' + REMEMBERING.format(folder=str(tmp_path))),
        (ON_LOGITS, "loss_on_logits if CHEATS"),
    )

    assert measured(second).verdict is Verdict.VERIFIED
    row = measured(second, sample_s=0.002)

    assert row.verdict is Verdict.INVALID
    assert f"{OWN_SIZE}: expected the reference's results on {len(KINDS)} problems drawn from seed" in (
        row.reason or ""
    )
