"""Starts a worker, waits for it, and says how it ended; a crash or a hang stays its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ab.instructions import COUNTING_VARIABLES, FOREIGN_CODE, command_under
from benchmarks.files import write_atomically
from benchmarks.worker.messages import (
    Failure,
    Measurement,
    Message,
    Readiness,
    message_from_json,
)

if TYPE_CHECKING:
    from benchmarks.worker.messages import Job, Runtime
    from impls.contract import Precision

ROOT = Path(__file__).resolve().parent.parent
POLL_S = 0.05

KEPT_OUT = (
    *("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"),  # NVIDIA's containers set the second one
    *("XLA_PYTHON_CLIENT_ALLOCATOR", "TF_FORCE_UNIFIED_MEMORY"),
)
"""The caller's don't reach a worker: the problem says what its products are rounded to, and JAX's memory is
taken by its default allocator."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that a worker said, and what ended it before its time, if anything did."""

    readiness: Readiness | None
    results: tuple[Measurement | Failure, ...]
    death: str | None
    log: str  # the last lines of what it printed
    cut_short: bool = False  # the harness itself was killed; what the worker had said until then is kept


def recall(job: Job, folder: Path, name: str) -> Report | None:
    """Give the report of this very job from an earlier run of the harness that was killed, or None."""
    job_file, results_file, report_file = (folder / f"{name}.{end}" for end in ("job", "jsonl", "report"))
    if not results_file.exists() or job_file.read_text(encoding="utf-8") != job.to_json():
        return None
    messages = _read(results_file)
    readiness = next((m for m in messages if isinstance(m, Readiness)), None)
    results = tuple(m for m in messages if not isinstance(m, Readiness))
    if report_file.exists():
        end = json.loads(report_file.read_text(encoding="utf-8"))
        return Report(readiness=readiness, results=results, **end)
    if results:
        return Report(readiness=readiness, results=results, death=None, log="", cut_short=True)
    return None


def launch(job: Job, folder: Path, name: str) -> Report:
    """Run one worker to its end; its job, results, log and end stay in the folder under this name.

    Whatever interrupts the wait (Ctrl-C) ends the worker too.
    """
    report_file = folder / f"{name}.report"
    report_file.unlink(missing_ok=True)
    job_file, results_file, log_file = (folder / f"{name}.{end}" for end in ("job", "jsonl", "log"))
    job_file.write_text(job.to_json(), encoding="utf-8")
    results_file.write_text("")
    # -P: what lies in the current folder is none of the worker's business.
    arguments = [str(job_file), str(results_file), str(os.getpid())]
    command = [job.runtime.python, "-P", "-m", "benchmarks.worker", *arguments]
    if job.counter:
        command = [*command_under(job.counter), *command]
    with (
        log_file.open("w", encoding="utf-8") as log,
        subprocess.Popen(  # noqa: S603 - our own module
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=worker_environment(
                n_cores=max(1, len(job.cpus)),
                caches=job.caches,
                cpu_only=job.devices == ("cpu",),
                precision=job.precision,
            )
            | (COUNTING_VARIABLES if job.counter else {})
            | runtime_variables(job.runtime),
            start_new_session=True,
        ) as process,
    ):
        try:
            death = _wait(process, results_file, job.time_limit_s)
        finally:
            _kill(process)
    if death and process.returncode > 0:
        death = f"{death}: {_tail(log_file, 1)}"  # the last line of a traceback is the error
    if job.counter and process.returncode == -signal.SIGILL:
        death = f"{death}: {FOREIGN_CODE}"
    messages = _read(results_file)
    readiness = next((m for m in messages if isinstance(m, Readiness)), None)
    results = tuple(m for m in messages if not isinstance(m, Readiness))
    able = readiness is None or not any(readiness.unavailable.values())
    if able and len(results) < len(job.problems) + (readiness is None):
        death = death or "ended early, with exit status 0"
    log_tail = _tail(log_file, 20)
    write_atomically(report_file, json.dumps({"death": death, "log": log_tail}))
    return Report(readiness=readiness, results=results, death=death, log=log_tail)


