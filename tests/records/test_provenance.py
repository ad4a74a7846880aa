"""Where a run was measured: on one host or on several, described together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.records.caption import cores_per_case, machine
from benchmarks.records.machine import Hardware, Machine
from tests.helpers.records import HOST, row, run_of

OTHER = replace(
    HOST, machine="vm2", gpu="NVIDIA H200, 580.1", pinned_to=[2, 3], worker_variables={"NPROC": "2"}
)
RUN = run_of(row())
SEVERAL = replace(RUN, provenance=replace(RUN.provenance, hosts=[HOST, OTHER]))


def test_a_run_without_a_host_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least one host, found none"):
        replace(RUN.provenance, hosts=[])


def test_several_hosts_are_described_together_and_a_text_they_share_once() -> None:
    at = SEVERAL.provenance.host

    assert (at.machine, at.cpu, at.system, at.n_cpus) == ("vm, vm2", "A CPU", "Linux", 4)
    assert (at.gpu, at.pinned_to) == ("NVIDIA H200, 580.1", [1, 2, 3])
    assert at.worker_variables == {"NPROC": "unset, 2"}
    assert str(Machine.of(SEVERAL)) == "vm, vm2: A CPU (4 CPUs), NVIDIA H200"


def test_a_caption_describes_each_host_with_the_cpus_of_its_workers() -> None:
    assert machine(SEVERAL.provenance) == (
        "vm: A CPU (2 CPUs), Linux · pinned to CPU 1; "
        "vm2: A CPU (2 CPUs), NVIDIA H200, 580.1, Linux · pinned to CPU 2, 3"
    )
    assert machine(
        replace(RUN.provenance, hosts=[replace(HOST, pinned_to=[])])
    ) == "vm: A CPU (2 CPUs), Linux · not pinned"  # fmt: skip


def test_a_caption_describes_hosts_that_are_alike_once() -> None:
    hosts = [HOST, OTHER, replace(HOST, machine="vm3")]

    assert machine(replace(RUN.provenance, hosts=hosts)) == (
        "vm, vm3: A CPU (2 CPUs), Linux · pinned to CPU 1; "
        "vm2: A CPU (2 CPUs), NVIDIA H200, 580.1, Linux · pinned to CPU 2, 3"
    )


def test_a_quota_below_the_workers_cores_is_described_and_is_other_hardware() -> None:
    throttled, free = (
        replace(RUN, provenance=replace(RUN.provenance, hosts=[replace(HOST, cpu_quota=quota)]))
        for quota in (0.3, 4.0)
    )

    assert machine(throttled.provenance).endswith("pinned to CPU 1 · quota 0.3 of a CPU")
    assert str(Hardware.of(throttled)).endswith(", quota 0.3 of a CPU")
    assert Hardware.of(throttled) != Hardware.of(RUN) == Hardware.of(free)


def test_runs_on_one_and_on_several_hosts_are_on_other_hardware() -> None:
    assert Hardware.of(RUN) != Hardware.of(SEVERAL)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([1, 1], "1 core per case"), ([2], "2 cores per case"), ([2, 1], "1 or 2 cores per case")],
)
def test_the_cores_of_all_cases_are_named_once(numbers: list[int], text: str) -> None:
    assert cores_per_case(numbers) == text
