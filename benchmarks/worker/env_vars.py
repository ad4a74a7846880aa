"""The environment variables that a worker starts with."""

import os
import site

from benchmarks.paths import CODE
from benchmarks.worker.messages import Runtime
from impls.contract import Precision

KEPT_OUT = (
    *("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"),  # NVIDIA's containers set the second one
    *("XLA_PYTHON_CLIENT_ALLOCATOR", "TF_FORCE_UNIFIED_MEMORY"),
)
"""A worker does not inherit these: the problem decides the precision of its products, and JAX uses its
default allocator."""


COUNTING_VARIABLES = {"PYTHONHASHSEED": "0"}
"""Otherwise the dictionaries of each process collide differently."""


def runtime_variables(runtime: Runtime) -> dict[str, str]:
    """Return a side's own variables; the harness stays importable whatever PYTHONPATH they set."""
    variables = dict(runtime.variables)
    if path := variables.get("PYTHONPATH"):
        variables["PYTHONPATH"] = os.pathsep.join([str(CODE), path])
    return variables


def worker_environment(
    *, n_cores: int, caches: str | None = None, cpu_only: bool = False, precision: Precision = "float32"
) -> dict[str, str]:
    """Return a worker's variables: the caller's, and the ones that make both frameworks run alike.

    With `caches`, all compilers keep their output in that folder, however quickly it was compiled, and the
    home is in it, too: a cache of the implementation's own is then empty when theirs are. With
    `cpu_only`, no framework sees a GPU: JAX would put constants there even while it computes on the CPU. The
    implementation itself requests a `precision` other than float32; here it is only permitted.
    """
    threads = str(n_cores)
    python_path = os.pathsep.join(filter(None, [str(CODE), os.environ.get("PYTHONPATH")]))
    return {
        **{name: value for name, value in os.environ.items() if name not in KEPT_OUT},
        **_precision_variables(precision),
        **({} if caches is None else _cache_variables(caches)),
        **({"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""} if cpu_only else {}),
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # the order that the driver's tools use
        "PYTHONPATH": python_path,
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "TORCHINDUCTOR_COMPILE_THREADS": "1",  # more would start a pool of processes, which stays
        "NPROC": threads,  # XLA's thread pool on CPU
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }


def _precision_variables(precision: Precision) -> dict[str, str]:
    variables = {"JAX_DEFAULT_MATMUL_PRECISION": "highest"}  # until the implementation sets another
    if precision != "tf32":
        variables["NVIDIA_TF32_OVERRIDE"] = "0"  # NVIDIA's libraries then never use TF32
    if precision == "bfloat16":
        # Otherwise XLA drops a rounding to bfloat16 before a conversion to float32 (openxla/xla#41605).
        flags = [os.environ.get("XLA_FLAGS", ""), "--xla_allow_excess_precision=false"]
        variables["XLA_FLAGS"] = " ".join(filter(None, flags))
    return variables


def home_in(caches: str) -> str:
    """Return the home folder of the workers that keep their caches in this folder."""
    return f"{caches}/home"


def _cache_variables(folder: str) -> dict[str, str]:
    return {
        "HOME": home_in(folder),
        "PYTHONUSERBASE": site.getuserbase(),  # the caller's: packages may be installed there
        "XDG_CACHE_HOME": folder,
        "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor",
        "TRITON_CACHE_DIR": f"{folder}/triton",
        "CUDA_CACHE_PATH": f"{folder}/cuda",
        "JAX_COMPILATION_CACHE_DIR": f"{folder}/jax",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        # XLA's caches have the folder in their keys: after copying it, nothing would be found.
        "JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES": "none",
    }
