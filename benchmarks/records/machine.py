"""The machine of a run: where figures of two runs can be compared, and where a reader says they are from."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.records.caption import hardware
from benchmarks.records.run import Run

FULL_PRECISION = {"NVIDIA_TF32_OVERRIDE": "0", "JAX_DEFAULT_MATMUL_PRECISION": "highest"}
"""The workers' variables that keep matrix products in float32, TF32 off."""

DOUBLE = "JAX_ENABLE_X64"
"""The variable that makes float64 JAX's default."""


@dataclass(frozen=True, kw_only=True, order=True)
class Hardware:
    """The hardware and the precision asked for; where they differ, times can't be compared.

    It excludes the machine's name, for a hosted runner has a new one every day, and the versions of kernel,
    driver, frameworks and harness, for a comparison shows their effect. The number of cores is the case's.
    """

    cpu: str
    n_cpus: int
    gpu: str
    precision: str
    quota: str  # of CPU time, if it is smaller than the workers could use

    @classmethod
    def of(cls, run: Run) -> Hardware:
        """Read it from a run's provenance."""
        at = run.provenance.host
        return cls(
            cpu=at.cpu,
            n_cpus=at.n_cpus,
            gpu=at.gpu_models,
            precision=_precision(at.worker_variables),
            quota=run.provenance.throttle,
        )

    def __str__(self) -> str:
        """Describe it for a title."""
        limited = f", {self.quota}" if self.quota else ""
        return f"{hardware(self.cpu, self.n_cpus, self.gpu)}, {self.precision}{limited}"


@dataclass(frozen=True, kw_only=True, order=True)
class Machine:
    """A machine as a reader distinguishes machines: by name, too."""

    machine: str
    cpu: str
    n_cpus: int
    gpu: str

    @classmethod
    def of(cls, run: Run) -> Machine:
        """Read it from a run's provenance."""
        at = run.provenance.host
        return cls(machine=at.machine, cpu=at.cpu, n_cpus=at.n_cpus, gpu=at.gpu_models)

    def __str__(self) -> str:
        """Describe it for a title."""
        return f"{self.machine}: {hardware(self.cpu, self.n_cpus, self.gpu)}"


def _precision(variables: dict[str, str]) -> str:
    asked = {name: variables.get(name, "unset") for name in FULL_PRECISION}
    asked |= {name: variables[name] for name in (DOUBLE,) if name in variables}
    if asked == FULL_PRECISION:
        return "full float32"
    return ", ".join(f"{name}={value}" for name, value in asked.items())
