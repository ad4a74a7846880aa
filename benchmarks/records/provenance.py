"""Where, when and with what a run was measured."""

import datetime as dt
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated

from benchmarks.decode import Within
from benchmarks.records.process import Count

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
    gpu: str | None  # models and drivers, a line each
    pinned_to: list[Annotated[int, Within(0, 1e6)]]  # CPUs; empty where the system can't pin
    worker_variables: dict[str, str]  # that steer the frameworks where a problem asks for float32
    cpu_quota: Annotated[float, Within(0, 1e6)] | None = None  # in CPUs; None: no quota, or not recorded

    @property
    def gpu_models(self) -> str:
        """Return the models of its GPUs, without the drivers; "": no GPU."""
        return ", ".join(line.rpartition(",")[0] or line for line in (self.gpu or "").splitlines())

    @property
    def throttle(self) -> str:
        """Describe the quota that keeps the workers from using their cores fully; "": no quota does."""
        n_cores = max(1, len(self.pinned_to))
        if self.cpu_quota is None or self.cpu_quota >= n_cores:
            return ""
        return f"quota {self.cpu_quota:g} of {'a CPU' if n_cores == 1 else f'{n_cores} CPUs'}"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of the runs that `merge` joined as this one; each ran on a single machine."""

    date: str
    machine: str  # its name
    first_round: Count  # the rounds from here on are its own, up to the first one of the next part


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What a table must name: where, when and with what it was measured."""

    date: str
    versions: dict[str, str]
    commit: str | None
    commit_elsewhere: str | None = None  # of the checkouts with implementations from elsewhere
    hosts: list[Host]
    parts: list[Part] = field(default_factory=list)  # empty: it was measured as one run

    def __post_init__(self) -> None:
        """Refuse a run that no host measured, or of no day."""
        if not self.hosts:
            message = "expected at least one host, found none"
            raise ValueError(message)
        try:
            dt.datetime.fromisoformat(self.date).astimezone(dt.UTC)
        except (ValueError, OverflowError):
            message = f"expected the date of the run in ISO 8601, found {reprlib.repr(self.date)}"
            raise ValueError(message) from None

    @cached_property
    def host(self) -> Host:
        """Return all hosts as one: a text that several share is written once, and their CPUs are counted.

        The hosts of parts are alike and ran apart, so that only one is counted.
        """
        together = self.hosts[:1] if self.parts else self.hosts
        variables = dict.fromkeys(name for host in self.hosts for name in host.worker_variables)
        return Host(
            machine=_together(host.machine for host in self.hosts),
            system=_together(host.system for host in self.hosts),
            cpu=_together(host.cpu for host in self.hosts),
            n_cpus=sum(host.n_cpus for host in together),
            gpu="\n".join(host.gpu for host in together if host.gpu) or None,
            pinned_to=[cpu for host in together for cpu in host.pinned_to],
            worker_variables={
                name: _together(host.worker_variables.get(name, "unset") for host in self.hosts)
                for name in variables
            },
            cpu_quota=min(
                (host.cpu_quota for host in self.hosts if host.cpu_quota is not None), default=None
            ),
        )

    @property
    def throttle(self) -> str:
        """Describe the quotas that keep workers from using their cores fully; "": no quota does."""
        return _together(host.throttle for host in self.hosts if host.throttle)


def _together(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))


def steers(name: str) -> bool:
    """Return whether a variable of that name may steer a framework; NVIDIA's containers set many others."""
    return name.startswith(STEERING_VARIABLES)
