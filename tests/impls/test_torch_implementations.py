"""What the PyTorch implementations promise beyond computing what the reference computes."""

from __future__ import annotations

import importlib.util
import sys
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch

from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.worker.training import Workload, train
from impls import (
    torch_cudagraph_compiled,
    torch_cudagraph_epoch,
    torch_cudagraph_step,
    torch_eager,
    torch_epoch,
    torch_step,
)
from impls.contract import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from torch import Tensor

    from impls.contract import Device

# Inductor, when it is first imported, meets deprecations of PyTorch's own.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning")

COMPILED = [torch_step, torch_epoch]
GRAPHED = [torch_cudagraph_step, torch_cudagraph_epoch, torch_cudagraph_compiled]

TINY = Problem(n_features=3, batch_size=8, n_batches=3, last_batch_size=5, n_epochs=3, data="stream")
"""Every epoch has other batches, the last of each is ragged."""

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device here")
devices = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])

every_compiled = pytest.mark.parametrize("module", COMPILED, ids=lambda module: module.__name__)
every_graphed = pytest.mark.parametrize("module", GRAPHED, ids=lambda module: module.__name__)


def n_compiled_graphs() -> int:
    return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])  # noqa: SLF001 - where they are counted


def load_again(module: ModuleType) -> Any:
    """Import a module anew, beside the one that is there."""
    name = module.__name__.rpartition(".")[2]
    spec = importlib.util.spec_from_file_location(module.__name__, IMPLEMENTATIONS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    again = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(again)
    return again


@every_compiled
def test_one_compiled_call_serves_every_training_and_every_epoch(module: Any) -> None:
    if reason := module.unavailable("cpu"):
        pytest.skip(reason)
    first = train(Workload.of(module, TINY))
    before = n_compiled_graphs()

    again = train(Workload.of(module, TINY))
    other_start = train(Workload.of(module, replace(TINY, seed=1)))

    assert n_compiled_graphs() == before
    assert again.losses.tolist() == first.losses.tolist()
    assert other_start.losses.tolist() != first.losses.tolist()


@every_compiled
def test_one_process_runs_more_sizes_than_dynamo_would_compile_a_function_for(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_fast = partial(torch.compile, backend="eager", fullgraph=True, dynamic=False)
    monkeypatch.setattr(torch, "compile", lambda **_: compile_fast)
    anew = load_again(module)
    before = n_compiled_graphs()

    for n_features in range(1, 11):
        train(Workload.of(anew, Problem(n_features=n_features, batch_size=8, n_batches=2, n_epochs=2)))

    assert n_compiled_graphs() == before + 10


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
def test_without_triton_what_is_compiled_is_unavailable_on_cuda_and_names_the_remedy(
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


@every_graphed
def test_cuda_graphs_decline_the_cpu(module: Any) -> None:
    assert module.unavailable("cpu") == "CUDA graphs run on CUDA devices only"


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], list[int]]:
    """On the CPU, let a "graph" repeat its work on the addresses that it got. Counts the captures."""

    def install(module: Any, device: str) -> list[int]:
        captures: list[int] = []
        real = module.capture

        def capture(work: Callable[[], Tensor]) -> Any:
            captures.append(1)
            if device == "cuda":
                return real(work)
            result = work()  # trains, as a warm-up does
            return MagicMock(replay=lambda: result.copy_(work())), result

        monkeypatch.setattr(module, "capture", capture)
        if device == "cpu":
            monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
            monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
            traced_only = partial(torch.compile, backend="eager", fullgraph=True, dynamic=False)
            monkeypatch.setattr(torch, "compile", lambda **_: traced_only)
        for make in {"make_trainer", "make_train_step"} & {*vars(module)}:
            getattr(module, make).cache_clear()
        return captures

    return install


def interleave(workloads: list[Workload]) -> list[list[float]]:
    """Run an epoch of each training, then export each, and so on; give the losses of each."""
    states = [workload.start() for workload in workloads]
    losses: list[list[float]] = [[] for _ in workloads]
    for epoch in range(workloads[0].problem.n_epochs):
        for index, workload in enumerate(workloads):
            states[index] = workload.implementation.run_epoch(states[index], workload.batches(epoch))
        for index, workload in enumerate(workloads):
            losses[index] += workload.implementation.export(states[index]).losses.tolist()
    return losses


@every_graphed
@devices
@pytest.mark.filterwarnings("ignore:This instance was constructed with capturable=True")
def test_graphs_serve_trainings_in_turns_with_other_batches_each_epoch(
    module: Any, device: Device, stand_in: Callable[[Any, str], list[int]]
) -> None:
    captures = stand_in(module, device)
    from_host = replace(TINY, data="dataset", feed="host", last_batch_size=None)
    problems = [TINY, replace(TINY, seed=1), from_host, replace(from_host, seed=1)]

    losses = interleave([Workload.of(module, problem, device) for problem in problems])

    expected = interleave([Workload.of(torch_eager, problem, device) for problem in problems])
    for found, wanted in zip_longest(losses, expected):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)
    assert len(captures) == 2  # of a full and a ragged step; of an epoch with and without a ragged one


@pytest.mark.parametrize("module", GRAPHED[1:], ids=lambda module: module.__name__)
@devices
@pytest.mark.filterwarnings("ignore:This instance was constructed with capturable=True")
def test_a_graphed_epoch_reads_each_data_set_on_the_device_where_it_lies(
    module: Any, device: Device, stand_in: Callable[[Any, str], list[int]]
) -> None:
    captures = stand_in(module, device)
    problems = [replace(TINY, data="dataset", seed=seed) for seed in (0, 1)]
    workloads = [Workload.of(module, problem, device) for problem in problems]

    losses = interleave(workloads)

    expected = interleave([Workload.of(torch_eager, problem, device) for problem in problems])
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-6)
    assert len(captures) == 2
    read = workloads[0].start().trainer.on_data_sets.values()
    assert [[*map(id, epoch.stacks)] for epoch in read] == [[*map(id, each.placed[0])] for each in workloads]


@every_graphed
@devices
@pytest.mark.filterwarnings("ignore:This instance was constructed with capturable=True")
def test_the_warm_up_before_a_capture_leaves_no_trace_in_the_parameters(
    module: Any, device: Device, stand_in: Callable[[Any, str], list[int]]
) -> None:
    stand_in(module, device)
    problem = replace(TINY, n_epochs=1)

    captured_here = train(Workload.of(module, problem, device))
    captured_before = train(Workload.of(module, problem, device))

    np.testing.assert_allclose(captured_here.weight, captured_before.weight, rtol=0, atol=1e-7)
    np.testing.assert_allclose(captured_here.bias, captured_before.bias, rtol=0, atol=1e-7)


@every_graphed
def test_a_step_that_was_run_instead_of_captured_is_refused(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Stream", "current_stream", "CUDAGraph"):
        monkeypatch.setattr(torch.cuda, name, MagicMock())
    for name in ("stream", "graph"):
        monkeypatch.setattr(torch.cuda, name, nullcontext)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)

    with pytest.raises(RuntimeError, match="expected the stream to record a CUDA graph"):
        module.capture(lambda: torch.zeros(()))


def test_inductor_makes_a_sum_of_a_matrix_vector_product_so_that_no_setting_reaches_it() -> None:
    decompositions = importlib.import_module("torch._inductor.decomposition").select_decomp_table()

    assert torch.ops.aten.mv.default in decompositions
    assert not any("precision=" in offer for module in COMPILED for offer in module.SUPPORTS)
