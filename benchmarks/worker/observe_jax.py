"""Observes JAX."""

import ctypes
import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from benchmarks.worker.observe import Calls, FrameworkObserver, Traffic, patched
from impls.contract import Device

COMPILED = "/jax/core/compile/backend_compile_duration"
READS = ("item", "tolist", "__float__", "__int__", "__bool__", "__array__", "__index__")

_compilations: list[str] = []


def _listen(event: str, duration_secs: float, **_: str | int) -> None:
    del duration_secs
    if event == COMPILED:
        _compilations.append(event)


jax.monitoring.register_event_duration_secs_listener(_listen)


class Observer(FrameworkObserver):
    """Counts JAX's events and calls of replaced functions; jax.jit has no graph breaks."""

    def n_compilations(self) -> int:
        """Count XLA's compilations, as JAX reports them."""
        return len(_compilations)

    def keeps_compiled(self) -> bool:
        """Return whether it compiled, with JAX's persistent cache on."""
        return bool(_compilations and jax.config.jax_enable_compilation_cache)  # type: ignore[attr-defined] # made at run time

    def lowered_precision(self) -> list[str]:
        """Name the setting that allows TF32 or bfloat16 in float32 matrix products."""
        precision = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined] # made at run time
        if precision in ("highest", "float32"):
            return []
        return [f"jax_default_matmul_precision is {precision!r}"]

    def gpu_memory(self) -> dict[str, str]:
        """Read this process's variables that decide how JAX allocates memory, as JAX interprets them."""
        preallocates = os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE", "") not in ("0", "false", "False")
        is_unified = os.environ.get("TF_FORCE_UNIFIED_MEMORY", "0").lower() not in ("0", "false")
        return {
            "allocator": os.environ.get("XLA_PYTHON_CLIENT_ALLOCATOR", "default").lower(),
            "preallocation": "on" if preallocates else "off",
            "unified memory": "on" if is_unified else "off",
        }

    def traffic(
        self,
        start: Callable[[], Any],
        epoch: Callable[[Any], object],
        device: Device,
        on_read: Callable[[], object] = lambda: None,
    ) -> Traffic:
        """Run an epoch; count the arrays read from the device, and the bytes that device_put uploads.

        An upload by a compiled call itself, of an argument in host memory, is not observable.
        """
        del device
        # float() calls _value: only the outermost read counts.
        reads, uploads = Calls(on_call=on_read), Calls()
        array_type = type(jax.numpy.zeros(()))  # private by name
        reading = [*((array_type, name) for name in READS), (np, "asarray"), (np, "array")]
        replacements: dict[tuple[object, str], object] = {
            (owner, name): reads.counting(getattr(owner, name), _n_arrays)
            for owner, name in [*reading, (jax, "device_get")]
        }
        replacements[jax, "device_put"] = uploads.counting(jax.device_put, _host_bytes)
        with patched(replacements):
            state = start()
            reads.total = uploads.total = 0
            epoch(state)
        return Traffic(n_readbacks=reads.total, uploaded_bytes=uploads.total)

    def device_bytes(self, device: Device) -> int:
        """Return the size of all JAX arrays; on a CPU they are on the device, too."""
        del device
        return sum(_here(array).nbytes for array in jax.live_arrays())

    def writable(self, array: Any) -> Any:  # noqa: ANN401 - NumPy's or JAX's
        """Return a view of an array's memory here, which JAX itself never changes; on a CPU only."""
        if not isinstance(array, jax.Array):
            return array
        array = _here(array)
        if {device.platform for device in array.devices()} != {"cpu"}:
            message = "expected an array in the memory of the CPU"
            raise ValueError(message)
        array.block_until_ready()
        memory = (ctypes.c_byte * array.nbytes).from_address(array.unsafe_buffer_pointer())
        return np.frombuffer(memoryview(memory).cast("B"), array.dtype).reshape(array.shape)

    def n_operations(self, start: Callable[[], Any], epoch: Callable[[Any], Any]) -> int:
        """Count the programs that an epoch runs: those it compiles anew, and those compiled ahead of time.

        All compiled code of this process is lost.
        """
        state = start()
        ahead: set[int] = set()
        call: Callable[..., Any] = jax.stages.Compiled.__call__

        def counting(compiled: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
            ahead.add(id(compiled))
            return call(compiled, *args, **kwargs)

        self.forget_compiled()
        n_before = self.n_compilations()
        with patched({(jax.stages.Compiled, "__call__"): counting}):
            epoch(state)
        return self.n_compilations() - n_before + len(ahead)

    def forget_compiled(self) -> None:
        """Drop all traced and compiled functions."""
        jax.clear_caches()

    def peak_device_bytes(self, device: Device) -> int | None:
        """Return the peak of the memory that JAX has allocated on the GPU in this process."""
        if device != "cuda":
            return None
        statistics: dict[str, int] | None = jax.devices(device)[0].memory_stats()
        return (statistics or {}).get("peak_bytes_in_use")


def _here(array: jax.Array) -> jax.Array:
    """Return the array, or this rank's part of it."""
    return array if array.is_fully_addressable else array.addressable_data(0)


def _n_arrays(value: Any) -> int:  # noqa: ANN401 - anything at all
    return sum(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(value))


def _host_bytes(value: Any) -> int:  # noqa: ANN401 - anything at all
    return sum(leaf.nbytes for leaf in jax.tree.leaves(value) if isinstance(leaf, np.ndarray))
