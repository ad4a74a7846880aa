"""What a host computes with, its processors and packages; and how several hosts differ."""

import contextlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias

PACKAGES = ("torch", "jax", "jaxlib", "optax", "numpy")
NOT_INSTALLED = "not installed"
"""In place of a version."""

CPUINFO = Path("/proc/cpuinfo")

Facts: TypeAlias = Iterable[tuple[str, object]]
"""What hosts that measure together have in common, by name."""


@dataclass(frozen=True, kw_only=True)
class Equipment:
    """What a host has: ranks that train together need the same."""

    machine: str  # its name, which may differ
    cpu: str
    n_cpus: int
    gpu: str | None  # models and drivers, a line each; None: none, or none is used
    versions: dict[str, str]  # of the rank's own Python and its packages

    @classmethod
    def own(cls, *, with_gpu: bool) -> Self:
        """Return what this process has."""
        return cls(
            machine=platform.node(),
            cpu=cpu_name(),
            n_cpus=os.cpu_count() or 1,
            gpu=gpu_names() if with_gpu else None,
            versions=own_versions(),
        )

    @property
    def facts(self) -> list[tuple[str, object]]:
        """Return all but the name, in an order that is the same on each host."""
        return [*self.versions.items(), *hardware_facts(self.cpu, self.n_cpus, self.gpu)]


def hardware_facts(cpu: str, n_cpus: int, gpu: str | None) -> Facts:
    """Return what a host computes with, by name."""
    return ("CPU", cpu), ("number of CPUs", n_cpus), ("GPU", (gpu or "none").replace("\n", "; "))


def differences(facts_by_place: Iterable[tuple[str, Facts]]) -> list[str]:
    """Describe the facts that differ: "expected one CPU, found A in a.json and B in b.json"."""
    found: dict[str, dict[object, str]] = {}
    for place, facts in facts_by_place:
        for name, value in facts:
            found.setdefault(name, {}).setdefault(value, place)
    return [
        f"expected one {name}, found {' and '.join(f'{value} {place}' for value, place in places.items())}"
        for name, places in found.items()
        if len(places) > 1
    ]


def differences_of_ranks(hosts: Sequence[Equipment]) -> list[str]:
    """Describe how the ranks' hosts differ: "expected one CPU, found A on a (rank 0) and B on b (rank 1)"."""
    return differences((f"on {host.machine} (rank {rank})", host.facts) for rank, host in enumerate(hosts))


def cpu_name() -> str:
    """Return the processor's name.

    Linux says it at once on most processors. py-cpuinfo takes a second: it also asks other programs.
    """
    with contextlib.suppress(OSError):
        if named := re.search(r"^model name\s*: (.+)$", CPUINFO.read_text(encoding="utf-8"), re.MULTILINE):
            return named[1].strip()
    with contextlib.suppress(ImportError):
        from cpuinfo import get_cpu_info  # noqa: PLC0415 - another Python that `ab` measures may lack it

        return str(get_cpu_info().get("brand_raw", platform.processor()))
    return platform.processor()


def gpu_names() -> str | None:
    """Return models and drivers of the GPUs, a line each; None: no GPU, or no driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the program of NVIDIA's driver, without a shell
    return done.stdout.strip() or None if done.returncode == 0 else None


def own_versions() -> dict[str, str]:
    """Return the versions of this Python and its frameworks."""
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return NOT_INSTALLED
