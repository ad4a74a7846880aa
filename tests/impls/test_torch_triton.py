"""The Triton kernels: interpreted on a CPU, and compiled for a GPU without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
import torch

from benchmarks.cases.problems import NAMED
from benchmarks.cases.tolerances import tolerances
from benchmarks.paths import CODE
from impls import torch_triton
from impls.contract import Problem

if TYPE_CHECKING:
    from pathlib import Path

PROBLEMS = [
    NAMED["book"],
    Problem(n_features=257, batch_size=16, n_batches=3, last_batch_size=1, n_epochs=2, data="stream"),
    Problem(n_features=1, batch_size=1, n_batches=1, n_epochs=3),
    Problem(feature_scale=100.0, seed=1, n_epochs=3),
    Problem(n_features=257, batch_size=70, n_batches=3, last_batch_size=33, n_epochs=1),
]
"""The last one is the one that needs two kernels per step."""

SIZES = ("n_batches", "batch_size", "last_batch_size", "size")
"""Arguments that Triton compiles as constants where they are 1."""

needs_triton = pytest.mark.skipif(
    not find_spec("triton"), reason="Triton is not installed: pip install '.[kernel]'"
)


def _require_agreement(problems: list[Problem]) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.impls.interpreted_triton",
        json.dumps(list(map(asdict, problems))),
    ]
    done = subprocess.run(  # noqa: S603 - our own module
        command,
        cwd=CODE,
        env=os.environ | {"TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if "only 0-dimensional arrays can be converted to Python scalars" in done.stderr:
        pytest.skip(f"the interpreter of Triton {version('triton')} needs a NumPy before {version('numpy')}")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(problems)
    for problem, (loss, *parameters) in zip(problems, found, strict=True):
        loss_tolerance, parameter_tolerance = tolerances(problem)
        assert loss < loss_tolerance / 4, problem
        assert max(parameters) < parameter_tolerance / 4, problem


@needs_triton
def test_interpreted_on_a_cpu_every_step_agrees_with_the_oracle() -> None:
    assert [torch_triton.Sizes.of(each).n_tiles > torch_triton.ALONE for each in PROBLEMS] == [
        *[False] * 4, True
    ]  # fmt: skip

    _require_agreement(PROBLEMS)


@needs_triton
@pytest.mark.long
def test_interpreted_on_a_cpu_many_short_steps_agree_with_the_oracle() -> None:
    _require_agreement([NAMED["small"]])


@needs_triton
@pytest.mark.parametrize("kernel", ["train_epoch", "sum_tiles", "update"])
@pytest.mark.parametrize(("n_features", "ones"), [(2, ()), (2, SIZES), (256, ())])
def test_each_kernel_compiles_for_sm_90(
    kernel: str, n_features: int, ones: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import triton  # noqa: PLC0415 - an optional package
    from triton.backends.compiler import GPUTarget  # noqa: PLC0415 - likewise
    from triton.compiler import ASTSource  # noqa: PLC0415 - likewise

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TRITON_DEFAULT_FP_FUSION", "1")  # else Triton 3.9 warns that 3.10 has another default
    sizes = torch_triton.Sizes.of(Problem(n_features=n_features))
    constants = {name: getattr(sizes, name) for name in ("n_features", "width", "n_rows")}
    constants |= dict.fromkeys(ones, 1)
    function: Any = getattr(torch_triton, kernel)
    types = {"learning_rate": "fp32", "n_steps": "*i32"} | dict.fromkeys(
        ("x", "y", "parameters", "sums", "losses"), "*fp32"
    )
    signature = {
        name: "constexpr" if name in constants else types.get(name, "i32") for name in function.arg_names
    }
    constants = {name: value for name, value in constants.items() if name in function.arg_names}

    compiled = triton.compile(ASTSource(function, signature, constants), target=GPUTarget("cuda", 90, 32))

    assert ".target sm_90" in compiled.asm["ptx"]
    assert compiled.asm["cubin"].startswith(b"\x7fELF")
    overwrites_what_it_loads = kernel != "sum_tiles"
    assert ("barrier" in compiled.asm["ttir"]) == overwrites_what_it_loads


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_triton_or_a_gpu_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert torch_triton.unavailable("cpu") == (
        "Triton kernels run on GPUs; on a CPU only the tests interpret them"
    )
    monkeypatch.setattr(torch_triton, "triton", None)
    assert "install triton" in str(torch_triton.unavailable("cuda"))
    monkeypatch.setattr(torch_triton, "triton", object())
    assert torch_triton.unavailable("cuda") == f"torch {torch.__version__} finds no CUDA device"
