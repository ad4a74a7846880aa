"""The part of the fairness manifest that a process tells which looks at an epoch instead of timing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.verify.item import Item, count, or_unseen
from benchmarks.worker.precision import error_range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.cases.implementations import Entry
    from benchmarks.worker.messages import Inspection
    from impls.contract import Problem

GPU_MEMORY = {"allocator": "default", "preallocation": "off", "unified memory": "off"}
"""What JAX's settings must say: preallocation would hide the peak, another allocator is another program."""


def inspected(seen: Inspection, problem: Problem, entry: Entry) -> Iterator[Item]:
    """Check what that process saw."""
    yield _products(seen, problem)
    if seen.gpu_memory is not None:
        yield _gpu_memory(seen.gpu_memory)
    yield count("graph breaks", 0, seen.n_graph_breaks)
    yield Item(
        name="batches in host memory when the epoch begins",
        expected="all" if problem.feed == "host" else "none: they lie on the device",
        found=f"{seen.n_host_arrays} arrays of NumPy",
        holds=None if entry.framework == "numpy" or problem.feed == "host" else seen.n_host_arrays == 0,
    )
    yield _uploads(seen.uploaded_bytes, problem)
    yield count(
        "readbacks in an epoch", problem.n_batches if problem.readback == "step" else 0, seen.n_readbacks
    )
    if entry.cuda_graph:
        launches = seen.n_graph_launches
        yield Item(
            name="launches of a captured CUDA graph in an epoch",
            expected="at least 1",
            found=or_unseen(launches, "{}"),
            holds=None
            if seen.n_graph_launches is None or not (launches or seen.n_kernel_launches)
            else bool(launches),
        )
    kernels = or_unseen(seen.n_kernel_launches, "{}")
    yield Item(name="kernels launched one by one in an epoch", expected="any", found=kernels, holds=None)
    in_place = "updated in place" if seen.in_place else "given anew by each epoch"
    yield Item(name="state", expected="either way", found=in_place, holds=None)


def _products(seen: Inspection, problem: Problem) -> Item:
    low, high = error_range(problem.precision)
    errors = {"forward": seen.forward_error, "backward": seen.backward_error}
    # Below float32 a setting must be lowered; the products tell whether it is the right one.
    amiss = seen.lowered_precision if problem.precision == "float32" else []
    found = [f"{or_unseen(error, '{:.1e}')} {way}" for way, error in errors.items()]
    return Item(
        name="precision of the two matrix products",
        expected=f"{problem.precision}: relative errors from {low:.2g} to {high:.2g}",
        found="; ".join([", ".join(found), *amiss]),
        holds=not amiss and all(error is not None and low <= error <= high for error in errors.values()),
    )


def _gpu_memory(settings: dict[str, str]) -> Item:
    expected, found = (
        ", ".join(f"{name} {setting}" for name, setting in each.items()) for each in (GPU_MEMORY, settings)
    )
    return Item(
        name="how a GPU's memory is taken", expected=expected, found=found, holds=settings == GPU_MEMORY
    )


def _uploads(uploaded_bytes: int | None, problem: Problem) -> Item:
    from_host = problem.feed == "host"
    if from_host and not uploaded_bytes:
        uploaded_bytes = None  # handed over in a way that is not to be seen
    most_bytes = 4 * problem.samples_per_epoch * (problem.n_features + 1) if from_host else 0
    return Item(
        name="bytes handed to the device in an epoch",
        expected=f"at most {most_bytes:,}, each batch once" if from_host else "0",
        found=or_unseen(uploaded_bytes, "{:,}"),
        holds=None if uploaded_bytes is None else uploaded_bytes <= most_bytes,
    )
