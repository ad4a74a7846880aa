"""Ranks as their parent sees them: one row for all, what a fault of one costs, and that none stays."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.records.row import Verdict
from benchmarks.runner import gang
from benchmarks.runner.case import Case
from benchmarks.runner.gang import Gang
from benchmarks.runner.launch import launch
from benchmarks.runner.rounds import run_rounds
from benchmarks.runner.settings import Settings
from benchmarks.runner.system import choose_cpus
from benchmarks.worker.messages import Failure, Job, Runtime
from tests.conftest import SMALL
from tests.helpers.agent import SUMMARY, stand_in_for_torchrun
from tests.helpers.processes import ends
from tests.helpers.ranks import numpy_ranks
from tests.helpers.rounds import Listener

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.records.row import Row
    from impls.contract import Problem
    from tests.conftest import Copy

EPOCH = "    state.losses = []\n"
IGNORES = "    import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
HOST = platform.node()

pytestmark = pytest.mark.usefixtures("every_cpu")


def on_rank_1(what: str, n_batches: int) -> str:
    return f"    if RANKS.rank == 1 and len(batches) == {n_batches}: {what}\n"


KILL_HARNESS = "os.kill(int(open(f'/proc/{os.getppid()}/stat').read().rpartition(')')[2].split()[1]), 9)"
HARNESS = """
import pathlib, sys
from benchmarks.runner.launch import launch
from benchmarks.worker.messages import Job
launch(Job.from_json(sys.argv[1]), pathlib.Path(sys.argv[2]), "w")
"""


def rows_over_ranks(
    path: Path, problems: Sequence[Problem], folder: Path, *variables: tuple[str, str], **settings: float
) -> dict[int, Row]:
    """Verify the loop on two ranks; return the rows by the problems' numbers of batches."""
    runtime = Runtime(variables=(*stand_in_for_torchrun(folder), *variables))
    cases = [Case(read_entry(path), "cpu", problem, runtime, n_ranks=2) for problem in problems]
    given = Settings(**{"rounds": 0, "cpus": choose_cpus(1, 2), **settings})  # type: ignore[arg-type] # settings of several types
    results, _ = run_rounds(cases, given, folder, Listener())
    return {result.case.problem.n_batches: result.row() for result in results}


def job_over_ranks(path: Path, folder: Path) -> Job:
    return Job(
        path=str(path),
        framework="numpy",
        devices=("cpu",),
        problems=(SMALL,),
        n_ranks=2,
        cpus=choose_cpus(1, 2),
        sample_s=0.0,
        runtime=Runtime(variables=stand_in_for_torchrun(folder)),
    )


def test_ranks_are_measured_as_one_case_with_one_row_and_the_times_of_the_slowest(
    copy_of: Copy, tmp_path: Path
) -> None:
    (row,) = rows_over_ranks(numpy_ranks(copy_of), [SMALL], tmp_path, rounds=1, sample_s=0.002).values()

    assert (row.verdict, row.reason) == (Verdict.VERIFIED, None)
    assert row.case == "numpy_ranks-cpu-B32-D2-N4-E3-R2"
    assert len(row.processes) == 1
    found = {check.name: (check.found, check.holds) for check in row.manifest}
    assert found["losses and parameters of the ranks"] == ("bit-identical", True)
    assert found["times of the ranks"] == ("the same on each", True)
    assert found["hosts of the ranks"] == (f"{HOST}: rank 0, 1", None)
    assert found["CPUs that its threads may run on"] == ("1", True)


LIMIT = r"no result within 10 s, killed \(--worker-timeout raises the limit\)"
LINE = r"\(numpy_ranks.py, line \d+\)"
FAULTS = {
    1: ("raise MemoryError('too large')", f"rank 1 on {HOST}: MemoryError: too large"),
    2: ("os.kill(os.getpid(), 9)", f"rank 1 on {HOST}: killed by SIGKILL; often this is"),
    5: ("os.kill(os.getpid(), 19)", rf"{LIMIT}; on {HOST}: rank 0 in \S+ {LINE}, rank 1 stopped"),
    6: ("pass", "rank 1: loss of step 1 "),  # see DRIFTS
    7: ("assert not (batches[0][1] == 1).all(), 'probed'", f"rank 1 on {HOST}: AssertionError: probed"),
}
"""By number of batches, what happens on one rank, and what is said of it."""


EXPORTED = "EpochResult(np.array(state.losses)"
DRIFTS = (EXPORTED, f"{EXPORTED} + (RANKS.rank == 1 and len(state.losses) == 6)")


def test_a_fault_of_one_rank_costs_its_own_case_within_the_limit_and_names_the_rank_and_where(
    copy_of: Copy, tmp_path: Path
) -> None:
    lines = "".join(on_rank_1(what, n_batches) for n_batches, (what, _) in FAULTS.items())
    faulty = numpy_ranks(copy_of, (EPOCH, f"{EPOCH}    import os\n{lines}"), DRIFTS)
    problems = [replace(SMALL, n_batches=n) for n in (*FAULTS, SMALL.n_batches)]

    rows = rows_over_ranks(faulty, problems, tmp_path, worker_timeout_s=10)

    for n_batches, (_, reason) in FAULTS.items():
        assert re.match(reason, rows[n_batches].reason or ""), rows[n_batches].reason
    verdicts = [rows[n_batches].verdict for n_batches in FAULTS]
    assert verdicts == [*3 * [Verdict.FAILED], Verdict.INVALID, Verdict.FAILED]
    assert rows[SMALL.n_batches].verdict is Verdict.VERIFIED, rows[SMALL.n_batches].reason


