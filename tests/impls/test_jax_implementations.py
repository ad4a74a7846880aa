"""The JAX implementations: the precision of their products on a GPU."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jax
import pytest

from benchmarks.cases.data import draw_epochs, draw_parameters
from impls import jax_jit, jax_nojit, jax_scan, jax_scan_fused, jax_scan_fused_hand
from impls.contract import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from impls.contract import Precision

ALGORITHM = re.compile(
    r"dot_general .*algorithm = <lhs_precision_type = (\w+), rhs_precision_type = (\w+), accum"
)


def traced(module: Any, state: Any, batches: Any) -> Any:
    """Trace the loop's compiled call; of the loop without jit, the part with the products."""
    if module is jax_jit:
        return state.train_step.trace(state.model, state.optimizer_state, *batches[0])
    if module is jax_scan:
        return state.train_epoch.trace(state.model, state.optimizer_state, batches)
    if module in (jax_scan_fused, jax_scan_fused_hand):
        return state.train_epoch.trace(state.vector, batches)
    return jax.jit(jax.value_and_grad(state.criterion)).trace(state.model, *batches[0])


@pytest.fixture
def default_precision() -> Iterator[None]:
    """Put the setting back: an implementation lowers it for its whole process."""
    before = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined] # made at run time
    yield
    jax.config.update("jax_default_matmul_precision", before)


@pytest.mark.usefixtures("default_precision")
@pytest.mark.parametrize(("precision", "name"), [("tf32", "tf32"), ("bfloat16", "bf16")])
@pytest.mark.parametrize(
    "module", [jax_jit, jax_nojit, jax_scan, jax_scan_fused, jax_scan_fused_hand], ids=lambda m: m.__name__
)
def test_every_product_of_the_program_for_a_gpu_names_the_algorithm_that_was_asked_for(
    module: Any, precision: Precision, name: str
) -> None:
    problem = Problem(n_features=8, batch_size=16, n_batches=2, precision=precision)
    state = module.prepare(problem, draw_parameters(problem), "cpu")
    batches = module.place(problem, draw_epochs(problem)[0], "cpu")

    text = traced(module, state, batches).lower(lowering_platforms=("cuda",)).as_text()

    products = [line for line in text.splitlines() if "dot_general" in line]
    assert len(products) == 2, text
    assert [match.groups() for match in map(ALGORITHM.search, products) if match] == [(name, name)] * 2


@pytest.mark.usefixtures("default_precision")
def test_a_problem_in_float32_leaves_the_setting_alone() -> None:
    jax.config.update("jax_default_matmul_precision", "highest")

    jax_jit.prepare(Problem(), draw_parameters(Problem()), "cpu")

    assert jax.config.jax_default_matmul_precision == "highest"  # type: ignore[attr-defined] # made at run time
