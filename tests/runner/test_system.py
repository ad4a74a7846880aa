"""What a run says of where it was measured."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases import code_digest
from benchmarks.errors import UsageError
from benchmarks.paths import ROOT
from benchmarks.records import provenance
from benchmarks.runner import system

if TYPE_CHECKING:
    from pathlib import Path


def test_the_workers_get_the_last_of_the_allowed_cpus() -> None:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system can't pin a process")
    allowed = sorted(os.sched_getaffinity(0))

    assert system.choose_cpus(1) == (allowed[-1],)
    with pytest.raises(
        UsageError, match=rf"--cores: expected at most the {len(allowed)} .* found {len(allowed) + 1}"
    ):
        system.choose_cpus(len(allowed) + 1)


def test_where_the_system_can_not_pin_the_workers_run_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)

    assert system.choose_cpus(1) == ()
    assert system.collect_provenance(()).pinned_to == []


def test_the_provenance_names_machine_versions_and_what_steers_the_workers() -> None:
    provenance = system.collect_provenance((1,))
    found = asdict(provenance)

    assert json.loads(json.dumps(found)) == found
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$", found["date"])
    assert {"python", "torch", "jax", "jaxlib", "optax", "numpy"} == set(found["versions"])
    assert found["cpu"]
    assert found["worker_variables"]["OMP_NUM_THREADS"] == "1"
    assert "HOME" not in found["worker_variables"]


def test_a_package_that_is_not_there_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "PACKAGES", ("no-such-package",))

    assert system.collect_provenance(()).versions["no-such-package"] == "not installed"


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert system.collect_provenance(()).commit is None


def test_the_digest_of_the_timed_code_covers_every_file_of_the_harness_that_a_worker_loads() -> None:
    observers = [file.stem for file in (ROOT / "benchmarks").glob("observe_*.py")]
    command = f"import sys, benchmarks.worker, {', '.join(f'benchmarks.{name}' for name in observers)}"
    command += "; print(*(name for name in sys.modules if name.startswith('benchmarks.')))"
    loaded = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert len(loaded) > len(observers) > 1
    assert {f"{name.replace('.', '/')}.py" for name in loaded} <= set(code_digest.TIMING_CODE)
    assert all((ROOT / name).is_file() for name in code_digest.TIMING_CODE)


def test_the_digest_of_the_timed_code_is_of_the_file_and_its_c_file_and_of_no_other(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("a = 1\n")

    def after(file: str, text: str) -> str:
        (tmp_path / file).write_text(text)
        return code_digest.timed_code_digest(path)

    first = code_digest.timed_code_digest(path)
    assert after("README.md", "words") == first
    assert after("another.py", "b = 1\n") == first
    assert after("own.c", "int a;\n") != first
    assert after("own.py", "a = 2\n") not in (first, code_digest.timed_code_digest(tmp_path / "another.py"))


def test_a_machine_without_an_nvidia_driver_is_known_to_lack_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("benchmarks.runner.system.Path.exists", lambda _: False)

    assert system.lacks("cpu") is None
    assert "no NVIDIA GPU" in (system.lacks("cuda") or "")


def test_products_below_float32_are_for_gpus_and_a_cpu_is_known_to_lack_them() -> None:
    assert system.lacks("cpu", "float32") is None
    assert "TF32 is a format of NVIDIA's tensor cores" in (system.lacks("cpu", "tf32") or "")
    assert "bfloat16 is measured on GPUs only" in (system.lacks("cpu", "bfloat16") or "")


def test_where_the_driver_is_there_the_frameworks_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.runner.system.Path.exists", lambda _: True)

    assert system.lacks("cuda") is None


def test_of_the_variables_those_are_recorded_that_may_steer_a_framework(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NVIDIA_REQUIRE_CUDA", "brand=tesla,driver>=535")  # as NVIDIA's containers have it
    monkeypatch.setenv("TORCH_LOGS", "recompiles")

    variables = system.collect_provenance(()).worker_variables

    assert {"NVIDIA_TF32_OVERRIDE", "TORCH_LOGS", "JAX_DEFAULT_MATMUL_PRECISION"} <= {*variables}
    assert "NVIDIA_REQUIRE_CUDA" not in variables
