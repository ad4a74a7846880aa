"""The compiled PyTorch implementations: one compilation for all trainings, and clear remedies."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import torch

from benchmarks.cases.tolerances import LOSS_TOLERANCE, PARAMETER_TOLERANCE
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.verify.agreement import reference_for
from benchmarks.worker.training import Workload, train
from impls import torch_cudagraph_compiled, torch_epoch, torch_step
from impls.contract import Problem
from tests.impls.test_implementations import FEW, TAIL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

# Inductor, when it is first imported, uses deprecated parts of PyTorch.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")

COMPILED = [torch_step, torch_epoch]

TINY = Problem(n_features=3, batch_size=8, n_batches=3, last_batch_size=5, n_epochs=3, data="stream")
"""Every epoch has other batches, the last of each is ragged."""

PROBLEMS = {
    **{name: problem for name, problem in FEW.items() if problem.precision == "float32"},
    "the loss on logits, fed from the host": replace(TAIL, loss="bce_with_logits", feed="host"),
}

every_compiled = pytest.mark.parametrize("module", COMPILED, ids=lambda module: module.__name__)


def n_compiled_graphs() -> int:
    return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])  # noqa: SLF001 - where they are counted


def load_again(module: ModuleType) -> Any:
    """Import a module again, next to the loaded one."""
    name = module.__name__.rpartition(".")[2]
    spec = importlib.util.spec_from_file_location(module.__name__, IMPLEMENTATIONS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    again = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(again)
    return again


@pytest.fixture
def traced(module: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Load an implementation again; its graphs are traced as ever, but Inductor does not compile them."""
    traced_only = partial(torch.compile, backend="eager", fullgraph=True, dynamic=False)
    monkeypatch.setattr(torch, "compile", lambda **_: traced_only)
    config = importlib.import_module("torch._dynamo").config
    with config.patch(recompile_limit=2):  # instead of 8, until the file raises it
        yield load_again(module)


@every_compiled
def test_one_compiled_call_serves_every_training_and_every_epoch(traced: Any) -> None:
    first = train(Workload.of(traced, TINY))
    before = n_compiled_graphs()

    again = train(Workload.of(traced, TINY))
    other_start = train(Workload.of(traced, replace(TINY, seed=1)))

    assert n_compiled_graphs() == before
    assert again.losses.tolist() == first.losses.tolist()
    assert other_start.losses.tolist() != first.losses.tolist()


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
@every_compiled
def test_every_step_agrees_with_the_reference_before_it_is_compiled(traced: Any, problem: Problem) -> None:
    trained = train(Workload.of(traced, problem))

    expected = reference_for(problem).training
    assert abs(trained.losses - expected.losses).max() < LOSS_TOLERANCE
    assert abs(trained.weight - expected.weight).max() < PARAMETER_TOLERANCE
    assert abs(trained.bias - expected.bias) < PARAMETER_TOLERANCE


@every_compiled
def test_one_process_runs_more_sizes_than_dynamo_would_compile_a_function_for(traced: Any) -> None:
    before = n_compiled_graphs()

    for n_features in range(1, 5):
        train(Workload.of(traced, Problem(n_features=n_features, batch_size=8, n_batches=2, n_epochs=1)))

    assert n_compiled_graphs() == before + 4


@every_compiled
def test_without_a_compiler_it_is_unavailable_and_names_the_remedy(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")

    reason = module.unavailable("cpu")

    assert reason == (
        "torch.compile needs a C++ compiler, and found no no-such-compiler; install one or set CXX"
    )


@pytest.mark.parametrize("module", [*COMPILED, torch_cudagraph_compiled], ids=lambda module: module.__name__)
def test_without_triton_a_compiled_loop_is_unavailable_on_cuda_and_names_the_remedy(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(module, "find_spec", lambda _: None)

    assert module.unavailable("cuda") == "torch.compile needs Triton on CUDA, and finds none; install triton"


def test_where_inductor_can_not_wrap_a_loop_the_epoch_is_unavailable_on_the_cpu_and_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch_epoch, "WRAPS_LOOPS", False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch_epoch, "find_spec", lambda _: object())

    assert "install torch 2.13 or later" in str(torch_epoch.unavailable("cpu"))
    assert torch_epoch.unavailable("cuda") is None


@pytest.mark.parametrize(
    ("version", "wraps"),
    [("2.11.0+cu130", False), ("2.13.0a0+git", True), ("2.13.0+cpu", True), ("3.0.0", True)],
)
def test_the_version_says_whether_inductor_can_wrap_a_loop(
    version: str, wraps: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "__version__", version)

    assert load_again(torch_epoch).WRAPS_LOOPS is wraps


def test_without_the_private_scan_the_epoch_is_unavailable_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch._higher_order_ops.scan", None)

    reason = load_again(torch_epoch).unavailable("cpu")

    assert reason is not None
    assert f"torch {torch.__version__} has no scan operator" in reason


def test_inductor_makes_a_sum_of_a_matrix_vector_product_so_that_no_setting_reaches_it() -> None:
    decompositions = importlib.import_module("torch._inductor.decomposition").select_decomp_table()

    assert torch.ops.aten.mv.default in decompositions
    assert not any("precision=" in each for module in COMPILED for each in module.SUPPORTS)
