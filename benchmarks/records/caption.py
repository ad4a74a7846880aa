"""Where and with what something was measured, in words: the parts of every caption."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.records.provenance import Provenance


def machine(at: Provenance) -> str:
    """Describe the machine and what of it was used: "vm: EPYC (2 CPUs), Linux · 1 core used, not pinned"."""
    pinned = f"pinned to CPU {', '.join(map(str, at.pinned_to))}" if at.pinned_to else "not pinned"
    hardware_ = hardware(at.cpu, at.n_cpus, at.gpu)
    return f"{at.machine}: {hardware_}, {at.system} · {cores(at.n_cores_used)} used, {pinned}"


def hardware(cpu: str, n_cpus: int, gpu: str | None) -> str:
    """Describe the processors: "EPYC (2 CPUs), H200"."""
    return f"{cpu} ({n_cpus} CPUs)" + (f", {gpu}" if gpu else "")


def cores(n: int) -> str:
    """Return a number of cores: "2 cores"."""
    return f"{n} core{'s' * (n != 1)}"


def software(versions: Mapping[str, str], commit: str | None) -> str:
    """Describe the packages and the harness: "torch 2.13.0, jax 0.10.2 · commit 0123456789"."""
    return f"{packages(versions)} · commit {commit or 'unknown'}"


def packages(versions: Mapping[str, str]) -> str:
    """Return the versions of packages: "torch 2.13.0, jax 0.10.2"."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())
