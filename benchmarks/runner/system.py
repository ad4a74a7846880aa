"""Where and with what a run was measured."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cpuinfo

from benchmarks.errors import UsageError
from benchmarks.runner.git import git_commit
from benchmarks.runner.launch import ROOT, worker_environment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from impls.contract import Device, Precision

PACKAGES = ("torch", "jax", "jaxlib", "optax", "numpy")
MEASURED_CODE = ("benchmarks", "impls", "pyproject.toml", "constraints.txt")

TIMING_CODE = (
    "impls/contract.py",
    *(f"benchmarks/{name}.py" for name in ("contest", "launch")),  # in which order, how long, how started
    *(f"benchmarks/{name}.py" for name in ("worker", "measure", "training", "problems", "job", "statistics")),
    *(f"benchmarks/{name}.py" for name in ("observe", "observe_torch", "observe_jax", "gpu", "precision")),
    *(f"benchmarks/{name}.py" for name in ("callgrind", "decode", "errors")),
)
"""Files that decide what is timed, and how, besides the implementation's own: all that a worker loads."""


def choose_cpus(n_cores: int) -> tuple[int, ...]:
    """Choose the CPUs to keep the workers on: the last ones allowed, away from the system's favourites.

    Empty where the system can't pin a process.

    Raises:
        UsageError: the machine allows fewer.

    """
    if not hasattr(os, "sched_getaffinity"):
        return ()
    allowed = sorted(os.sched_getaffinity(0))
    if n_cores > len(allowed):
        message = f"--cores: expected at most the {len(allowed)} this process may use, found {n_cores}"
        raise UsageError(message)
    return tuple(allowed[-n_cores:])


GPU_ONLY: dict[Precision, str] = {
    "tf32": "TF32 is a format of NVIDIA's tensor cores; a CPU has no products in it",
    "bfloat16": "bfloat16 is measured on GPUs only; asked for it on a CPU, XLA still multiplies in float32",
}


def lacks(device: Device, precision: Precision = "float32") -> str | None:
    """Say that the machine has no such device, or the device no such precision.

    Only where that is certain without asking a framework.
    """
    if device == "cpu" and precision in GPU_ONLY:
        return GPU_ONLY[precision]
    if device == "cuda" and not (Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi")):
        return "this machine has no NVIDIA GPU, or no driver for it"
    return None


STEERING = (
    *("OMP_", "MKL_", "OPENBLAS_", "NPROC", "CUDA_", "JAX_", "XLA_", "TORCH"),
    *("NVIDIA_TF32_OVERRIDE", "NVIDIA_VISIBLE_DEVICES"),
)
"""How the names of variables begin that may change what a framework does."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What a table must name: where, when and with what it was measured."""

    date: str
    machine: str
    system: str
    cpu: str
    n_cpus: int
    gpu: str | None
    n_cores_used: int
    pinned_to: list[int]  # CPUs; empty where the system can't pin
    versions: dict[str, str]
    commit: str | None
    worker_variables: dict[str, str]  # that steer the frameworks where a problem asks for float32
    commit_elsewhere: str | None = None  # of the checkout in which implementations from elsewhere lie


def collect_provenance(cpus: tuple[int, ...]) -> Provenance:
    """Ask the system, for workers on these CPUs."""
    n_cores = max(1, len(cpus))
    return Provenance(
        date=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        machine=platform.node(),
        system=platform.platform(),
        cpu=_cpu(),
        n_cpus=os.cpu_count() or 1,
        gpu=_output_of("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"),
        n_cores_used=n_cores,
        pinned_to=list(cpus),
        versions={"python": platform.python_version(), **_versions()},
        commit=git_commit(ROOT, *MEASURED_CODE),
        worker_variables=_worker_variables(n_cores=n_cores),
    )


@cache  # asking takes a second
def _cpu() -> str:
    return str(cpuinfo.get_cpu_info().get("brand_raw", platform.processor()))


def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def code_digest() -> str:
    """Fingerprint the measured code as it lies there, committed or not: 16 hexadecimal digits of SHA-256."""
    paths = [ROOT / name for name in MEASURED_CODE]
    files = [file for path in paths for file in (sorted(path.rglob("*.[pc]*")) if path.is_dir() else [path])]
    return _digest_of(file for file in files if file.suffix in (".py", ".c", ".toml", ".txt"))


def timed_code_digest(path: Path) -> str:
    """Fingerprint what decides an implementation's times: its file, the C file of that name, TIMING_CODE."""
    own = [path.with_suffix(suffix) for suffix in (".py", ".c")]
    return _digest_of(file for file in [*own, *(ROOT / name for name in TIMING_CODE)] if file.is_file())


def _digest_of(files: Iterable[Path]) -> str:
    sha = hashlib.sha256()
    for file in files:
        sha.update(file.read_bytes())
    return sha.hexdigest()[:16]


def _output_of(program: str, *arguments: str) -> str | None:
    """Give what a program prints; None where there is no such program, it fails or prints nothing."""
    path = shutil.which(program)
    if path is None:
        return None
    done = subprocess.run(  # noqa: S603 - fixed programs
        [path, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or None if done.returncode == 0 else None


def _worker_variables(*, n_cores: int) -> dict[str, str]:
    """Give the variables that steer the frameworks, as the workers see them."""
    variables = worker_environment(n_cores=n_cores)
    return {name: variables[name] for name in sorted(variables) if steers(name)}


def steers(name: str) -> bool:
    """Say whether a variable of that name may steer a framework; NVIDIA's containers have many that don't."""
    return name.startswith(STEERING)
