"""Where a run says that it was measured."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks import hosts
from benchmarks.errors import UsageError
from benchmarks.runner import system


def test_the_workers_get_the_last_of_the_allowed_cpus() -> None:
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system can't pin a process")
    allowed = sorted(os.sched_getaffinity(0))

    assert system.choose_cpus(1) == (allowed[-1],)
    with pytest.raises(
        UsageError, match=rf"--cores: expected at most the {len(allowed)} .* found {len(allowed) + 1}"
    ):
        system.choose_cpus(len(allowed) + 1)


@pytest.mark.parametrize(
    ("allowed", "cpus", "quota", "spare"),
    [
        ({0, 1, 2, 3}, (3,), None, (2,)),
        ({0, 1, 2, 3}, (2, 3), None, (0, 1)),
        ({0, 1, 2}, (1, 2), None, ()),
        ({0}, (0,), None, ()),
        ({0, 1}, (1,), 2.0, (0,)),
        ({0, 1}, (1,), 1.5, ()),
        ({0, 1}, (), None, ()),
        ({2, 3, 4, 5}, (3,), None, (2,)),
        ({3, 4, 5}, (3,), None, ()),
    ],
)
def test_a_worker_may_prepare_on_as_many_other_cpus_by_the_same_memory_if_their_time_is_allowed(
    allowed: set[int],
    cpus: tuple[int, ...],
    quota: float | None,
    spare: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: allowed, raising=False)
    monkeypatch.setattr(system, "cpu_quota", lambda: quota)
    monkeypatch.setattr(system, "_memory_near", lambda cpu: ("node0" if cpu < 4 else "node1",))

    assert system.spare_cpus(cpus) == spare


def test_where_the_system_can_not_pin_the_workers_are_not_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)

    assert system.choose_cpus(1) == ()
    assert system.collect_provenance(()).host.pinned_to == []


def test_the_provenance_names_host_versions_and_the_variables_that_steer_the_workers() -> None:
    provenance = system.collect_provenance((1,))
    found = asdict(provenance)

    assert json.loads(json.dumps(found)) == found
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$", found["date"])
    assert {"python", "torch", "jax", "jaxlib", "optax", "numpy"} == set(found["versions"])
    (host,) = found["hosts"]
    assert host["cpu"]
    assert host["worker_variables"]["OMP_NUM_THREADS"] == "1"
    assert "HOME" not in host["worker_variables"]


def test_the_processors_name_is_the_one_that_linux_says_or_else_the_one_that_py_cpuinfo_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cpuinfo.get_cpu_info", lambda: {"brand_raw": "Found"})
    monkeypatch.setattr(hosts, "CPUINFO", file := tmp_path / "cpuinfo")
    assert hosts.cpu_name() == "Found"

    file.write_text("processor\t: 0\nmodel\t\t: 1\nmodel name\t: Xeon @ 2.20GHz\nprocessor\t: 1\n")
    assert hosts.cpu_name() == "Xeon @ 2.20GHz"


def test_a_package_that_is_not_there_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "PACKAGES", ("no-such-package",))

    assert system.collect_provenance(()).versions["no-such-package"] == "not installed"


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert system.collect_provenance(()).commit is None


def test_a_machine_without_an_nvidia_driver_is_known_to_lack_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("benchmarks.runner.system.Path.exists", lambda _: False)

    assert system.unsupported_reason("cpu") is None
    assert "no NVIDIA GPU" in (system.unsupported_reason("cuda") or "")


def test_products_below_float32_are_for_gpus_and_a_cpu_is_known_to_lack_them() -> None:
    assert system.unsupported_reason("cpu", "float32") is None
    assert "TF32 is a format of NVIDIA's tensor cores" in (system.unsupported_reason("cpu", "tf32") or "")
    assert "bfloat16 is measured on GPUs only" in (system.unsupported_reason("cpu", "bfloat16") or "")


def test_where_the_driver_is_there_the_frameworks_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.runner.system.Path.exists", lambda _: True)

    assert system.unsupported_reason("cuda") is None


def test_only_variables_that_may_steer_a_framework_are_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NVIDIA_REQUIRE_CUDA", "brand=tesla,driver>=535")  # as NVIDIA's containers have it
    monkeypatch.setenv("TORCH_LOGS", "recompiles")

    variables = system.collect_provenance(()).host.worker_variables

    assert {"NVIDIA_TF32_OVERRIDE", "TORCH_LOGS", "JAX_DEFAULT_MATMUL_PRECISION"} <= {*variables}
    assert "NVIDIA_REQUIRE_CUDA" not in variables
