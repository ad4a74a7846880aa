"""This machine: its CPUs, its devices and its packages."""

import contextlib
import datetime as dt
import os
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks import hosts
from benchmarks.errors import UsageError
from benchmarks.paths import HEADERS
from benchmarks.records.provenance import Host, Provenance, steers
from benchmarks.runner.cpu_quota import cpu_quota
from benchmarks.runner.git import harness_commit
from benchmarks.worker.env_vars import worker_environment
from benchmarks.worker.start import headers_in
from impls.contract import Device, Precision


def choose_cpus(n_cores: int, n_ranks: int = 1) -> tuple[int, ...]:
    """Choose the CPUs for the workers: the last ones, because systems use the first ones more.

    Ranks that share a CPU would wait for each other. Empty where the system can't pin a process.

    Raises:
        UsageError: this process may use fewer, or can't pin several ranks.
    """
    if not hasattr(os, "sched_getaffinity"):
        if n_ranks > 1:
            message = (
                f"--ranks {n_ranks}: expected a system that pins processes to CPUs, such as Linux, found "
            )
            raise UsageError(message + platform.system())
        return ()
    allowed = sorted(os.sched_getaffinity(0))
    if (n_cpus := n_ranks * n_cores) > len(allowed):
        asked = f"--ranks {n_ranks} with --cores {n_cores}" if n_ranks > 1 else "--cores"
        remedy = "; name fewer ranks, or fewer cores for each" if n_ranks > 1 else ""
        message = f"{asked}: expected at most the {len(allowed)} this process may use, found {n_cpus}{remedy}"
        raise UsageError(message)
    return tuple(allowed[-n_cpus:])


def spare_cpus(cpus: Sequence[int]) -> tuple[int, ...]:
    """Choose as many other CPUs, where a worker can prepare beside one on `cpus`; empty: there are too few.

    They have the same memory near them: what a worker puts there stays when it moves.
    """
    if not cpus:
        return ()
    near = set(map(_memory_near, cpus))
    others = [cpu for cpu in sorted(os.sched_getaffinity(0) - {*cpus}) if _memory_near(cpu) in near]
    n_both, quota = 2 * len(cpus), cpu_quota()
    is_enough = len(others) >= len(cpus) and (quota is None or quota >= n_both)
    return tuple(others[-len(cpus) :]) if is_enough else ()


def _memory_near(cpu: int) -> tuple[str, ...]:
    """Return the name of the memory that is near a CPU; empty if the system does not say."""
    return tuple(path.name for path in Path(f"/sys/devices/system/cpu/cpu{cpu}").glob("node[0-9]*"))


GPU_ONLY: dict[Precision, str] = {
    "tf32": "TF32 is a format of NVIDIA's tensor cores; no CPU multiplies in it",
    "bfloat16": "bfloat16 is measured on GPUs only; on a CPU, XLA multiplies in float32 all the same",
}


def unsupported_reason(device: Device, precision: Precision = "float32", n_ranks: int = 1) -> str | None:
    """Describe why the machine lacks the devices or the precision; None: only a framework can tell."""
    if device == "cpu" and precision in GPU_ONLY:
        return GPU_ONLY[precision]
    if device == "cuda" and not (Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi")):
        return "this machine has no NVIDIA GPU, or no driver for it"
    if device == "cuda" and n_ranks > 1 and (n_gpus := len([*Path("/dev").glob("nvidia[0-9]*")])) < n_ranks:
        return f"{n_ranks} ranks need a GPU each, and this machine has {n_gpus}"
    return None


def collect_provenance(cpus: tuple[int, ...], n_ranks: int = 1) -> Provenance:
    """Describe this machine and the packages, for workers of so many ranks on these CPUs."""
    return Provenance(
        date=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        versions=hosts.own_versions(),
        commit=harness_commit(),
        hosts=[_host(cpus, n_ranks)],
    )


def _host(cpus: tuple[int, ...], n_ranks: int) -> Host:
    variables = worker_environment(n_cores=max(1, len(cpus) // n_ranks))
    return Host(
        machine=platform.node(),
        system=platform.platform(),
        cpu=hosts.cpu_name(),
        n_cpus=os.cpu_count() or 1,
        gpu=hosts.gpu_names(),
        pinned_to=list(cpus),
        worker_variables={name: variables[name] for name in sorted(variables) if steers(name)},
        cpu_quota=cpu_quota(),
    )


def share_headers(temporary: Path, folder: Path) -> str:
    """Let the headers that PyTorch compiles for its C++ into the folder serve all workers here; return it.

    It compiles them, for ten seconds, even where all loops are cached: when it is woken, before first calls.
    It finds out by itself whether one still fits its version, the compiler and the options.
    They are kept in the run's folder where that of the results can't be written to.
    """
    with contextlib.suppress(OSError, KeyError):  # a user without a name; each worker then compiles them
        (theirs := headers_in(temporary)).parent.mkdir()
        theirs.symlink_to(_kept(HEADERS) or _kept(folder.absolute() / "headers") or theirs)
    return str(temporary)


def _kept(folder: Path) -> Path | None:
    """Make the folder and return it, if it can be written to."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    return None
