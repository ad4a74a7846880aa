"""Where, when and with what a run was measured."""

from __future__ import annotations

from dataclasses import dataclass

PACKAGES = ("torch", "jax", "jaxlib", "optax", "numpy")


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


def steers(name: str) -> bool:
    """Say whether a variable of that name may steer a framework; NVIDIA's containers have many that don't."""
    return name.startswith(STEERING)
