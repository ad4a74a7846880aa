"""What a worker can see of JAX's doings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from benchmarks.worker.observe import Traffic, patched

if TYPE_CHECKING:
    from collections.abc import Callable

    from impls.contract import Device

COMPILED = "/jax/core/compile/backend_compile_duration"

_compilations: list[str] = []


def _listen(event: str, duration_secs: float, **_: str | int) -> None:
    del duration_secs
    if event == COMPILED:
        _compilations.append(event)


jax.monitoring.register_event_duration_secs_listener(_listen)


def n_compilations() -> int:
    """Count XLA's compilations, as JAX reports them."""
    return len(_compilations)


def n_graph_breaks() -> int | None:
    """Tell nothing: jax.jit compiles a function as a whole or not at all."""
    return None


def lowered_precision() -> list[str]:
    """Name the setting that allows TF32 or bfloat16 in float32 matrix products."""
    precision = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined] # made at run time
    if precision in ("highest", "float32"):
        return []
    return [f"jax_default_matmul_precision is {precision!r}"]


def gpu_memory() -> dict[str, str]:
    """Read the variables by which JAX takes memory, as it reads them, and as they are in this process."""
    preallocates = os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE", "") not in ("0", "false", "False")
    is_unified = os.environ.get("TF_FORCE_UNIFIED_MEMORY", "0").lower() not in ("0", "false")
    return {
        "allocator": os.environ.get("XLA_PYTHON_CLIENT_ALLOCATOR", "default").lower(),
        "preallocation": "on" if preallocates else "off",
        "unified memory": "on" if is_unified else "off",
    }


def traffic(start: Callable[[], Any], epoch: Callable[[Any], object], device: Device) -> Traffic:
    """Run an epoch; count the arrays read from the device, and the bytes that device_put hands over.

    What a compiled call hands over by itself, an argument in host memory, is not to be seen.
    """
    del device
    reads: list[str] = []
    moved: list[int] = []
    inside: list[str] = []  # float() calls _value

    def counting(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def read(array: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
            if not inside and isinstance(array, jax.Array):
                reads.append(name)
            inside.append(name)
            try:
                return original(array, *args, **kwargs)
            finally:
                inside.pop()

        return read

    def device_put(value: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
        moved.extend(leaf.nbytes for leaf in jax.tree.leaves(value) if isinstance(leaf, np.ndarray))
        return original_put(value, *args, **kwargs)

    def device_get(value: Any) -> Any:  # noqa: ANN401 - passed on
        reads.extend("device_get" for leaf in jax.tree.leaves(value) if isinstance(leaf, jax.Array))
        inside.append("device_get")
        try:
            return original_get(value)
        finally:
            inside.pop()

    original_put, original_get = jax.device_put, jax.device_get
    array_type = type(jax.numpy.zeros(()))  # private by name
    reading = ("item", "tolist", "__float__", "__int__", "__bool__", "__array__", "__index__")
    replacements: dict[tuple[object, str], object] = {
        (array_type, name): counting(name, getattr(array_type, name)) for name in reading
    }
    replacements |= {(np, name): counting(name, getattr(np, name)) for name in ("asarray", "array")}
    replacements |= {(jax, "device_get"): device_get, (jax, "device_put"): device_put}
    with patched(replacements):
        state = start()
        reads.clear()
        moved.clear()
        epoch(state)
    return Traffic(n_readbacks=len(reads), uploaded_bytes=sum(moved))


def forget_compiled() -> None:
    """Drop all that is traced and compiled."""
    jax.clear_caches()


def peak_device_bytes(device: Device) -> int | None:
    """Give the peak of the memory that JAX's allocator has handed out on the GPU since the process began."""
    if device != "cuda":
        return None
    statistics: dict[str, int] | None = jax.devices(device)[0].memory_stats()
    return (statistics or {}).get("peak_bytes_in_use")
