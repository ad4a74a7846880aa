"""Where, when and with what a run was measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from benchmarks.decode import Within

PACKAGES = ("torch", "jax", "jaxlib", "optax", "numpy")


STEERING_VARIABLES = (
    *("OMP_", "MKL_", "OPENBLAS_", "NPROC", "CUDA_", "JAX_", "XLA_", "TORCH"),
    *("NVIDIA_TF32_OVERRIDE", "NVIDIA_VISIBLE_DEVICES"),
)
"""The first letters of variables that may change how a framework computes."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """One machine that took part in a run."""

    machine: str  # its name
    system: str
    cpu: str
    n_cpus: Annotated[int, Within(1, 1e6)]
    gpu: str | None
    pinned_to: list[int]  # CPUs; empty where the system can't pin
    worker_variables: dict[str, str]  # that steer the frameworks where a problem asks for float32


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What a table must name: where, when and with what it was measured.

    A property describes all hosts together: a text that several hosts share is written once.
    """

    date: str
    versions: dict[str, str]
    commit: str | None
    commit_elsewhere: str | None = None  # of the checkouts with implementations from elsewhere
    hosts: list[Host]

    def __post_init__(self) -> None:
        """Refuse a run that no host measured."""
        if not self.hosts:
            message = "expected at least one host, found none"
            raise ValueError(message)

    @property
    def machine(self) -> str:
        """Return the names of the machines."""
        return _together(host.machine for host in self.hosts)

    @property
    def system(self) -> str:
        """Return their operating systems and kernels."""
        return _together(host.system for host in self.hosts)

    @property
    def cpu(self) -> str:
        """Return the models of their processors."""
        return _together(host.cpu for host in self.hosts)

    @property
    def n_cpus(self) -> int:
        """Return the number of CPUs of all of them."""
        return sum(host.n_cpus for host in self.hosts)

    @property
    def gpu(self) -> str | None:
        """Return the models and drivers of their GPUs, a line each; None: no GPU."""
        return "\n".join(host.gpu for host in self.hosts if host.gpu) or None

    @property
    def gpu_models(self) -> str:
        """Return the models of their GPUs, without the drivers; "": no GPU."""
        return ", ".join(line.rpartition(",")[0] or line for line in (self.gpu or "").splitlines())

    @property
    def pinned_to(self) -> list[int]:
        """Return the CPUs that workers were kept to, host by host."""
        return [cpu for host in self.hosts for cpu in host.pinned_to]

    @property
    def worker_variables(self) -> dict[str, str]:
        """Return the variables that steer the frameworks."""
        all_of_them = [host.worker_variables for host in self.hosts]
        names = dict.fromkeys(name for variables in all_of_them for name in variables)
        return {name: _together(each.get(name, "unset") for each in all_of_them) for name in names}


def _together(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))


def steers(name: str) -> bool:
    """Return whether a variable of that name may steer a framework; NVIDIA's containers set many others."""
    return name.startswith(STEERING_VARIABLES)
