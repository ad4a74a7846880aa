"""The precision of a loop's products is measured, whatever it declares."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.verify.fairness import manifest
from impls.contract import Problem
from tests.conftest import SMALL
from tests.helpers.rounding import BACKWARD, FORMATS, FORMS, FORWARD, look_at, unfair
from tests.verify.test_fairness import PRODUCTS

if TYPE_CHECKING:
    from impls.contract import Precision
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
    assert unfair(secret, SMALL) == [PRODUCTS]