def runtime_variables(runtime: Runtime) -> dict[str, str]:
    """Give a side's own variables; the harness itself stays importable whatever they say."""
    variables = dict(runtime.variables)
    if path := variables.get("PYTHONPATH"):
        variables["PYTHONPATH"] = os.pathsep.join([str(ROOT), path])
    return variables


def worker_environment(
    *, n_cores: int, caches: str | None = None, cpu_only: bool = False, precision: Precision = "float32"
) -> dict[str, str]:
    """Give the variables a worker runs under: the caller's, and what makes both frameworks run alike.

    With `caches`, all compilers keep what they compile in that folder, however quickly it was compiled. With
    `cpu_only`, no framework sees a GPU: JAX would put constants there even while it computes on the CPU. A
    `precision` other than float32 is for the implementation to ask for; here it is only not forbidden.
    """
    threads = str(n_cores)
    python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {
        **{name: value for name, value in os.environ.items() if name not in KEPT_OUT},
        **_precision_variables(precision),
        **({} if caches is None else _cache_variables(caches)),
        **({"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""} if cpu_only else {}),
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # as the driver's own tools count
        "PYTHONPATH": python_path,
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "TORCHINDUCTOR_COMPILE_THREADS": threads,  # more start a pool of processes, which lives on
        "NPROC": threads,  # XLA's thread pool on CPU
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }


def _precision_variables(precision: Precision) -> dict[str, str]:
    variables = {"JAX_DEFAULT_MATMUL_PRECISION": "highest"}  # until the implementation asks for another
    if precision != "tf32":
        variables["NVIDIA_TF32_OVERRIDE"] = "0"  # NVIDIA's libraries then refuse TF32, whoever asks
    if precision == "bfloat16":
        # Else XLA drops a rounding to bfloat16 that a conversion to float32 follows (openxla/xla#41605).
        flags = [os.environ.get("XLA_FLAGS", ""), "--xla_allow_excess_precision=false"]
        variables["XLA_FLAGS"] = " ".join(filter(None, flags))
    return variables


def _cache_variables(folder: str) -> dict[str, str]:
    return {
        "XDG_CACHE_HOME": folder,
        "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor",
        "TRITON_CACHE_DIR": f"{folder}/triton",
        "CUDA_CACHE_PATH": f"{folder}/cuda",
        "JAX_COMPILATION_CACHE_DIR": f"{folder}/jax",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        # Theirs name the folder, which is part of the key: copied elsewhere, nothing would be found again.
        "JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES": "none",
    }


def _wait(process: subprocess.Popen[bytes], results_file: Path, time_limit_s: float) -> str | None:
    """Wait until the worker ends or gives no new result for the time limit; say what was wrong."""
    size, last_progress = 0, time.monotonic()
    while process.poll() is None:
        time.sleep(POLL_S)
        if results_file.stat().st_size != size:
            size, last_progress = results_file.stat().st_size, time.monotonic()
        if time.monotonic() - last_progress > time_limit_s:
            return f"no result within {time_limit_s:g} s, killed (--time-limit raises the limit)"
    status = process.returncode
    if status == -signal.SIGKILL:
        return "killed by SIGKILL; often this is the system being out of memory"
    if status < 0:
        return f"killed by signal {-status} ({signal.strsignal(-status)})"
    return f"ended with exit status {status}" if status else None


def _tail(log_file: Path, n_lines: int) -> str:
    return "\n".join(log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-n_lines:])


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the worker and whatever it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def _read(results_file: Path) -> list[Message]:
    """Read the complete lines; a worker killed in the middle of one leaves the rest of it unread."""
    text = results_file.read_text(encoding="utf-8")
    return [message_from_json(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
