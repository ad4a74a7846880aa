"""On a GPU only: the kernels that were written without one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from benchmarks.cases.problems import NAMED
from benchmarks.cases.tolerances import tolerances
from benchmarks.verify.agreement import reference_for
from benchmarks.worker.training import Workload, train
from impls.contract import Problem

OF_THE_FLOOR = {
    "logits, from host memory": Problem(feed="host", loss="bce_with_logits"),
    "a cluster of 3": Problem(batch_size=2049, n_batches=2, n_epochs=2),
    "wide, a block": Problem(n_features=256, batch_size=20, n_batches=3, n_epochs=3),
    "wide, a cluster": Problem(n_features=256, batch_size=500, n_batches=3, n_epochs=3),
}
"""On these only the floor is tested: other kernels don't have these cases, or don't support them."""

PROBLEMS = {
    **NAMED,
    "ragged": Problem(batch_size=1000, n_batches=3, last_batch_size=7, n_epochs=3, data="stream"),
    "cluster": Problem(batch_size=16_000, n_batches=3, n_epochs=3),
    "saturated": Problem(feature_scale=100.0, seed=1),
    "narrow": Problem(n_features=3, batch_size=1, n_batches=2, n_epochs=3),
    "odd": Problem(n_features=257, batch_size=5000, n_batches=2, n_epochs=2),
}
NAMES = ("native_floor", "torch_triton", "jax_pallas")

pytestmark = pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (name, problem)
        for name in NAMES
        for problem in (*PROBLEMS, *(OF_THE_FLOOR if name == "native_floor" else ()))
    ],
)
def test_every_step_agrees_with_the_oracle_on_a_gpu(name: str, problem: str) -> None:
    implementation: Any = import_module(f"impls.{name}")
    if reason := implementation.unavailable("cuda"):
        pytest.skip(reason)
    asked = (PROBLEMS | OF_THE_FLOOR)[problem]
    reference = reference_for(asked)
    loss_tolerance, parameter_tolerance = tolerances(asked)

    trained = train(Workload.of(implementation, asked, "cuda"))

    assert np.all(abs(trained.losses - reference.training.losses) <= loss_tolerance + reference.ambiguity)
    for part in ("weight", "bias"):
        off = abs(getattr(trained, part) - getattr(reference.training, part))
        assert off.max() <= parameter_tolerance
