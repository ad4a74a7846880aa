"""What must be alike for the figures of two runs to be held against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.records.caption import cores, hardware

if TYPE_CHECKING:
    from benchmarks.records.run import Run

FULL_PRECISION = {"NVIDIA_TF32_OVERRIDE": "0", "JAX_DEFAULT_MATMUL_PRECISION": "highest"}
"""The workers' variables that keep matrix products in float32, TF32 off."""

DOUBLE = "JAX_ENABLE_X64"
"""The variable that lets JAX compute in float64 wherever it is not told otherwise."""


@dataclass(frozen=True, kw_only=True, order=True)
class Hardware:
    """The hardware, how much of it was used, and the precision asked for.

    The machine's name is no part of it: a hosted runner has a new one every day. Nor are the versions of
    kernel, driver, frameworks and harness: how they change the figures is what is to be seen.
    """

    cpu: str
    n_cpus: int
    gpu: str
    n_cores_used: int
    precision: str

    @classmethod
    def of(cls, run: Run) -> Hardware:
        """Tell it from a run's provenance."""
        at = run.provenance
        return cls(
            cpu=at.cpu,
            n_cpus=at.n_cpus,
            gpu=", ".join(line.rpartition(",")[0] or line for line in (at.gpu or "").splitlines()),
            n_cores_used=at.n_cores_used,
            precision=_precision(at.worker_variables),
        )

    def __str__(self) -> str:
        """Name it in a title."""
        used = f"{cores(self.n_cores_used)} used"
        return f"{hardware(self.cpu, self.n_cpus, self.gpu)}, {used}, {self.precision}"


@dataclass(frozen=True, kw_only=True, order=True)
class Machine:
    """Where a run was measured, as its reader tells machines apart: by name, too."""

    machine: str
    cpu: str
    n_cpus: int
    gpu: str
    n_cores: int

    @classmethod
    def of(cls, run: Run) -> Machine:
        """Tell it from a run's provenance."""
        at, hardware = run.provenance, Hardware.of(run)
        return cls(
            machine=at.machine, cpu=at.cpu, n_cpus=at.n_cpus, gpu=hardware.gpu, n_cores=at.n_cores_used
        )

    def __str__(self) -> str:
        """Name it in a title."""
        used = f"{cores(self.n_cores)} used"
        return f"{self.machine}: {hardware(self.cpu, self.n_cpus, self.gpu)}, {used}"


def _precision(variables: dict[str, str]) -> str:
    asked = {name: variables.get(name, "unset") for name in FULL_PRECISION}
    asked |= {name: variables[name] for name in (DOUBLE,) if name in variables}
    if asked == FULL_PRECISION:
        return "full float32"
    return ", ".join(f"{name}={value}" for name, value in asked.items())
