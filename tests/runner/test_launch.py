"""Workers: their messages, their environment, and that none outlives its parent."""

from __future__ import annotations

import math
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.runner.launch import launch, pause
from benchmarks.worker.env_vars import worker_environment
from benchmarks.worker.messages import (
    Failure,
    Job,
    Measurement,
    Outcome,
    Readiness,
    Timing,
    message_from_json,
    message_to_json,
)
from benchmarks.worker.samples import summarize
from tests.conftest import SMALL
from tests.helpers.processes import ends, runs
from tests.verify.test_fairness import CONSERVED, TRIAL

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.worker.messages import Message
    from tests.conftest import Copy

JOB = Job(path="x.py", framework="numpy", devices=("cpu",), problems=(SMALL,), cpus=(1,), sample_s=0.5)


def test_a_job_arrives_as_it_was_sent() -> None:
    assert Job.from_json(JOB.to_json()) == JOB


@pytest.mark.parametrize(
    "message",
    [
        Readiness(unavailable={"cpu": None, "cuda": "no device"}),
        Failure(reason="ValueError: µ", details="line 1\nline 2"),
        Measurement(
            data_digest="0123456789abcdef",
            dtypes=["float32"],
            other_frameworks=[],
            n_cpus_allowed=1,
            other_cpus=[],
            replaced_clocks=[],
            first_call_s=1.5,
            lowest=Outcome(losses=[0.1, -math.inf], weight=[0.2], bias=[0.3]),
            highest=Outcome(losses=[0.1, math.inf], weight=[0.2], bias=[0.3]),
            timing=Timing(
                summary=summarize([1e-6, 2e-6]),
                conservation=replace(CONSERVED, trials=(TRIAL,)),
                cpu_per_wall=0.99,
                n_compilations=None,
                children_cpu_s=0.0,
                n_processes=1,
                sampled_s=0.1,
                gpu=None,
            ),
            inspection=None,
        ),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_arrives_as_it_was_sent_in_one_line(message: Message) -> None:
    line = message_to_json(message)

    assert "\n" not in line
    assert message_from_json(line) == message


def test_an_unknown_message_is_refused() -> None:
    with pytest.raises(ValueError, match="found type 'Greeting'"):
        message_from_json('{"type": "Greeting"}')


def test_both_frameworks_get_the_same_number_of_threads_and_no_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "1")  # as in NVIDIA's containers
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")

    environment = worker_environment(n_cores=2)

    assert {environment[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")} == {"2"}
    assert environment["TORCHINDUCTOR_COMPILE_THREADS"] == "1"  # no processes that stay
    assert environment["NVIDIA_TF32_OVERRIDE"] == "0"
    assert "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE" not in environment
    assert environment["JAX_DEFAULT_MATMUL_PRECISION"] == "highest"
    assert environment["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"


def test_the_callers_choice_of_an_allocator_reaches_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_PYTHON_CLIENT_ALLOCATOR", "platform")
    monkeypatch.setenv("TF_FORCE_UNIFIED_MEMORY", "1")
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "true")

    environment = worker_environment(n_cores=1)

    assert not {"XLA_PYTHON_CLIENT_ALLOCATOR", "TF_FORCE_UNIFIED_MEMORY"} & set(environment)
    assert environment["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"


def test_tf32_is_forbidden_to_every_worker_but_one_that_is_asked_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=here")

    tf32, bfloat16 = (worker_environment(n_cores=1, precision=each) for each in ("tf32", "bfloat16"))

    assert "NVIDIA_TF32_OVERRIDE" not in tf32
    assert tf32["XLA_FLAGS"] == "--xla_dump_to=here"
    assert bfloat16["NVIDIA_TF32_OVERRIDE"] == "0"
    assert bfloat16["XLA_FLAGS"] == "--xla_dump_to=here --xla_allow_excess_precision=false"


def test_a_job_is_of_the_precision_of_its_problems() -> None:
    assert JOB.precision == replace(JOB, problems=()).precision == "float32"
    tf32 = replace(SMALL, precision="tf32")
    assert replace(JOB, problems=(tf32, tf32)).precision == "tf32"
    with pytest.raises(ValueError, match="too many"):
        _ = replace(JOB, problems=(SMALL, tf32)).precision


def test_a_worker_on_the_cpu_sees_no_gpu() -> None:
    assert worker_environment(n_cores=1, cpu_only=True)["JAX_PLATFORMS"] == "cpu"
    assert worker_environment(n_cores=1, cpu_only=True)["CUDA_VISIBLE_DEVICES"] == ""
    assert worker_environment(n_cores=1).get("JAX_PLATFORMS") == os.environ.get("JAX_PLATFORMS")


def test_a_worker_is_pinned_before_its_framework_loads(copy_of: Copy, tmp_path: Path) -> None:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system can't pin a process")
    cpu = max(os.sched_getaffinity(0))
    pinned = copy_of(
        "numpy_float32",
        ("import numpy as np\n", "import os\nCPUS = sorted(os.sched_getaffinity(0))\nimport numpy as np\n"),
        ('    return None if device == "cpu"', '    return f"{CPUS}" if device == "cpu"'),
    )

    report = launch(Job(path=str(pinned), framework="numpy", devices=("cpu",), cpus=(cpu,)), tmp_path, "w")

    assert report.readiness == Readiness(unavailable={"cpu": f"[{cpu}]"})


def test_a_line_cut_off_by_a_kill_is_not_read_and_those_before_it_are(copy_of: Copy, tmp_path: Path) -> None:
    lines = '{"type": "Failure", "reason": "r", "details": ""}\n{"type": "Read'
    killed = copy_of(
        "numpy_float32",
        (
            "import numpy as np\n",
            f"import os, sys\nopen(sys.argv[2], 'a').write({lines!r})\nos.kill(os.getpid(), 9)\n",
        ),
    )

    report = launch(Job(path=str(killed), framework="numpy", devices=("cpu",)), tmp_path, "w")

    assert report.results == (Failure(reason="r", details=""),)
    assert report.error is not None


def test_a_worker_sees_nothing_of_the_folder_it_is_started_from(
    numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").write_text("raise ImportError('the wrong one')")
    (tmp_path / "numpy.py").write_text("raise ImportError('the wrong one')")
    monkeypatch.chdir(tmp_path)

    report = launch(Job(path=str(numpy_float32), framework="numpy", devices=("cpu",)), tmp_path, "w")

    assert report.readiness == Readiness(unavailable={"cpu": None}), report.log


def test_results_of_an_earlier_worker_of_the_same_name_are_not_read_again(
    numpy_float32: Path, tmp_path: Path
) -> None:
    job = Job(path=str(numpy_float32), framework="numpy", devices=("cpu",), problems=(SMALL,), sample_s=0.0)

    first, second = launch(job, tmp_path, "w"), launch(job, tmp_path, "w")

    assert len(first.results) == len(second.results) == 1


def test_whatever_interrupts_the_wait_ends_the_worker_and_its_children(
    copy_of: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids"
    hanging = copy_of(
        "numpy_float32",
        (
            "import numpy as np\n",
            f"""\
import os, subprocess, time
child = subprocess.Popen(['sleep', '600'])
open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}} .')
time.sleep(600)
""",
        ),
    )

    def interrupt_once_it_runs(*_: object) -> None:
        if pids.exists() and pids.read_text().endswith("."):
            monkeypatch.undo()  # whatever ends the worker may sleep
            raise KeyboardInterrupt

    monkeypatch.setattr("benchmarks.runner.launch.pause", interrupt_once_it_runs)
    with pytest.raises(KeyboardInterrupt):
        launch(Job(path=str(hanging), framework="numpy", devices=("cpu",)), tmp_path, "w")

    worker, child, _ = pids.read_text().split()
    assert not runs(int(worker))
    assert ends(int(child))


def test_a_pause_ends_with_the_process() -> None:
    with subprocess.Popen(["sleep", "0.05"]) as process:  # noqa: S607 - of the system
        start_s = time.monotonic()
        pause(process.pid, 60)

    assert time.monotonic() - start_s < 30


def test_no_argument_of_a_worker_tells_whether_it_is_timed_and_its_job_is_gone_once_it_is_read(
    copy_of: Copy, tmp_path: Path
) -> None:
    look = "print(*map(os.path.basename, (job, results)), os.path.exists(job))\nimport numpy as np\n"
    looking = copy_of(
        "numpy_float32",
        ("import numpy as np\n", f"import os, sys\njob, results = sys.argv[1:3]\n{look}"),
    )

    for name, sample_s in (("00--1-00-inspected", 0.0), ("00-00-00-timed", 0.002)):
        report = launch(replace(JOB, path=str(looking), cpus=(), sample_s=sample_s), tmp_path, name)

        assert report.log == "job results False"
