"""The processes of a worker and its ranks, which torchrun's agent starts: watched, ended, and who failed.

As a program, this module is that agent:

python -m benchmarks.runner.gang HARNESS OPTION… -m MODULE ARGUMENT… 0

HARNESS is the process that the agent must not survive. If a harness is killed at once, nobody is left to end
the agent, and its ranks would keep their CPUs and go on answering. The last argument of MODULE is the process
that a rank must not survive. The agent puts its own number there, which nobody knows before it runs.
"""

import os
import platform
import re
import runpy
import signal
import sys
import time
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.runner.answers import tail
from benchmarks.worker.start import die_with

GRACE_S = 10.0
"""Ranks end together. So long after the first one, the others are killed: the agent would wait for 30 s."""

AGENT, LAUNCHER = "benchmarks.runner.gang", "torch.distributed.run"
N_LINES = 20

STOPPED, ENDED = ("T", "t"), ("Z", "X", "")
"""States of a process in /proc: by SIGSTOP or a debugger; a zombie, dead, gone."""

FAILED_RANK = re.compile(r"^ *rank +: (\d+) .*\n *exitcode +: (-?\d+)", re.MULTILINE)
"""A rank in the summary that the agent writes when one has failed."""

FRAME = re.compile(r'^ *File "(.*?)", line (\S+) in (.*)', re.MULTILINE)
"""A frame in what `faulthandler` writes."""

RAISED = "Traceback (most recent call last)"


def agent_command(python: str, n_ranks: int, logs: Path | None = None) -> list[str]:
    """Return the start of a command that runs a module on so many ranks of this machine.

    The module and its arguments follow; the last argument becomes the agent's process. The ranks' output goes
    to the folder of logs, if there is one.
    """
    # -P: as for a worker; the ranks have PYTHONSAFEPATH.
    agent = [python, "-P", "-m", AGENT, str(os.getpid()), "--standalone", "--local-addr=localhost"]
    redirects = [f"--log-dir={logs}", "--redirects=3"] if logs else []
    return [*agent, f"--nproc-per-node={n_ranks}", *redirects, "-m"]