def test_the_rank_that_raised_first_is_named_though_the_agent_blames_another_one(tmp_path: Path) -> None:
    agent_log = tmp_path / "log"
    agent_log.write_text(SUMMARY.format(rank=0, status=1, pid=1))  # as it does for JAX
    for rank, error in enumerate(("EOFError", "MemoryError: too large")):
        log = tmp_path / "run" / "attempt_0" / str(rank) / "stderr.log"
        log.parent.mkdir(parents=True)
        log.write_text(f"Traceback (most recent call last):\n{error}\n")
        os.utime(log, (0, 2 - rank))

    assert Gang(1, 2, tmp_path).culprit(agent_log) == (1, "MemoryError: too large")


@pytest.mark.long
def test_a_rank_that_hangs_is_stopped_at_the_time_limit_and_costs_no_other_case(
    copy_of: Copy, tmp_path: Path
) -> None:
    hanging = numpy_ranks(copy_of, (EPOCH, f"{EPOCH}{on_rank_1('time.sleep(3600)', 1)}"))
    problems = [replace(SMALL, n_batches=1), SMALL]

    rows = rows_over_ranks(hanging, problems, tmp_path, worker_timeout_s=10)

    where = rf"rank 0 in \S+ {LINE}, rank 1 in run_epoch {LINE}"
    assert re.match(f"{LIMIT}; on {HOST}: {where}", rows[1].reason or ""), rows[1].reason
    assert rows[SMALL.n_batches].verdict is Verdict.VERIFIED


def test_ranks_on_hosts_that_differ_measure_nothing_and_the_reason_says_what_differs_where(
    copy_of: Copy, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    path = numpy_ranks(copy_of, (EPOCH, f"{EPOCH}    open({str(ran)!r}, 'w').close()\n"))
    installed = tmp_path / "other" / "numpy-9.9.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 9.9\n")

    (row,) = rows_over_ranks(
        path, [SMALL], tmp_path, ("PYTHONPATH_OF_RANK_1", f"{installed.parent}")
    ).values()

    assert row.verdict is Verdict.NOT_MEASURED
    version = importlib.metadata.version("numpy")
    assert row.reason == (
        f"the hosts of the ranks differ: expected one numpy, found {version} on {HOST} (rank 0) and 9.9 on "
        f"{HOST} (rank 1). Start all of them on hosts that are alike, with the same packages"
    )
    assert not ran.exists()


def test_no_rank_outlives_an_agent_that_is_killed(copy_of: Copy, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    note = f"    import os; open({str(pids)!r}, 'a').write(f'{{os.getpid()}} ')\n    largest([0])\n"
    killing = numpy_ranks(copy_of, (EPOCH, EPOCH + note + on_rank_1("os.kill(os.getppid(), 9)", 4)))

    report = launch(job_over_ranks(killing, tmp_path), tmp_path, "w")

    assert report.error is not None
    assert report.error.startswith("the agent that starts the ranks: killed by SIGKILL")
    assert report.n_strays == 0
    assert len({*pids.read_text().split()}) == 2  # each may begin another epoch until it is killed
    assert all(ends(int(pid)) for pid in pids.read_text().split())


def test_agent_and_ranks_end_with_a_harness_that_is_killed(copy_of: Copy, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    noted = "f'{os.getpid()} {os.getppid()} {sys.argv[-1]} '"
    note = f"    import os, sys; open({str(pids)!r}, 'a').write({noted})\n    largest([0])\n"
    killing = numpy_ranks(copy_of, (EPOCH, f"{EPOCH}{note}{on_rank_1(KILL_HARNESS, 4)}    time.sleep(60)\n"))
    job = job_over_ranks(killing, tmp_path).to_json()

    harness = subprocess.run([sys.executable, "-c", HARNESS, job, str(tmp_path)], check=False)  # noqa: S603 - HARNESS on this Python, without a shell

    assert harness.returncode == -signal.SIGKILL
    assert len({*pids.read_text().split()}) == 3  # each rank is told the agent as the process to end with
    assert all(ends(int(pid)) for pid in pids.read_text().split())


def test_a_rank_that_ignores_the_agents_signal_is_killed_long_before_the_time_limit(
    copy_of: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gang, "GRACE_S", 0.2)
    ignoring = numpy_ranks(
        copy_of,
        (
            EPOCH,
            f"{EPOCH}{IGNORES}{on_rank_1('raise ValueError(7)', 4)}    time.sleep(3600)\n",
        ),
    )

    report = launch(job_over_ranks(ignoring, tmp_path), tmp_path, "w")  # the stand-in waits forever

    (failure,) = report.results
    assert isinstance(failure, Failure)
    assert failure.reason == f"rank 1 on {HOST}: ValueError: 7"
    assert "ValueError: 7" in report.log


def test_torchruns_agent_starts_ranks_that_see_nothing_of_the_current_folder_and_says_which_was_killed(
    copy_of: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    (tmp_path / "numpy.py").write_text("raise ImportError('the wrong one')")
    monkeypatch.chdir(tmp_path)
    killed = numpy_ranks(copy_of, (EPOCH, f"{EPOCH}    import os\n{on_rank_1('os.kill(os.getpid(), 9)', 4)}"))

    report = launch(replace(job_over_ranks(killed, tmp_path), runtime=Runtime()), tmp_path, "w")

    assert report.readiness is not None, report.log
    assert not report.results  # the other rank's failure follows from this one
    assert report.error is not None
    assert report.error.startswith(f"rank 1 on {HOST}: killed by SIGKILL")
