"""Two of torchrun's agents on loopback, as on two hosts, train as one agent does with two ranks."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import select
from benchmarks.runner.answers import by_rank
from benchmarks.runner.gang import LAUNCHER
from benchmarks.runner.launch import RANKS_VARIABLES, WORKER, launch
from benchmarks.runner.system import choose_cpus
from benchmarks.worker.env_vars import worker_environment
from benchmarks.worker.messages import Job, Measurement, Runtime, message_from_json
from impls.contract import Problem
from tests.helpers.ranks import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

N_HOSTS = 2
FILES = {entry.name: entry for entry in select(()) if entry.spans_ranks}

pytestmark = [pytest.mark.usefixtures("every_cpu"), pytest.mark.long]


def job_of(name: str, caches: Path) -> Job:
    return Job(
        path=str(FILES[name].path),
        framework=FILES[name].framework,
        devices=("cpu",),
        problems=(Problem(batch_size=64),),
        n_ranks=N_HOSTS,
        cpus=choose_cpus(1, N_HOSTS),
        sample_s=0.001,
        n_unseen=0,
        runtime=Runtime(variables=(("TORCHDYNAMO_DISABLE", "1"),)),  # to compile the steps takes minutes
        worker_timeout_s=300,
        caches=str(caches),
    )


def on_two_hosts(job: Job, folder: Path) -> list[Measurement]:
    """Start an agent for each host, with one rank; return what each rank measured."""
    folder.mkdir()
    (folder / "job").write_text(job.to_json(), encoding="utf-8")
    meeting = [f"--nnodes={N_HOSTS}", "--nproc-per-node=1", "--master-addr=localhost"]
    agent = [sys.executable, "-P", "-m", LAUNCHER, *meeting, f"--master-port={free_port()}"]
    worker = ["-m", WORKER, str(folder / "job"), str(folder / "results"), "0"]
    variables = worker_environment(n_cores=1, caches=job.caches, cpu_only=True) | RANKS_VARIABLES
    variables |= dict(job.runtime.variables)
    commands = [[*agent, f"--node-rank={host}", *worker] for host in range(N_HOSTS)]
    agents = [subprocess.Popen(command, env=variables) for command in commands]  # noqa: S603 - PyTorch's
    try:
        assert [each.wait(timeout=300) for each in agents] == [0, 0]
    finally:
        for each in agents:
            each.kill()
            each.wait()
    return [measured(file.read_text(encoding="utf-8")) for file in by_rank(folder / "results", N_HOSTS)]


def measured(answers: str) -> Measurement:
    _, message = map(message_from_json, answers.splitlines())
    assert isinstance(message, Measurement), message
    return message


def without_observations(ranks: Sequence[Measurement]) -> list[object]:
    return [(each.data_digest, each.lowest, each.highest) for each in ranks]


@pytest.mark.parametrize("name", FILES)
def test_two_agents_give_the_losses_of_one_bit_by_bit(name: str, caches: Path, tmp_path: Path) -> None:
    job = job_of(name, caches)

    report = launch(job, tmp_path, "one-agent")
    ranks = on_two_hosts(job, tmp_path / "two-agents")

    assert report.error is None, report.log
    (answer,) = report.results
    assert isinstance(answer, tuple)
    assert without_observations(ranks) == without_observations(answer)
