"""The worker: it verifies and times the same code, in the same process."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.records.row import Verdict
from benchmarks.runner.launch import launch
from benchmarks.worker.messages import Job, Readiness
from benchmarks.worker.start import load
from impls.contract import CONTRACT_VERSION, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Copy, Measured

BOOK = Problem(batch_size=32)
COUNT = [
    ('TIER = "eager"\n', 'TIER = "eager"\nn_prepared = 0\n'),
    ("    return State(\n", "    global n_prepared\n    n_prepared += 1\n    return State(\n"),
]


@pytest.mark.usefixtures("unhurried")  # else two trainings are timed
def test_a_loop_that_goes_wrong_only_in_the_timed_trainings_is_invalid(
    copy_of: Copy, measured: Measured
) -> None:
    drifting = copy_of(
        "numpy_float32",
        *COUNT,
        (
            "    state.losses = []\n",
            # A process that inspects prepares fewer times until it has verified all.
            "    state.losses = []\n    state.learning_rate += n_prepared > 20\n",
        ),
    )

    assert measured(drifting, BOOK).verdict is Verdict.VERIFIED
    row = measured(drifting, BOOK, sample_s=0.5)  # long enough for some trainings on a busy machine

    assert row.verdict is Verdict.INVALID
    assert "loss of step 56 (epoch 12, batch 1)" in (row.reason or "")


def test_parameters_that_go_wrong_only_in_the_timed_trainings_are_invalid(
    copy_of: Copy, measured: Measured
) -> None:
    drifting = copy_of(
        "numpy_float32", *COUNT, ("state.parameters[-1].copy()", "state.parameters[-1] + (n_prepared > 2)")
    )

    row = measured(drifting, BOOK, sample_s=0.001)

    assert row.verdict is Verdict.INVALID
    assert "bias after the last step" in (row.reason or "")


@pytest.mark.parametrize("wakes", [True, False])
def test_a_tiny_problem_is_trained_first_only_where_first_calls_are_compared(
    copy_of: Copy, tmp_path: Path, *, wakes: bool
) -> None:
    notes = tmp_path / "notes"
    note = f"    print(problem.batch_size, file=open({str(notes)!r}, 'a'))\n"
    noting = copy_of(
        "numpy_float32", ("    del device\n    criterion", f"    del device\n{note}    criterion")
    )
    job = Job(path=str(noting), framework="numpy", devices=("cpu",), problems=(BOOK,), sample_s=1e-3)

    launch(replace(job, wakes=wakes), tmp_path, "w")

    first, *_ = notes.read_text().splitlines()
    assert first == ("7" if wakes else str(BOOK.batch_size))


@pytest.mark.parametrize("function", ["place", "prepare", "run_epoch"])
def test_the_first_call_contains_whatever_it_waits_for(
    function: str, copy_of: Copy, measured: Measured
) -> None:
    start = {
        "place": "    return batches\n",
        "prepare": "    return State(\n",
        "run_epoch": "    state.losses = []\n",
    }[function]
    slow = copy_of(
        "numpy_float32",
        ("import numpy as np\n", "import time\n\nimport numpy as np\n\nFIRST = iter([0.1])\n"),
        (start, f"    time.sleep(next(FIRST, 0))\n{start}"),
    )

    row = measured(slow)

    assert row.costs, row.reason
    assert row.costs.cold_first_call_s > 0.1


def test_a_file_for_another_contract_is_refused_with_the_version_of_ours(copy_of: Copy) -> None:
    old = copy_of("numpy_float32", ("LOG_CLAMP, ", "LOG_CLAMP, Gone, "))

    with pytest.raises(ImportError, match=rf"not written for version {CONTRACT_VERSION} of .*'Gone'"):
        load(old)


def test_the_first_third_of_a_training_is_run_but_not_sampled(copy_of: Copy, measured: Measured) -> None:
    slow_start = copy_of(
        "numpy_float32",
        *COUNT,
        ("import numpy as np\n", "import time\n\nimport numpy as np\n"),
        (
            "    state.losses = []\n",
            "    state.losses = []\n    time.sleep(0.1 * (state.n_steps < 20 and n_prepared < 6))\n",
        ),
    )

    (process,) = measured(slow_start, BOOK, sample_s=0.001).processes

    assert process.n_samples % 8 == 0
    assert process.max_s < 0.1
    assert (process.first_call_s or 0) > 0.1


@pytest.mark.parametrize("compiler", ["sum(range(10**6))", None])
def test_what_compiles_while_it_is_loaded_belongs_to_the_first_call(
    compiler: str | None, copy_of: Copy, measured: Measured
) -> None:
    start = f"import subprocess, sys\nsubprocess.run([sys.executable, '-SIc', {compiler!r}])\n"
    numpy = "import time\nimport numpy as np\ntime.sleep(0.3)\n"
    ahead = copy_of("numpy_float32", ("import numpy as np\n", (start if compiler else "") + numpy))

    costs = measured(ahead).costs

    assert costs
    assert (costs.cold_first_call_s > 0.3) is (compiler is not None)


def test_a_worker_ends_when_its_answers_are_written_whatever_the_loop_has_left_for_its_exit(
    copy_of: Copy, tmp_path: Path
) -> None:
    late = copy_of(
        "numpy_float32",
        ("import numpy as np\n", "import atexit\nimport time\n\nimport numpy as np\n"),
        ('TIER = "eager"\n', 'TIER = "eager"\natexit.register(time.sleep, 1000)\n'),
    )

    report = launch(Job(path=str(late), framework="numpy", devices=("cpu",)), tmp_path, "late")

    assert report.error is None
    assert report.readiness == Readiness(unavailable={"cpu": None})
