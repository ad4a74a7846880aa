"""The native floor's CUDA kernel: compiled if NVRTC is installed, and run on an emulated GPU."""

from __future__ import annotations

import ctypes
import importlib.util
import re
import shutil
import sys
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.cases.problems import NAMED
from benchmarks.cases.tolerances import tolerances
from benchmarks.verify.agreement import reference_for
from benchmarks.worker.training import Workload, train
from impls import _cuda, _native_cuda, native_floor
from impls._native_cuda import BLOCK, CLUSTER, GRID, plan_of
from impls.contract import Problem
from tests.impls import emulated_cuda

if TYPE_CHECKING:
    from pathlib import Path

H200 = _cuda.Gpu("sm_90", 132, 227 * 1024)
RAGGED = Problem(batch_size=150, n_batches=4, last_batch_size=33, n_epochs=3)
SATURATED = Problem(batch_size=100, n_batches=3, n_epochs=2, feature_scale=100.0, seed=1)


def _has_nvrtc() -> bool:
    try:
        _cuda.nvrtc()
    except OSError:
        return False
    return True


needs_nvrtc = pytest.mark.skipif(not _has_nvrtc(), reason="NVRTC is not installed: pip install '.[kernel]'")
emulated = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("g++"), reason="the emulation needs Linux and g++"
)


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the kernels that several tests share."""
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch, kernels: Path) -> pytest.MonkeyPatch:
    """Emulate a GPU with blocks of two warps, so that small batches need several."""
    emulated_cuda.install(monkeypatch, kernels)
    monkeypatch.setattr(_native_cuda, "MAX_THREADS", {1: 64, 32: 64})
    return monkeypatch


def _require_agreement(problem: Problem) -> None:
    reference = reference_for(problem)
    loss_tolerance, parameter_tolerance = tolerances(problem)

    trained = train(Workload.of(native_floor, problem, "cuda"))

    off = abs(trained.losses - reference.training.losses) - reference.ambiguity
    assert off.max() < loss_tolerance / 4
    for name in ("weight", "bias"):
        off = abs(getattr(trained, name) - getattr(reference.training, name))
        assert off.max() < parameter_tolerance / 4


@emulated
@pytest.mark.long
@pytest.mark.parametrize("name", ["book", "small"])
def test_the_named_problems_agree_with_the_oracle_on_an_emulated_gpu(
    name: str, monkeypatch: pytest.MonkeyPatch, kernels: Path
) -> None:
    emulated_cuda.install(monkeypatch, kernels)

    _require_agreement(NAMED[name])


@emulated
@pytest.mark.parametrize(
    ("n_features", "scope", "loss"),
    [
        (5, GRID, "bce_with_logits"),
        *(
            pytest.param(n_features, scope, loss, marks=pytest.mark.long)
            for n_features in (1, 2, 4, 5, 64, 256)
            for scope in (BLOCK, CLUSTER, GRID)
            for loss in ("bce", "bce_with_logits")
            if (n_features, scope, loss) != (5, GRID, "bce_with_logits")
        ),
    ],
)
def test_widths_agree_with_the_oracle_whether_a_block_a_cluster_or_a_grid_trains(
    n_features: int, scope: int, loss: Any, small_blocks: pytest.MonkeyPatch
) -> None:
    small_blocks.setattr(_native_cuda, "prepare", partial(_native_cuda.prepare, scope=scope))
    n_rows = 150 if n_features <= _native_cuda.NARROW else 9
    problem = Problem(
        n_features=n_features,
        batch_size=n_rows,
        n_batches=3,
        last_batch_size=n_rows // 2,
        n_epochs=2,
        loss=loss,
    )
    n_blocks = {BLOCK: 1, CLUSTER: -(-n_rows // (64 if n_rows > 9 else 2)), GRID: 3}[scope]

    assert plan_of(problem, _cuda.gpu(), scope).launch.n_blocks == n_blocks
    _require_agreement(problem)


@emulated
@pytest.mark.parametrize("scope", [BLOCK, CLUSTER, GRID])
@pytest.mark.parametrize("problem", [RAGGED, SATURATED], ids=["ragged", "saturated"])
def test_ragged_batches_and_saturated_features_agree_with_the_oracle(
    problem: Problem, scope: int, small_blocks: pytest.MonkeyPatch
) -> None:
    small_blocks.setattr(_native_cuda, "prepare", partial(_native_cuda.prepare, scope=scope))

    _require_agreement(problem)


@pytest.mark.parametrize(
    ("problem", "scope", "n_blocks", "n_threads"),
    [
        (NAMED["small"], BLOCK, 1, 32),
        (NAMED["book"], BLOCK, 1, 1000 + 24),
        (Problem(batch_size=16_000), CLUSTER, 16, 1024),
        (NAMED["large"], GRID, 98, 1024),
        (Problem(batch_size=1_000_000), GRID, 132, 1024),
        (NAMED["wide"], GRID, 63, 512),
        (Problem(n_features=4096), GRID, 125, 256),
    ],
    ids=str,
)
def test_the_batch_decides_whether_a_block_a_cluster_or_the_grid_trains(
    problem: Problem, scope: int, n_blocks: int, n_threads: int
) -> None:
    plan = plan_of(problem, H200)

    assert (plan.scope, plan.launch.n_blocks, plan.launch.n_threads) == (scope, n_blocks, n_threads)
    assert (plan.launch.is_cluster, plan.launch.is_cooperative) == (scope == CLUSTER, scope == GRID)
    assert plan.launch.shared_bytes <= H200.shared_bytes


def test_more_features_than_shared_memory_holds_are_refused_with_the_limit() -> None:
    assert plan_of(Problem(n_features=9683), H200).launch.shared_bytes <= H200.shared_bytes
    with pytest.raises(ValueError, match="expected at most 9,683 features, found 9,684"):
        plan_of(Problem(n_features=9684), H200)


def test_another_gpu_gets_the_clusters_that_any_gpu_allows_and_blocks_that_fit_its_memory() -> None:
    rtx = _cuda.Gpu("sm_120", 170, 99 * 1024)

    assert plan_of(Problem(batch_size=16_000), rtx).launch.n_blocks == 8
    assert plan_of(Problem(n_features=1024), rtx).launch.shared_bytes <= rtx.shared_bytes


@needs_nvrtc
@pytest.mark.parametrize("scope", [BLOCK, CLUSTER, GRID])
@pytest.mark.parametrize("n_features", [2, 256])
def test_the_kernel_compiles_for_sm_90_and_keeps_all_in_registers(n_features: int, scope: int) -> None:
    plan = plan_of(Problem(n_features=n_features), H200, scope)
    source = _native_cuda.SOURCE.read_text(encoding="utf-8")

    code, log = _cuda.compiled(source, (*plan.options, "--ptxas-options=-v"))

    assert code.startswith(b"\x7fELF")
    assert "0 bytes spill stores, 0 bytes spill loads" in log, log
    (registers,) = re.findall(r"Used (\d+) registers", log)
    lanes = 1 if n_features <= _native_cuda.NARROW else 32
    assert int(registers) <= 65536 // _native_cuda.MAX_THREADS[lanes]


@needs_nvrtc
def test_an_error_of_the_compiler_is_reported_in_its_words() -> None:
    with pytest.raises(_cuda.CudaError, match=r"(?s)NVRTC failed with -DA=1:.*nonsense"):
        _cuda.compiled("int f() { return nonsense; }", ["-DA=1"])


@needs_nvrtc
def test_compiled_code_is_kept_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    options = ("--gpu-architecture=sm_90",)
    source = 'extern "C" __global__ void f() {}'

    first = _native_cuda.cached(source, options)
    monkeypatch.setattr(_cuda, "compiled", None)

    assert _native_cuda.cached(source, options) == first
    assert len(list(tmp_path.glob("perceptron-bench/*"))) == 1


def test_without_a_driver_or_a_compiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        message = "libcuda.so.1: no such file"
        raise OSError(message)

    monkeypatch.setattr(_cuda, "gpu", missing)
    assert (
        native_floor.unavailable("cuda") == "no GPU of NVIDIA's with its driver (libcuda.so.1: no such file)"
    )

    monkeypatch.setattr(_cuda, "gpu", lambda: H200)
    monkeypatch.setattr(_cuda, "nvrtc", missing)
    assert str(native_floor.unavailable("cuda")).endswith("or this package's extra: pip install '.[kernel]'")

    monkeypatch.setattr(_cuda, "compiled", lambda *_: (b"", ""))
    assert native_floor.unavailable("cuda") is None
    monkeypatch.setattr(_cuda, "gpu", lambda: _cuda.Gpu("sm_80", 108, 0))
    assert native_floor.unavailable("cuda") == (
        "its kernel needs a GPU with clusters, sm_90 or later; this one is sm_80"
    )


def test_the_compilers_second_library_is_loaded_from_its_own_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paths = [tmp_path / "cu13" / "lib" / name for name in ("libnvrtc-builtins.so.13.0", "libnvrtc.so.13")]
    paths[0].parent.mkdir(parents=True)
    for path in paths:
        path.touch()
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: spec)
    loaded: list[str] = []
    monkeypatch.setattr(ctypes, "CDLL", loaded.append)

    _cuda.nvrtc.__wrapped__()

    assert loaded == [str(path) for path in paths]


class FakeDriver:
    """A driver that accepts every call and notes it."""

    def __init__(self, status: int = 0) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.status = status

    def __getattr__(self, name: str) -> Any:
        def function(*arguments: Any) -> int:
            if name == "cuGetErrorString":
                ctypes.cast(arguments[1], ctypes.POINTER(ctypes.c_char_p))[0] = b"out of luck"
                return 0
            self.calls.append((name, arguments))
            return self.status

        return function


def test_a_cluster_beyond_the_portable_size_is_allowed_and_launched_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeDriver()
    monkeypatch.setattr(_cuda, "driver", lambda: fake)
    plan = plan_of(Problem(batch_size=16_000), H200)

    kernel = _cuda.Kernel(b"", "run_epoch", plan.launch)
    kernel.run(1, 2)

    assert [name for name, _ in fake.calls] == [
        *("cuModuleLoadData", "cuModuleGetFunction", "cuFuncSetAttribute", "cuFuncSetAttribute"),
        *("cuLaunchKernelEx", "cuCtxSynchronize"),
    ]
    assert [arguments[1:] for name, arguments in fake.calls if name == "cuFuncSetAttribute"] == [
        (_cuda.DYNAMIC_SHARED_BYTES, plan.launch.shared_bytes),
        (_cuda.ANY_CLUSTER, 1),
    ]
    attribute = kernel.config.attributes[0]
    assert (attribute.id, list(attribute.value)[:3]) == (_cuda.CLUSTER_SIZE, [16, 1, 1])
    assert kernel.config.n_attributes == 1
    assert ctypes.sizeof(_cuda.Attribute) == 72


def test_a_grid_is_launched_cooperatively_and_a_block_without_attributes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_cuda, "driver", FakeDriver)

    grid = _cuda.Kernel(b"", "run_epoch", plan_of(NAMED["large"], H200).launch).config
    block = _cuda.Kernel(b"", "run_epoch", plan_of(NAMED["book"], H200).launch).config

    assert (grid.attributes[0].id, grid.attributes[0].value[0]) == (_cuda.COOPERATIVE, 1)
    assert (grid.n_attributes, block.n_attributes) == (1, 0)


def test_a_failed_launch_is_reported_in_the_drivers_words(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeDriver()
    monkeypatch.setattr(_cuda, "driver", lambda: fake)
    kernel = _cuda.Kernel(b"", "run_epoch", plan_of(NAMED["book"], H200).launch)
    fake.status = 719

    with pytest.raises(_cuda.CudaError, match="the kernel: out of luck"):
        kernel.run(1, 2)


def test_after_a_kernel_that_failed_memory_is_freed_without_another_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake = FakeDriver()
    monkeypatch.setattr(_cuda, "driver", lambda: fake)
    memory = _cuda.Memory(np.zeros(1))
    fake.status = 719

    del memory  # pytest fails the test at an error here

    assert fake.calls[-1][0] == "cuMemFree_v2"
