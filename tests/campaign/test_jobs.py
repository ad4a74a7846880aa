"""The jobs of a campaign: submitit's processes here, and what a cluster is given; nothing survives a kill."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.campaign import follow, jobs
from benchmarks.cli import campaign
from benchmarks.cli.main import main
from benchmarks.paths import CODE
from benchmarks.records.row import Verdict
from benchmarks.records.run import read_run
from tests.campaign import pretended
from tests.campaign.pretended_run import PRETEND_S
from tests.helpers.cluster import make_cluster

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND = ("campaign", "--impl=torch_eager", "--problem=book", "--problem=small", "--slots=2")
FOREVER_S = 100


class Campaign:
    """A campaign of two slots in a folder, and the variables of its processes."""

    def __init__(self, folder: Path, *, on_cluster: bool) -> None:
        """Choose where its jobs run."""
        self.record = folder / "run.json"
        self.results = folder / "results"
        self.cluster = make_cluster(folder / "bin")
        path = [str(self.cluster), os.environ["PATH"]] if on_cluster else [os.environ["PATH"]]
        self.variables = {
            "PERCEPTRON_BENCH_RESULTS": str(self.results),
            "CUDA_VISIBLE_DEVICES": "7",
            "PATH": os.pathsep.join(path),
            **pretended.variables(folder / "records", FOREVER_S),
        }
        where = ["--slurm-partition=cpu", "--time=90"] if on_cluster else ["--here"]
        self.arguments = [*COMMAND, *where, f"--output={self.record}"]

    def kill_when(self, line: str, kill: Callable[[int], None]) -> tuple[int, str]:
        """Start it, and kill it when it has printed such a line; return the exit status and the output."""
        output = ""
        with subprocess.Popen(  # noqa: S603 - our own code, without a shell
            [sys.executable, "-m", "tests.campaign.pretended", *self.arguments],
            cwd=CODE,
            env=os.environ | self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout
            while line not in output:
                output += (new := process.stdout.readline())
                assert new, output
            kill(process.pid)
            output += process.stdout.read()
        return process.returncode, output

    def finish(self, patch: pytest.MonkeyPatch) -> int:
        """Let it go on to its end, in this process; return the exit status."""
        for name, value in (self.variables | {PRETEND_S: "0"}).items():
            patch.setenv(name, value)
        patch.setattr(campaign, "CAMPAIGNS", self.results / "campaigns")
        patch.setattr(jobs, "BOOT", pretended.BOOT)
        patch.setattr(follow, "POLL_S", {True: 0.05, False: 0.05})
        return main(self.arguments)

    @property
    def kept(self) -> dict[str, bool]:
        """Return the slots with records, and whether each of them is whole."""
        records = self.results.glob("campaigns/*/slot-*.json")
        return {path.stem: read_run(path).settings.interrupted is None for path in sorted(records)}

    def require_no_process(self) -> None:
        """Wait until no other process has the folder of the results in its environment."""
        mark, deadline = f"PERCEPTRON_BENCH_RESULTS={self.results}".encode(), time.monotonic() + 60
        while left := [each for each in Path("/proc").glob("[0-9]*/environ") if mark in _bytes_of(each)]:
            assert time.monotonic() < deadline, [_bytes_of(each.with_name("cmdline")) for each in left]
            time.sleep(0.05)


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)


def press_ctrl_c(process: int) -> None:
    os.killpg(process, signal.SIGINT)


def test_a_campaign_that_is_killed_keeps_what_was_measured_leaves_no_process_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = Campaign(tmp_path, on_cluster=False)
    for kill_it, status in ((press_ctrl_c, 2), (kill, -signal.SIGKILL)):
        assert killed.kill_when("slot 1: round 1 of 6: on GPU 7", kill_it)[0] == status
        killed.require_no_process()
        assert killed.kept == {"slot-1": False}

    assert killed.finish(monkeypatch) == 0

    run = read_run(killed.record)
    assert [row.group for row in run.rows] == ["book-B1000-D2-N5-E12 on cpu", "small-B32-D2-N100-E12 on cpu"]
    assert len(run.provenance.parts) == 2
    assert killed.kept == {}
    killed.require_no_process()


def test_a_job_whose_time_is_nearly_up_writes_what_it_has_measured(tmp_path: Path) -> None:
    variables, record = pretended.variables(tmp_path / "records", FOREVER_S), tmp_path / "slot-1.json"
    command = [sys.executable, "-u", "-c", pretended.BOOT, str(CODE), "0", "run", "--problem=book"]
    with subprocess.Popen(  # noqa: S603 - our own code, without a shell
        [*command, f"--output={record}"], env=os.environ | variables, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert b"round 1 of 6" in process.stdout.readline()
        process.send_signal(signal.SIGUSR2)  # as submitit does, here and on a cluster

    assert process.returncode == 0
    assert read_run(record).settings.interrupted


@pytest.mark.long
def test_a_cluster_is_given_exclusive_nodes_and_a_second_call_follows_the_jobs_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = Campaign(tmp_path, on_cluster=True)
    _, output = killed.kill_when("slot 2: round 1 of 6", kill)

    status, again = killed.kill_when("slot 2 (small) goes on as job", press_ctrl_c)

    assert status == 2
    assert (
        set(re.findall(r"job (\d+)", output)) == set(re.findall(r"as job (\d+)", again)) == {"4711", "4712"}
    )
    killed.require_no_process()
    calls = (killed.cluster / "calls").read_text(encoding="utf-8").splitlines()
    assert [call.split()[0] for call in calls] == ["sbatch", "sbatch", "scancel", "scancel"]
    assert killed.kept == {"slot-1": False, "slot-2": False}
    script = (killed.cluster / "given.sh").read_text(encoding="utf-8").splitlines()
    for line in (
        "--exclusive",
        "--partition=cpu",
        "--time=90",
        "--signal=USR2@90",
        "--job-name=perceptron-bench",
    ):
        assert f"#SBATCH {line}" in script
    (command,) = [line for line in script if line.startswith("srun ")]
    assert "--cpu-bind=none" in command

    assert killed.finish(monkeypatch) == 0
    assert len(read_run(killed.record).rows) == 2
    killed.require_no_process()


QUIET_BOOT = jobs.BOOT.replace(
    "from benchmarks", "from tests.helpers.quiet import be_quiet; be_quiet(); from benchmarks"
)


@pytest.mark.long
def test_the_jobs_here_measure_as_run_does(
    numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BOOT", QUIET_BOOT)
    monkeypatch.setattr(campaign, "CAMPAIGNS", tmp_path / "campaigns")
    monkeypatch.setenv("PERCEPTRON_BENCH_RESULTS", str(tmp_path / "results"))
    problems = [f"--problem=book,batch_size={size},n_batches=4,n_epochs=3" for size in (8, 16)]
    options = ["--slots=2", "--here", "--device=cpu", "--baseline=numpy_float32", "--rounds=1"]

    status = main(["campaign", *options, *problems, f"--impl={numpy_float32}", f"-o{tmp_path / 'run.json'}"])

    run = read_run(tmp_path / "run.json")
    assert status == 0
    assert [(row.verdict, len(row.processes)) for row in run.rows] == [(Verdict.VERIFIED, 1)] * 2
