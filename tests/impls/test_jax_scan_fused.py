"""On a CPU an epoch of few features is one kernel; it takes two attributes that JAX does not document."""

from __future__ import annotations

import re
from typing import Any

import jax
import numpy as np
import pytest

from benchmarks.cases.tolerances import LOSS_TOLERANCE
from benchmarks.worker.training import Workload, train
from impls import jax_scan_fused, jax_scan_fused_hand, numpy_reference
from impls.contract import Problem

LARGE = Problem(batch_size=200_000, n_batches=2, last_batch_size=100_000)
"""Larger than the loops of which XLA makes one kernel without being asked."""

CALL = re.compile(r" call\(.*frontend_attributes={[^}]*xla_cpu_small_call=\"true\"")

both = pytest.mark.parametrize("module", [jax_scan_fused, jax_scan_fused_hand], ids=lambda m: m.__name__)


def lowered(module: Any, problem: Problem, platform: str = "cpu") -> Any:
    """Trace and lower an epoch of the problem, which needs no data; nothing is kept for another test."""
    device: Any = {"cpu": "cpu", "cuda": "cuda"}[platform]
    make = module.make_train_epoch.__wrapped__
    train_epoch = make(problem.learning_rate, problem.loss, problem.n_features, device)
    n = problem.n_features + 1
    vector = jax.ShapeDtypeStruct((3 * n + 2 + problem.n_batches,), np.float32)
    shapes = [(problem.n_batches, n, problem.batch_size)]
    if problem.last_batch_size:
        shapes = [(problem.n_batches - 1, n, problem.batch_size), (1, n, problem.last_batch_size)]
    epoch = tuple(jax.ShapeDtypeStruct(shape, np.float32) for shape in shapes)
    return train_epoch.trace(vector, epoch).lower(lowering_platforms=(platform,))


def is_one_kernel(compiled: str) -> bool:
    """Return whether the program is one call that becomes a kernel, and perhaps a copy of its result."""
    _, _, entry = compiled.partition("\nENTRY ")
    operations = re.findall(r"^  (?:ROOT )?\S+ = .*?\s([\w-]+)\(.*$", entry.partition("\n}")[0], re.MULTILINE)
    assert "parameter" in operations, compiled
    return set(operations) <= {"parameter", "call", "copy"} and len(CALL.findall(entry)) == 1


@both
def test_xla_compiles_an_epoch_of_any_size_into_one_kernel(module: Any) -> None:
    assert is_one_kernel(lowered(module, LARGE).compile().as_text())


@both
@pytest.mark.parametrize("missing", jax_scan_fused.ONE_KERNEL)
def test_without_either_attribute_it_is_not_one_kernel(
    module: Any, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = {name: value for name, value in module.ONE_KERNEL.items() if name != missing}
    monkeypatch.setattr(module, "ONE_KERNEL", left)

    assert not is_one_kernel(lowered(module, LARGE).compile().as_text())


@both
@pytest.mark.parametrize("n_features", [2, 8])
def test_the_program_for_a_gpu_has_no_attribute_and_no_option_of_the_cpu_compiler(
    module: Any, n_features: int
) -> None:
    text = lowered(module, Problem(n_features=n_features, batch_size=16), "cuda").as_text()

    assert "xla_cpu" not in text
    assert "inlineable" not in text
    assert not any("xla_cpu" in option for option in module.OPTIONS["cuda"])


@both
def test_a_version_of_jax_without_the_function_that_sets_attributes_is_named_with_one_that_has_it(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.unavailable("cpu") is None
    monkeypatch.setattr(module, "set_xla_metadata", None)

    assert module.unavailable("cpu") == (
        f"jax {jax.__version__} has no jax.experimental.xla_metadata.set_xla_metadata; 0.10.2 has it"
    )


@both
@pytest.mark.parametrize("n_features", [jax_scan_fused.NARROW, jax_scan_fused.NARROW + 1])
def test_losses_agree_on_both_sides_of_the_width_where_one_kernel_gives_way_to_products(
    module: Any, n_features: int
) -> None:
    problem = Problem(n_features=n_features, batch_size=16, n_batches=3, last_batch_size=5, n_epochs=4)
    found, expected = (train(Workload.of(each, problem)) for each in (module, numpy_reference))

    assert np.abs(found.losses - expected.losses).max() < LOSS_TOLERANCE
