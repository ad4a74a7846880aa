"""Loops with products in TF32 and bfloat16, imitated in NumPy: how far they are from the reference.

The tolerances of benchmarks.cases.tolerances come from this imitation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.cases.tolerances import tolerances
from benchmarks.records.row import Verdict
from benchmarks.runner import dispatch
from benchmarks.runner.case import Case
from benchmarks.runner.launch import Beside, launch
from benchmarks.runner.rounds import run_rounds
from benchmarks.runner.settings import Settings
from benchmarks.runner.system import choose_cpus
from benchmarks.verify.agreement import check
from impls.contract import Problem
from tests.conftest import SMALL, NoProgress
from tests.helpers.rounding import FORMATS, FORMS, look_at
from tests.verify.test_fairness import PRODUCTS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.runner.answers import Report
    from benchmarks.worker.messages import Job
    from impls.contract import Precision
    from tests.conftest import Measured
    from tests.helpers.rounding import Rounded

BOOK = Problem()
SHORT = Problem(batch_size=32, n_batches=100)
WIDE = Problem(n_features=256, n_batches=20, n_epochs=4)
PLAIN = {
    "book": BOOK,
    "small, 10,000 steps": replace(SHORT, n_epochs=100),
    "large": Problem(batch_size=100_000, n_epochs=2),
    "wide": WIDE,
    "10 samples": Problem(batch_size=10),
    "1 sample": Problem(batch_size=1, n_batches=100),
}


@pytest.mark.parametrize(
    ("precision", "form"),
    [FORMATS[0], FORMATS[-1], *(pytest.param(*each, marks=pytest.mark.long) for each in FORMATS[1:-1])],
)
def test_a_correct_rounded_loop_keeps_to_half_of_the_tolerance_and_needs_a_third_of_it(
    precision: Precision, form: str, rounded: Rounded
) -> None:
    path = rounded(*FORMS[form])
    shares = {}
    for name, plain in PLAIN.items():
        problem = replace(plain, precision=precision)
        agreed = check(problem, look_at(path, problem))
        assert agreed.fault is None
        deviations = (agreed.max_loss_deviation or 0, agreed.max_parameter_deviation or 0)
        shares[name] = [
            deviation / tolerance
            for deviation, tolerance in zip(deviations, tolerances(problem), strict=True)
        ]

    assert 1 / 3 < max(max(each) for each in shares.values()) < 0.52, shares


@pytest.mark.parametrize("problem", [BOOK, SHORT, WIDE], ids=["book", "small", "wide"])
@pytest.mark.parametrize(("precision", "factor"), [("tf32", 1.01), ("bfloat16", 1.1)])
def test_a_wrong_learning_rate_still_shows(
    precision: Precision, factor: float, problem: Problem, rounded: Rounded
) -> None:
    wrong = rounded(
        *FORMS["operands to nearest"], ("problem.learning_rate, v", f"{factor} * problem.learning_rate, v")
    )
    problem = replace(problem, precision=precision)

    fault = check(problem, look_at(wrong, problem)).fault

    assert fault is not None
    assert "loss of step " in fault


def test_bfloat16_can_not_tell_a_learning_rate_that_is_off_by_1_percent(rounded: Rounded) -> None:
    wrong = rounded(
        *FORMS["operands to nearest"], ("problem.learning_rate, v", "1.01 * problem.learning_rate, v")
    )
    problem = replace(BOOK, precision="bfloat16")

    assert check(problem, look_at(wrong, problem)).fault is None


@pytest.mark.usefixtures("forked")
def test_problems_of_two_precisions_are_never_measured_by_one_process(
    rounded: Rounded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = read_entry(rounded(*FORMS["operands to nearest"]))
    other = replace(SMALL, batch_size=16)
    problems = [replace(plain, precision=each) for plain in (SMALL, other) for each in ("float32", "tf32")]
    jobs: list[Job] = []

    def launch_and_note(job: Job, folder: Path, name: str, beside: Beside | None) -> Report:
        jobs.append(job)
        return launch(job, folder, name, beside)

    monkeypatch.setattr(dispatch, "launch", launch_and_note)
    monkeypatch.setattr("benchmarks.runner.case.unsupported_reason", lambda *_: None)
    results, _ = run_rounds(
        [Case(entry, "cpu", problem) for problem in problems],
        Settings(rounds=2, sample_s=0.002, cpus=choose_cpus(1)),
        tmp_path,
        NoProgress(),
    )

    assert [each.row().reason for each in results] == [None] * 4
    precisions = [sorted(problem.precision for problem in job.problems) for job in jobs if not job.inspects]
    assert sorted(precisions) == [["float32", "float32"], ["tf32", "tf32"]]


def test_a_worker_verifies_a_loop_in_tf32_and_calls_one_that_is_too_exact_invalid(
    rounded: Rounded, numpy_float32: Path, measured: Measured
) -> None:
    problem = replace(SMALL, precision="tf32")

    good, exact = measured(rounded(*FORMS["operands toward zero"]), problem), measured(numpy_float32, problem)

    assert good.verdict is Verdict.VERIFIED, good.reason
    assert exact.verdict is Verdict.INVALID
    assert f"{PRODUCTS}: expected tf32: relative errors from 0.00059 to 0.0012, found " in (
        exact.reason or ""
    )


def test_a_process_is_woken_in_the_precision_of_its_problems(rounded: Rounded, measured: Measured) -> None:
    dying = rounded(
        *FORMS["operands to nearest"],
        ("import numpy as np\n", "import os\n\nimport numpy as np\n"),
        (
            "    del device\n    PROCESS",
            "    problem.precision == 'tf32' or os._exit(3)\n    del device\n    PROCESS",
        ),
    )

    row = measured(dying, replace(SMALL, precision="tf32"), sample_s=0.001)

    assert row.verdict is Verdict.VERIFIED, row.reason
