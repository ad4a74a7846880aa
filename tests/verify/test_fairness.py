"""Each fairness check fails for its own reason, and for no other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.verify.fairness import GPU_MEMORY, manifest
from benchmarks.verify.labels import of_labels
from benchmarks.worker.messages import Conservation, GpuReading, Inspection, Outcome, Timing, Trial
from benchmarks.worker.samples import summarize
from tests.conftest import SMALL
from tests.verify.test_agreement import measurement_of

if TYPE_CHECKING:
    from benchmarks.records.row import Check
    from impls.contract import Precision, Problem

EPOCH_BYTES = 4 * 32 * (2 + 1) * 4  # batches, samples, features and label, float32
GPU = GpuReading(sm_clock_mhz=1980, memory_clock_mhz=2619, throttled_by=[])
TRIAL = Trial(
    seed=8,
    n_epochs=12,
    cpu_s=2.2e-3,
    wall_s=2.2e-3,
    waited_s=0.0,
    export_s=20e-6,
    end=Outcome(losses=[0.1], weight=[0.2], bias=[0.3]),
)
CONSERVED = Conservation(
    data_seed=7,
    trials=(),
    marginal_cpu_s=100e-6,
    marginal_wall_s=100e-6,
    fixed_s=1e-3,
    place_s=10e-6,
    export_s=20e-6,
    copy_s=5e-6,
    others_share=0.0,
    quiet_s=100e-6,
    net_s=101e-6,
    calls_cpu_s=(100e-6, *[100e-6] * 12, 20e-6),
    is_fresh=True,
)
TIMING = Timing(
    summary=summarize([100e-6] * 10),
    conservation=CONSERVED,
    cpu_per_wall=1.0,
    n_compilations=0,
    children_cpu_s=0.0,
    n_processes=1,
    sampled_s=0.1,
    gpu=None,
)
INSPECTION = Inspection(
    n_graph_breaks=0,
    lowered_precision=[],
    gpu_memory=GPU_MEMORY,
    forward_error=3e-7,
    backward_error=3e-7,
    loss_error=3e-7,
    ordinary_error=3e-7,
    step_error=3e-7,
    n_readbacks=0,
    n_operations=40,
    n_graphs=0,
    framework_computes=True,
    losses_computed=True,
    reads_in_time=None,
    uploaded_bytes=0,
    n_graph_launches=None,
    n_kernel_launches=None,
    n_cache_files=1,
    n_host_arrays=0,
    placed_bytes=EPOCH_BYTES,
    in_place=True,
    peak_host_bytes=1_000_000,
    peak_device_bytes=None,
)
FAIR = replace(measurement_of(SMALL), timing=TIMING)
INSPECTED = replace(measurement_of(SMALL), inspection=INSPECTION)
TORCH = read_entry(IMPLEMENTATIONS / "torch_eager.py")
PRODUCTS = "precision of the two matrix products"
MEMORY = "GPU memory settings"


def items(
    problem: Problem = SMALL,
    *,
    n_cores: int = 1,
    wall_s: float | None = 1.0,
    timing: dict[str, Any] | None = None,
    inspection: dict[str, Any] | None = None,
    **changes: Any,
) -> list[Check]:
    """Make the manifest of a fair process, but for the changes."""
    measurement = measurement_of(problem)
    if timing is not None:
        measurement = replace(measurement, timing=replace(TIMING, **timing))
    if inspection is not None:
        measurement = replace(measurement, inspection=replace(INSPECTION, **inspection))
    measurement = replace(measurement, **changes)
    return manifest(TORCH, problem, measurement, n_cores=n_cores, wall_s=wall_s)


def faults(*args: Any, **changes: Any) -> list[str]:
    """Return the names of the checks that do not hold."""
    return [item.name for item in items(*args, **changes) if item.holds is False]


def test_a_fair_process_has_no_fault() -> None:
    assert faults(timing={}) == []
    assert faults(timing={"gpu": GPU}) == []
    assert faults(inspection={}) == []


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"timing": {"cpu_per_wall": 1.8}}, "CPU time over wall time"),
        ({"timing": {"n_compilations": 1}}, "compilations while timed"),
        ({"timing": {"children_cpu_s": 0.5}}, "CPU time of other programs started while timed"),
        ({"timing": {"gpu": replace(GPU, throttled_by=["HwSlowdown"])}}, "GPU clocks"),
        ({"inspection": {"n_graph_breaks": 1}}, "graph breaks"),
        ({"inspection": {"forward_error": 3e-4}}, PRODUCTS),
        ({"inspection": {"backward_error": float("nan")}}, PRODUCTS),
        ({"inspection": {"forward_error": None, "backward_error": None}}, PRODUCTS),
        ({"inspection": {"lowered_precision": ["TF32 is on"]}}, PRODUCTS),
        ({"inspection": {"gpu_memory": GPU_MEMORY | {"allocator": "platform"}}}, MEMORY),
        ({"inspection": {"gpu_memory": GPU_MEMORY | {"preallocation": "on"}}}, MEMORY),
        ({"inspection": {"n_readbacks": 4}}, "readbacks in an epoch"),
        ({"inspection": {"uploaded_bytes": 4}}, "bytes uploaded to the device in an epoch"),
        ({"inspection": {"n_cache_files": 0}}, "compiled code kept in the run's cache folder"),
        ({"inspection": {"n_host_arrays": 2}}, "batches in host memory when the epoch begins"),
        (
            {"dtypes": ["float32", "float64"]},
            "floating-point types of parameters, optimizer state, batches and losses",
        ),
        ({"other_frameworks": ["jax"]}, "other frameworks in the process"),
        ({"n_cpus_allowed": 2}, "CPUs that its threads may run on"),
        ({"other_cpus": [3]}, "CPUs that its threads may run on"),
        ({"replaced_clocks": ["perf_counter"]}, "clocks"),
        ({"n_missing": 5}, "values of the placed batches"),
        ({"n_foreign": 5}, "values of the placed batches"),
        ({"timing": {"n_processes": 2}}, "processes at the end of each training"),
        ({"timing": {"sampled_s": 3.0}, "wall_s": 2.0}, "time sampled, by the harness's clock"),
    ],
    ids=str,
)
def test_each_unfairness_makes_one_item_fail(changes: dict[str, Any], name: str) -> None:
    assert faults(**changes) == [name]


def test_a_fault_names_what_was_expected_and_what_was_found() -> None:
    (item,) = [item for item in items(timing={"cpu_per_wall": 1.8}) if item.holds is False]

    assert item.fault == "CPU time over wall time: expected at most 1 core, found 1.80 cores"


def test_a_framework_whose_memory_no_setting_changes_has_no_item_about_it() -> None:
    def about_memory(settings: dict[str, str] | None) -> list[bool | None]:
        found = items(inspection={"gpu_memory": settings})
        return [item.holds for item in found if item.name == MEMORY]

    assert [about_memory(GPU_MEMORY), about_memory(None)] == [[True], []]


def test_two_cores_may_be_used_where_two_were_allotted() -> None:
    assert faults(timing={"cpu_per_wall": 1.8}, n_cores=2) == []


def test_a_loss_read_at_every_step_is_what_that_readback_asks_for() -> None:
    every_step = replace(SMALL, readback="step")

    assert faults(every_step, inspection={"n_readbacks": 4}) == []
    assert faults(every_step, inspection={"n_readbacks": 8}) == ["readbacks in an epoch"]
    assert faults(every_step, inspection={"n_readbacks": 0}) == ["readbacks in an epoch"]


def test_a_batch_fed_from_the_host_may_be_uploaded_once() -> None:
    fed = replace(SMALL, feed="host")

    assert (
        faults(fed, inspection={"uploaded_bytes": EPOCH_BYTES, "n_host_arrays": 8, "placed_bytes": 0}) == []
    )
    assert faults(fed, inspection={"uploaded_bytes": EPOCH_BYTES + 1, "placed_bytes": 0}) == [
        "bytes uploaded to the device in an epoch"
    ]


@pytest.mark.parametrize(
    ("tier", "n_operations", "n_graphs", "fault"),
    [
        ("eager", 40, 0, []),
        ("eager", 1, None, ["tier"]),  # jax: the whole loop is one program
        ("eager", 40, 1, ["tier"]),
        ("step", 1, None, []),
        ("step", 0, 1, []),
        ("step", 42, None, ["tier"]),
        ("kernel", 1, 0, []),
        ("kernel", 42, None, ["tier"]),
        ("epoch", 0, 0, ["framework of the computation"]),
        ("epoch", None, None, []),
        ("floor", 40, 1, []),
    ],
)
def test_framework_and_tier_are_as_labelled(
    tier: str, n_operations: int | None, n_graphs: int | None, fault: list[str]
) -> None:
    seen = replace(INSPECTION, n_operations=n_operations, n_graphs=n_graphs)

    checks = of_labels(seen, replace(TORCH, tier=tier))

    assert [check.name for check in checks if check.holds is False] == fault


def test_a_batch_fed_from_the_host_is_not_on_the_device_beforehand() -> None:
    fed = replace(SMALL, feed="host")
    placed = {"uploaded_bytes": EPOCH_BYTES, "placed_bytes": EPOCH_BYTES}

    assert faults(fed, inspection=placed) == ["batches in host memory when the epoch begins"]
    assert faults(fed, inspection=placed | {"placed_bytes": None}) == []


@pytest.mark.parametrize(("precision", "roundoff"), [("tf32", 2**-11), ("bfloat16", 2**-8)])
def test_products_may_be_neither_coarser_nor_finer_than_the_problem_asks(
    precision: Precision, roundoff: float
) -> None:
    def fair(error: float) -> bool:
        errors = {"forward_error": 1.6 * roundoff, "backward_error": error, "lowered_precision": ["on"]}
        return faults(replace(SMALL, precision=precision), inspection=errors) == []

    assert fair(1.3 * roundoff)
    assert fair(2.3 * roundoff)
    assert not fair(1.1 * roundoff)
    assert not fair(2.5 * roundoff)
    assert not fair(3e-7)


def test_a_captured_graph_must_be_seen_to_be_launched() -> None:
    replaying = replace(TORCH, cuda_graph=True)

    def holds(n_launches: int | None, n_kernels: int | None) -> bool | None:
        seen = replace(INSPECTION, n_graph_launches=n_launches, n_kernel_launches=n_kernels)
        measurement = replace(INSPECTED, inspection=seen)
        found = manifest(replaying, SMALL, measurement, n_cores=1)
        return next(item.holds for item in found if "CUDA graph" in item.name)

    assert [holds(1, 0), holds(0, 40)] == [True, False]
    assert [holds(0, 0), holds(None, None)] == [None, None]  # a profiler that sees nothing proves nothing


def test_anything_not_observable_is_named_and_is_no_fault() -> None:
    unseen = items(inspection={"n_readbacks": None, "uploaded_bytes": None})

    assert [item.holds for item in unseen if item.found == "not observable"] == [None] * 3
