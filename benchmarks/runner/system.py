"""Where and with what a run was measured."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cpuinfo

from benchmarks.cases.code_digest import MEASURED_CODE
from benchmarks.errors import UsageError
from benchmarks.paths import CODE
from benchmarks.records.provenance import PACKAGES, Host, Provenance, steers
from benchmarks.runner.git import git_commit
from benchmarks.worker.env_vars import worker_environment

if TYPE_CHECKING:
    from impls.contract import Device, Precision


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


def unsupported_reason(device: Device, precision: Precision = "float32") -> str | None:
    """Say that the machine has no such device, or the device no such precision.

    Only where that is certain without asking a framework.
    """
    if device == "cpu" and precision in GPU_ONLY:
        return GPU_ONLY[precision]
    if device == "cuda" and not (Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi")):
        return "this machine has no NVIDIA GPU, or no driver for it"
    return None


def collect_provenance(cpus: tuple[int, ...]) -> Provenance:
    """Describe this machine and the packages, for workers on these CPUs."""
    return Provenance(
        date=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        versions={"python": platform.python_version(), **_versions()},
        commit=git_commit(CODE, *MEASURED_CODE),
        hosts=[_host(cpus)],
    )


def _host(cpus: tuple[int, ...]) -> Host:
    variables = worker_environment(n_cores=max(1, len(cpus)))
    return Host(
        machine=platform.node(),
        system=platform.platform(),
        cpu=_cpu(),
        n_cpus=os.cpu_count() or 1,
        gpu=_output_of("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"),
        pinned_to=list(cpus),
        worker_variables={name: variables[name] for name in sorted(variables) if steers(name)},
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


def _output_of(program: str, *arguments: str) -> str | None:
    """Give what a program prints; None where there is no such program, it fails or prints nothing."""
    path = shutil.which(program)
    if path is None:
        return None
    done = subprocess.run(  # noqa: S603 - fixed programs
        [path, *arguments], cwd=CODE, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or None if done.returncode == 0 else None
