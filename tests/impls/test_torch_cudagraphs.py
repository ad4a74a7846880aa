"""PyTorch's captured CUDA graphs: trainings share them, and none leaves a trace in another."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch

from benchmarks.worker.training import Workload, train
from impls import (
    torch_cudagraph_compiled,
    torch_cudagraph_epoch,
    torch_cudagraph_step,
    torch_cudagraph_step_compiled,
    torch_eager,
)
from tests.impls.test_torch_implementations import TINY

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from impls.contract import Device

STEPS = [torch_cudagraph_step, torch_cudagraph_step_compiled]
EPOCHS = [torch_cudagraph_epoch, torch_cudagraph_compiled]
GRAPHED = STEPS + EPOCHS

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no CUDA device here")
devices = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_cuda)])
every_graphed = pytest.mark.parametrize("module", GRAPHED, ids=lambda module: module.__name__)

pytestmark = [
    # Inductor, when it is first imported, uses deprecated parts of PyTorch.
    pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This instance was constructed with capturable=True"),
]


@every_graphed
def test_cuda_graphs_decline_the_cpu(module: Any) -> None:
    assert module.unavailable("cpu") == "CUDA graphs run on CUDA devices only"


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], list[int]]:
    """On the CPU, let a "graph" repeat its work on its addresses; count the captures."""

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
    """Run an epoch of each training, then export each, and so on; return the losses of each."""
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
def test_graphs_serve_alternating_trainings_with_other_batches_each_epoch(
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


@pytest.mark.parametrize("module", EPOCHS, ids=lambda module: module.__name__)
@devices
def test_a_graphed_epoch_reads_each_data_set_on_the_device_in_place(
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
