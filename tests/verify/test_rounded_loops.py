"""Products in TF32 and bfloat16, imitated in NumPy: what they do to a training, and what is seen of them.

The imitation is where the tolerances of benchmarks.verify.agreement come from, and needs no GPU.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.cases.tolerances import tolerances
from benchmarks.records.row import Verdict
from benchmarks.runner import dispatch
from benchmarks.runner.case import Case
from benchmarks.runner.launch import launch
from benchmarks.runner.rounds import Settings, run_rounds
from benchmarks.runner.system import choose_cpus
from benchmarks.verify.agreement import check
from benchmarks.verify.fairness import manifest
from benchmarks.worker import observe
from benchmarks.worker.measure import ObservedProcess, measure
from benchmarks.worker.start import load
from benchmarks.worker.training import Workload
from impls.contract import Problem
from tests.conftest import SMALL, Silent
from tests.verify.test_fairness import PRODUCTS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.runner.launch import Report
    from benchmarks.worker.messages import Job, Measurement
    from impls.contract import Precision
    from tests.conftest import Copy, Judge

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

ROUNDING = """
DROPPED = {"float32": 0, "tf32": 13, "bfloat16": 16}  # bits
PROCESS = {"precision": "float32"}


def toward_zero(array):
    dropped = DROPPED[PROCESS["precision"]]
    return (np.ascontiguousarray(array).view(np.uint32) >> dropped << dropped).view(np.float32)


def to_nearest(array):
    dropped = DROPPED[PROCESS["precision"]]
    bits = np.ascontiguousarray(array).view(np.uint32)
    to_even = (1 << dropped >> 1) + (bits >> dropped & 1) - 1 if dropped else 0
    return toward_zero((bits + to_even).view(np.float32))
"""

FORWARD, BACKWARD = "x @ state.parameters[:-1]", "d_logit @ x"
FORMS = {
    "operands to nearest": (
        "to_nearest(x) @ to_nearest(state.parameters[:-1])",
        "to_nearest(d_logit) @ to_nearest(x)",
    ),
    "operands toward zero": (
        "toward_zero(x) @ toward_zero(state.parameters[:-1])",
        "toward_zero(d_logit) @ toward_zero(x)",
    ),
    "operands and products to nearest": (
        "to_nearest(to_nearest(x) * to_nearest(state.parameters[:-1])).sum(1)",
        "to_nearest(to_nearest(d_logit)[:, None] * to_nearest(x)).sum(0)",
    ),
}
FORMATS: list[tuple[Precision, str]] = [
    ("tf32", "operands to nearest"),
    ("tf32", "operands toward zero"),
    ("bfloat16", "operands to nearest"),
    ("bfloat16", "operands toward zero"),
    ("bfloat16", "operands and products to nearest"),
]


class Rounded(Protocol):
    def __call__(self, forward: str, backward: str, *changes: tuple[str, str], as_name: str = ...) -> Path:
        """Give NumPy's loop with these products, rounding to the precision that its problem asks for."""


@pytest.fixture
def rounded(copy_of: Copy, monkeypatch: pytest.MonkeyPatch) -> Rounded:
    # Going through all memory of this process, which may have loaded frameworks, takes half a second.
    monkeypatch.setattr(observe, "reset_peak_host", lambda: None)

    def copy(forward: str, backward: str, *changes: tuple[str, str], as_name: str = "rounded") -> Path:
        return copy_of(
            "numpy_float32",
            ('"readback=step")\n', '"readback=step", "precision=tf32", "precision=bfloat16")\n' + ROUNDING),
            ("    del device\n", '    del device\n    PROCESS["precision"] = problem.precision\n'),
            (FORWARD, forward),
            (BACKWARD, backward),
            *changes,
            as_name=as_name,
        )

    return copy


def look_at(path: Path, problem: Problem) -> Measurement:
    """Measure as a worker that inspects does, but in this process, which may have loaded frameworks."""
    workload = Workload.of(load(path), problem)
    seen = measure(workload, ObservedProcess.of("numpy", pinned=False), sample_s=0.0)
    return replace(seen, other_frameworks=[])


def unfair(path: Path, problem: Problem) -> list[str]:
    items = manifest(read_entry(path), problem, look_at(path, problem), n_cores=1)
    return [item.name for item in items if item.holds is False]


@pytest.mark.parametrize(("precision", "form"), FORMATS)
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


@pytest.mark.parametrize("n_features", [1, 3, 256])
@pytest.mark.parametrize("batch_size", [1, 32, 1000])
@pytest.mark.parametrize(("precision", "form"), FORMATS)
def test_the_probe_knows_products_of_every_shape_in_their_precision_and_in_no_other(
    precision: Precision, form: str, batch_size: int, n_features: int, rounded: Rounded
) -> None:
    path = rounded(*FORMS[form])
    problem = Problem(
        n_features=n_features, batch_size=batch_size, n_batches=2, n_epochs=1, last_batch_size=1
    )
    asked = replace(problem, precision=precision)
    measurement = look_at(path, asked)
    judged: list[Precision] = ["float32", "tf32", "bfloat16"]

    holding = [
        each
        for each in judged
        for item in manifest(read_entry(path), replace(problem, precision=each), measurement, n_cores=1)
        if item.name == PRODUCTS and item.holds
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


def test_problems_of_two_precisions_are_never_measured_by_one_process(
    rounded: Rounded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = read_entry(rounded(*FORMS["operands to nearest"]))
    other = replace(SMALL, batch_size=16)
    problems = [replace(plain, precision=each) for plain in (SMALL, other) for each in ("float32", "tf32")]
    jobs: list[Job] = []

    def launch_and_note(job: Job, folder: Path, name: str) -> Report:
        jobs.append(job)
        return launch(job, folder, name)

    monkeypatch.setattr(dispatch, "launch", launch_and_note)
    monkeypatch.setattr("benchmarks.runner.case.unsupported_reason", lambda *_: None)
    case_results, _ = run_rounds(
        [Case(entry, "cpu", problem) for problem in problems],
        Settings(rounds=1, sample_s=0.002, cpus=choose_cpus(1)),
        tmp_path,
        Silent(),
    )

    assert [each.row().reason for each in case_results] == [None] * 4
    precisions = [sorted(problem.precision for problem in job.problems) for job in jobs if job.sample_s]
    assert sorted(precisions) == [["float32", "float32"], ["tf32", "tf32"]]


def test_a_worker_verifies_a_loop_in_tf32_and_calls_one_that_is_too_exact_invalid(
    rounded: Rounded, numpy_float32: Path, judge: Judge
) -> None:
    problem = replace(SMALL, precision="tf32")

    good, exact = judge(rounded(*FORMS["operands toward zero"]), problem), judge(numpy_float32, problem)

    assert good.verdict is Verdict.VERIFIED, good.reason
    assert exact.verdict is Verdict.INVALID
    assert f"{PRODUCTS}: expected tf32: relative errors from 0.00059 to 0.0012, found " in (
        exact.reason or ""
    )


def test_what_wakes_a_process_before_it_measures_is_of_its_precision_too(
    rounded: Rounded, judge: Judge
) -> None:
    dying = rounded(
        *FORMS["operands to nearest"],
        ("import numpy as np\n", "import os\n\nimport numpy as np\n"),
        (
            "    del device\n    PROCESS",
            "    problem.precision == 'tf32' or os._exit(3)\n    del device\n    PROCESS",
        ),
    )

    row = judge(dying, replace(SMALL, precision="tf32"), sample_s=0.001)

    assert row.verdict is Verdict.VERIFIED, row.reason
