"""Commands killed at random moments: nothing that was there or measured is lost, and no process stays."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.cli.main import main
from benchmarks.paths import CODE
from benchmarks.records.run import read_run
from benchmarks.track.history import read_history
from tests.helpers.comparisons import COMPARISON
from tests.helpers.quiet import QUIETLY
from tests.helpers.runs import run_of_day, three_rows, timed, write

if TYPE_CHECKING:
    from collections.abc import Sequence

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
PROBLEMS = [f"--problem=book,batch_size={size},n_batches=4,n_epochs=3" for size in (8, 16)]
MOST_S = 2.0
"""Within this time most kills hit a command: they take one to two seconds."""


@dataclass
class Victim:
    """A command that is killed, in a folder for its files."""

    folder: Path
    loop: Path
    source: random.Random

    def kill(self, arguments: Sequence[str]) -> tuple[signal.Signals, str]:
        """Start it, kill it at a random moment, and check that no process stays; return its output, too."""
        sent = self.source.choice(SIGNALS)
        with subprocess.Popen(  # noqa: S603 - our own code, without a shell
            [*QUIETLY, "benchmarks", *arguments],
            cwd=CODE,
            env=self.variables,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            try:
                process.wait(self.source.uniform(0.0, MOST_S))
            except subprocess.TimeoutExpired:
                process.send_signal(sent)
            output = process.communicate(timeout=60)[0]
        self.require_no_process()
        return sent, output

    def repeat(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        command = [*QUIETLY, "benchmarks", *arguments]
        return subprocess.run(  # noqa: S603 - our own code, without a shell
            command, cwd=CODE, env=self.variables, capture_output=True, text=True, check=False
        )

    @property
    def variables(self) -> dict[str, str]:
        """Return its environment, which marks all processes that it starts."""
        return {**os.environ, "PERCEPTRON_BENCH_RESULTS": str(self.folder / "results")}

    def require_no_process(self) -> None:
        """Check that what the command started is gone before it has used a second, on a busy machine too."""
        mark, deadline = f"PERCEPTRON_BENCH_RESULTS={self.folder}/".encode(), time.monotonic() + 60
        before: dict[Path, float] = {}
        while left := [each for each in Path("/proc").glob("[0-9]*/environ") if mark in _bytes_of(each)]:
            for each in left:
                before.setdefault(each, _cpu_s(each))
                assert _cpu_s(each) < before[each] + 1, _bytes_of(each.with_name("cmdline"))
            assert time.monotonic() < deadline, left
            time.sleep(0.01)

    @property
    def n_reports(self) -> int:
        """Number of workers whose results are kept for resuming."""
        return len(list(self.folder.glob("results/unfinished/*/*.report")))


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _cpu_s(environ: Path) -> float:
    """Return the CPU time of a process, 0 if it is gone."""
    fields = _bytes_of(environ.with_name("stat")).rpartition(b")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def kill_run(victim: Victim) -> None:
    record = victim.folder / "run.json"
    arguments = ["run", "--resume", "--device=cpu", f"--impl={victim.loop}", "--baseline=numpy_float32"]
    arguments += [*PROBLEMS, "--rounds=2", "-o", str(record)]
    sent, output = victim.kill(arguments)

    if record.exists():
        read_run(record)
    else:
        assert sent is signal.SIGKILL or "round 2" not in output, output
    n_reports, again = victim.n_reports, victim.repeat(arguments)
    assert again.returncode == 0, output + again.stdout + again.stderr
    assert n_reports == 0 or "resuming: " in again.stdout
    assert [len(row.processes) for row in read_run(record).rows] == [2, 2]


def kill_ab(victim: Victim) -> None:
    report = victim.folder / "ab.json"
    arguments = ["ab", "--resume", f"--base-impl={victim.loop}", f"--new-impl={victim.loop}"]
    arguments += [f"--json={report}", "--max-pairs=2", PROBLEMS[0]]
    sent, output = victim.kill(arguments)

    if report.exists():
        COMPARISON.read(report)
    else:
        assert sent is signal.SIGKILL or "pair 2" not in output, output
    again = victim.repeat(arguments)
    comparison = COMPARISON.read(report)
    assert again.returncode == comparison.exit_status(), output + again.stdout + again.stderr
    assert not comparison.interrupted


def kill_report(victim: Victim) -> None:
    old, new = (victim.folder / name for name in ("old.json", "new.json"))
    write(run_of_day(0, *three_rows()), old)
    write(run_of_day(1, *three_rows(scale=2)), new)
    reports = [victim.folder / name for name in ("first", "second", "killed")]
    for record, report in zip((old, new, old), reports, strict=True):
        assert main(["report", "--no-plots", str(record), "-o", str(report)]) == 0
    victim.kill(["report", "--no-plots", str(new), "-o", str(reports[2])])

    names = [file.relative_to(reports[2]) for file in reports[2].rglob("*") if file.is_file()]
    for name in [each for each in names if not each.name.startswith(".")]:
        found, *allowed = ((folder / name).read_bytes() for folder in reversed(reports))
        assert found in allowed, name


def kill_track(victim: Victim) -> None:
    history = victim.folder / "history"
    days = [run_of_day(day, timed("torch_eager", [1e-3])) for day in range(30)]
    files = [str(write(run, victim.folder / f"{day}.json")) for day, run in enumerate(days)]
    arguments = ["track", "add", *files, "--history", str(history)]
    _, output = victim.kill(arguments)

    found = read_history(history)
    assert found.faults == ()
    assert len(found.records) >= output.count("added: ")
    assert victim.repeat(arguments).returncode == 0
    assert len(read_history(history).records) == len(days)


KILLS = (kill_run, kill_ab, kill_report, kill_track)


# The tests of resuming kill a run and a comparison, too, at a chosen moment.
@pytest.mark.parametrize(
    "seed", [2, 3, *(pytest.param(seed, marks=pytest.mark.long) for seed in (0, 1, *range(4, 104)))]
)
def test_a_command_killed_at_a_random_moment_loses_nothing_and_leaves_no_process(
    seed: int, numpy_float32: Path, tmp_path: Path
) -> None:
    source = random.Random(seed)  # noqa: S311 - no secret

    KILLS[seed % len(KILLS)](Victim(tmp_path, numpy_float32, source))