@dataclass
class Gang:
    """The ranks below one agent; or one worker, which has none."""

    parent: int  # the process that the harness started
    n_ranks: int
    logs: Path  # the folder of the ranks' output
    pids: dict[int, int] = field(default_factory=dict)  # by rank, once they have started
    ending_since_s: float | None = None  # when the first of them had ended
    is_overdue: bool = False  # whether others were left long after that, and were killed

    @property
    def groups(self) -> set[int]:
        """Return the process groups: the agent starts each rank in its own session."""
        return {self.parent, *self.pids.values()}

    def watch(self) -> None:
        """Find the ranks; end those that are left long after the first one has ended."""
        if self.n_ranks == 1:
            return
        if len(self.pids) < self.n_ranks:
            self.pids |= dict(_ranks_below(self.parent))
        if self.ending_since_s is None and any(_state(pid) in ENDED for pid in self.pids.values()):
            self.ending_since_s = time.monotonic()
        if self.ending_since_s and time.monotonic() - self.ending_since_s > GRACE_S:
            self.is_overdue = True
            for pid in self.pids.values():
                _kill_group(pid)  # the agent then ends by itself, and writes who failed

    def kill(self) -> None:
        """End all ranks and all that they started, in an order in which no agent starts another one."""
        for group in sorted(self.groups, key=lambda group: group != self.parent):
            _kill_group(group)

    def whereabouts(self, loop: str) -> str:
        """Describe what each rank waits for: "; on vm: rank 0 in largest (loop.py, line 9), …"."""
        known = {rank: self._whereabouts(rank, loop) for rank in sorted(self.pids)}
        found = ", ".join(f"rank {rank} {where}" for rank, where in known.items() if where)
        return f"; on {platform.node()}: {found}" if found else ""

    def _whereabouts(self, rank: int, loop: str) -> str:
        if _state(self.pids[rank]) in STOPPED:
            return "stopped (SIGSTOP)"
        _, dumped, threads = self._output(rank).rpartition("Timeout (")
        # The main thread is the last one.
        frames = FRAME.findall(threads.rpartition("Thread 0x")[2]) if dumped else []
        for file, line, function in [frame for frame in frames if frame[0] == loop] or frames:
            return f"in {function} ({Path(file).name}, line {line})"
        return ""

    def culprit(self, agent_log: Path) -> tuple[int | None, str]:
        """Return the rank that a signal ended, else the one that raised first, and what happened to it.

        The agent names the rank that it sees first, which may have failed because another one had.
        """
        if self.n_ranks == 1:
            return None, ""
        failed = [(int(rank), int(status)) for rank, status in FAILED_RANK.findall(_text(agent_log))]
        killed = [(rank, -status) for rank, status in failed if status < 0 and -status != signal.SIGTERM]
        for rank, number in killed:
            overdue = f"still there {GRACE_S:g} s after another rank had ended, killed"
            return rank, overdue if self.is_overdue else signalled(number)
        raised = [(file.stat().st_mtime_ns, rank) for rank, file in self._outputs() if RAISED in _text(file)]
        for _, rank in sorted(raised):
            return rank, self._output(rank).strip().rpartition("\n")[2]  # a traceback ends with the error
        for rank, status in failed:
            return rank, f"ended with exit status {status}"
        return None, ""

    def log(self, agent_log: Path) -> str:
        """Return the last lines of each rank's output, after those of the agent's or the worker's."""
        ends = {f"rank {rank}": tail(file, N_LINES) for rank, file in self._outputs()}
        return "\n".join(
            [tail(agent_log, N_LINES), *(f"{rank}:\n{text}" for rank, text in ends.items() if text)]
        )

    def log_files(self) -> list[Path]:
        """Return the files of the ranks' output, which may be endless."""
        return [] if self.n_ranks == 1 else [*self.logs.glob("*/attempt_0/*/std*.log")]

    def _outputs(self) -> list[tuple[int, Path]]:
        files = {int(file.parent.name): file for file in self.log_files() if file.name == "stderr.log"}
        return sorted(files.items())

    def _output(self, rank: int) -> str:
        return _text(dict(self._outputs()).get(rank))


def signalled(number: int) -> str:
    """Describe the end of a process by a signal."""
    if number == signal.SIGKILL:
        return "killed by SIGKILL; often this is the system being out of memory"
    return f"killed by signal {number} ({signal.strsignal(number)})"


def kill_strays(temporary: str, groups: Container[int]) -> int:
    """Kill the processes that have the worker's temporary folder but left its groups; return their number."""
    mark, n_strays = f"TMPDIR={temporary}".encode(), 0
    for environment in Path("/proc").glob("[0-9]*/environ"):
        pid = int(environment.parent.name)
        with suppress(OSError):  # another user's, or a process that has just ended
            if mark in environment.read_bytes().split(b"\0") and os.getpgid(pid) not in groups:
                os.kill(pid, signal.SIGKILL)
                n_strays += 1
    return n_strays


def _text(file: Path | None) -> str:
    with suppress(OSError):
        return tail(file, 1000) if file else ""
    return ""


def _ranks_below(agent: int) -> Iterator[tuple[int, int]]:
    """Find the ranks that the agent has started, and their processes."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):  # it has just ended, or is another user's
            if int(_stat(int(folder.name))[1]) == agent:
                variables = (folder / "environ").read_bytes().split(b"\0")
                yield from ((int(v[5:]), int(folder.name)) for v in variables if v.startswith(b"RANK="))


def _state(pid: int) -> str:
    with suppress(OSError, IndexError):
        return _stat(pid)[0]
    return ""


def _stat(pid: int) -> list[str]:
    """Return what the system says of a process, from its state on."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return stat.rpartition(")")[2].split()


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def be_agent() -> None:
    """Become torchrun's agent."""
    die_with(int(sys.argv.pop(1)))
    sys.argv[-1] = str(os.getpid())
    runpy.run_module(LAUNCHER, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    be_agent()
