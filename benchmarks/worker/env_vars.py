"""The environment variables that a worker starts with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from benchmarks.paths import CODE

if TYPE_CHECKING:
    from benchmarks.worker.messages import Runtime
    from impls.contract import Precision

KEPT_OUT = (
    *("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"),  # NVIDIA's containers set the second one
    *("XLA_PYTHON_CLIENT_ALLOCATOR", "TF_FORCE_UNIFIED_MEMORY"),
)
"""The caller's don't reach a worker: the problem says what its products are rounded to, and JAX's memory is
taken by its default allocator."""


COUNTING_VARIABLES = {"PYTHONHASHSEED": "0"}
"""Else the dictionaries of each process collide in another way."""


def runtime_variables(runtime: Runtime) -> dict[str, str]:
    """Give a side's own variables; the harness itself stays importable whatever they say."""
    variables = dict(runtime.variables)
    if path := variables.get("PYTHONPATH"):
        variables["PYTHONPATH"] = os.pathsep.join([str(CODE), path])
    return variables


def worker_environment(
    *, n_cores: int, caches: str | None = None, cpu_only: bool = False, precision: Precision = "float32"
) -> dict[str, str]:
    """Give the variables a worker runs under: the caller's, and what makes both frameworks run alike.

    With `caches`, all compilers keep what they compile in that folder, however quickly it was compiled. With
    `cpu_only`, no framework sees a GPU: JAX would put constants there even while it computes on the CPU. A
    `precision` other than float32 is for the implementation to ask for; here it is only not forbidden.
    """
    threads = str(n_cores)
    python_path = os.pathsep.join(filter(None, [str(CODE), os.environ.get("PYTHONPATH")]))
    return {
        **{name: value for name, value in os.environ.items() if name not in KEPT_OUT},
        **_precision_variables(precision),
        **({} if caches is None else _cache_variables(caches)),
        **({"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""} if cpu_only else {}),
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # as the driver's own tools count
        "PYTHONPATH": python_path,
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "TORCHINDUCTOR_COMPILE_THREADS": threads,  # more start a pool of processes, which lives on
        "NPROC": threads,  # XLA's thread pool on CPU
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }


def _precision_variables(precision: Precision) -> dict[str, str]:
    variables = {"JAX_DEFAULT_MATMUL_PRECISION": "highest"}  # until the implementation asks for another
    if precision != "tf32":
        variables["NVIDIA_TF32_OVERRIDE"] = "0"  # NVIDIA's libraries then refuse TF32, whoever asks
    if precision == "bfloat16":
        # Else XLA drops a rounding to bfloat16 that a conversion to float32 follows (openxla/xla#41605).
        flags = [os.environ.get("XLA_FLAGS", ""), "--xla_allow_excess_precision=false"]
        variables["XLA_FLAGS"] = " ".join(filter(None, flags))
    return variables


def _cache_variables(folder: str) -> dict[str, str]:
    return {
        "XDG_CACHE_HOME": folder,
        "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor",
        "TRITON_CACHE_DIR": f"{folder}/triton",
        "CUDA_CACHE_PATH": f"{folder}/cuda",
        "JAX_COMPILATION_CACHE_DIR": f"{folder}/jax",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        # Theirs name the folder, which is part of the key: copied elsewhere, nothing would be found again.
        "JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES": "none",
    }
