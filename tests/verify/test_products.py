"""The precision of a loop's products is measured, whatever it declares."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.cases.problems import NAMED
from benchmarks.verify.fairness import LAST_ROWS, manifest
from benchmarks.verify.unseen import OWN_SIZE, UNSEEN
from impls.contract import Problem
from tests.conftest import SMALL
from tests.helpers.rounding import BACKWARD, FORMATS, FORMS, FORWARD, look_at, unfair
from tests.verify.test_fairness import PRODUCTS

if TYPE_CHECKING:
    from impls.contract import Precision
    from tests.conftest import Copy
    from tests.helpers.rounding import Rounded


@pytest.mark.parametrize("n_features", [1, 3, 256])
@pytest.mark.parametrize("batch_size", [1, 32, 1000])
@pytest.mark.parametrize(("precision", "form"), FORMATS)
def test_the_probe_recognizes_products_of_every_shape_in_their_precision_and_in_no_other(
    precision: Precision, form: str, batch_size: int, n_features: int, rounded: Rounded
) -> None:
    path = rounded(*FORMS[form])
    problem = Problem(
        n_features=n_features, batch_size=batch_size, n_batches=2, n_epochs=1, last_batch_size=1
    )
    asked = replace(problem, precision=precision)
    measurement = look_at(path, asked)
    precisions: list[Precision] = ["float32", "tf32", "bfloat16"]

    holding = [
        each
        for each in precisions
        for check in manifest(read_entry(path), replace(problem, precision=each), measurement, n_cores=1)
        if check.name == PRODUCTS and check.holds
    ]

    assert holding == [precision]


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        (FORWARD, BACKWARD),
        (FORMS["operands to nearest"][0], BACKWARD),
        (FORWARD, FORMS["operands to nearest"][1]),
        ("to_nearest(x) @ state.parameters[:-1]", FORMS["operands to nearest"][1]),
        (FORMS["operands to nearest"][0], "d_logit @ to_nearest(x)"),
    ],
    ids=["neither product", "forward only", "backward only", "forward half", "backward half"],
)
def test_a_loop_that_rounds_less_than_it_says_is_unfair(
    forward: str, backward: str, rounded: Rounded
) -> None:
    assert unfair(rounded(forward, backward), replace(SMALL, precision="tf32")) == [PRODUCTS]


def test_a_loop_in_float32_is_measured_to_be_so_and_one_that_rounds_in_secret_is_unfair(
    rounded: Rounded,
) -> None:
    secret = rounded(*FORMS["operands to nearest"], ('PROCESS["precision"] = problem.precision', ""),
                     ('PROCESS = {"precision": "float32"}', 'PROCESS = {"precision": "tf32"}'))  # fmt: skip

    assert unfair(rounded(FORWARD, BACKWARD, as_name="open"), SMALL) == []
    assert sorted(unfair(secret, SMALL)) == sorted([OWN_SIZE, PRODUCTS, UNSEEN])


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (
            ("    for x, y in batches:\n", "    for x, y in batches:\n        x, y = x[:-1], y[:-1]\n"),
            "rows at a batch's end are left out or weigh less than others",
        ),
        (
            (
                "        adam(state, gradient)\n",
                "        adam(state, gradient - d_logit[-1] * np.append(x[-1], 1))\n",
            ),
            "Adam's ε is not 1e-08, or the gradient is changed before Adam takes it",
        ),
        (("+ EPSILON)", "+ 1e-7)"), "Adam's ε is not 1e-08, or the gradient is changed before Adam takes it"),
    ],
    ids=["last row left out", "its gradient left out", "another epsilon"],
)
def test_rows_left_out_and_another_epsilon_are_found_at_every_size_and_not_called_imprecise(
    change: tuple[str, str], cause: str, name: str, copy_of: Copy
) -> None:
    path = copy_of("numpy_float32", change)
    problem = replace(NAMED[name], n_epochs=1)

    faults = {
        check.name: check.found
        for check in manifest(read_entry(path), problem, look_at(path, problem), n_cores=1)
        if check.holds is False and check.name not in (OWN_SIZE, UNSEEN)
    }

    assert faults.keys() - {"loss of ordinary logits and labels"} == {LAST_ROWS}
    assert faults[LAST_ROWS].endswith(cause)
