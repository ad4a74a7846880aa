"""The Pallas kernels: interpreted on a CPU, and translated for a GPU without one."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import pytest
from jax.sharding import AbstractDevice, AbstractMesh, use_abstract_mesh

from benchmarks.cases.problems import NAMED
from benchmarks.cases.tolerances import tolerances
from benchmarks.verify.agreement import reference_for
from benchmarks.worker.training import Workload, train
from impls import jax_pallas
from impls.contract import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

PROBLEMS = {
    "book": NAMED["book"],
    "small": NAMED["small"],
    "ragged, wide, a stream": Problem(
        n_features=257, batch_size=16, n_batches=3, last_batch_size=1, n_epochs=2, data="stream"
    ),
    "one sample, one feature": Problem(n_features=1, batch_size=1, n_batches=1, n_epochs=3),
    "saturated": Problem(feature_scale=100.0, seed=1, n_epochs=3),
    "large": Problem(n_features=4, batch_size=5000, n_batches=2, last_batch_size=4000, n_epochs=2),
}
"""The last one is the one that needs a kernel per step."""

pytestmark = pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated")

LONG = ("small", "one sample, one feature")
"""Left to the long tests: each size is compiled."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if name in LONG else name for name in PROBLEMS]
)
def test_interpreted_on_a_cpu_every_step_agrees_with_the_oracle(name: str) -> None:
    problem = PROBLEMS[name]
    reference = reference_for(problem)
    loss_tolerance, parameter_tolerance = tolerances(problem)

    trained = train(Workload.of(jax_pallas, problem, "cpu"))

    assert (jax_pallas.layout_of(problem).n_tiles > jax_pallas.ALONE) == (name == "large")
    assert np.all(abs(trained.losses - reference.training.losses) < loss_tolerance / 4 + reference.ambiguity)
    for part in ("weight", "bias"):
        off = abs(getattr(trained, part) - getattr(reference.training, part))
        assert off.max() < parameter_tolerance / 4


@pytest.fixture
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the module take a CPU for a GPU: what it traces can be translated, but not run."""
    real = jax.devices
    monkeypatch.setattr(jax, "devices", lambda _: real("cpu"))


def h200() -> AbstractMesh:
    """A mesh of a GPU that is not there; JAX before 0.10 does not ask for its platform."""
    described: dict[str, Any] = {"device_kind": "NVIDIA H200", "num_cores": None, "platform": "gpu"}
    known = {field.name: described[field.name] for field in fields(AbstractDevice)}
    return AbstractMesh((1,), ("gpu",), abstract_device=AbstractDevice(**known))


@pytest.mark.usefixtures("as_on_a_gpu")
@pytest.mark.parametrize(("name", "n_kernels"), [("book", 1), ("ragged, wide, a stream", 1), ("large", 2)])
def test_it_is_translated_to_triton_for_a_gpu(name: str, n_kernels: int) -> None:
    problem = PROBLEMS[name]
    workload = Workload.of(jax_pallas, problem, "cuda")
    state = workload.start()
    train_epoch: Callable[..., Any] = state.train_epoch

    with use_abstract_mesh(h200()):
        traced = train_epoch.trace(*workload.batches(0), state.weight, state.bias, state.n_steps)  # type: ignore[attr-defined] # jitted
        text = traced.lower(lowering_platforms=("cuda",)).as_text()

    found = text.count("__gpu$xla.gpu.triton") + text.count("triton_kernel_call")
    assert found in {1, n_kernels}  # JAX 0.10 writes down once what several steps call


def test_on_a_cpu_it_is_not_timed_and_says_why() -> None:
    assert jax_pallas.unavailable("cpu") == (
        "Pallas kernels run on GPUs; on a CPU only the tests interpret them"
    )


def test_without_pallas_for_triton_it_says_which_jax_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax_pallas, "triton", None)

    assert str(jax_pallas.unavailable("cuda")).endswith("has no Triton backend any more; install jax 0.11")
