"""Waits for a core: how long threads wait, and which part of it is the work of other processes.

The threads of a process wait for each other if they share a core: those of XLA, or the thread by which a rank
reaches the other ranks. The system counts such a wait like one for another process.
"""

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

STAT, TASKS, MAIN_THREAD = Path("/proc/stat"), Path("/proc/self/task"), Path("/proc/thread-self")


@dataclass(frozen=True, kw_only=True)
class CoreTimes:
    """What has become of the time of some cores so far, in s."""

    all_s: float  # wall time, times the number of cores
    own_s: float  # CPU time of this process
    idle_s: float  # in which nothing ran, as far as the system says
    threads: Mapping[str, tuple[float, float]]  # how long each one ran, and waited; empty: not observable


def core_times(cpus: Collection[int]) -> CoreTimes:
    """Read the times of these cores, and of this process's threads."""
    return CoreTimes(
        all_s=len(cpus) * perf_counter(),
        own_s=process_time(),
        idle_s=_idle_s(cpus),
        threads={task.name: times for task in TASKS.glob("*") if (times := _ran_and_waited_s(task))},
    )


def others_part(before: CoreTimes, after: CoreTimes) -> float | None:
    """Return the part of the threads' waits in between in which others had a core; None: not observable.

    A thread waits for its own process no longer than the other threads of the process run. Others had the
    core for what is left of each wait, at least: for the whole of it where one thread does the work. And they
    had the cores while these were neither idle nor this process's; a core whose idle time is unknown counts
    as never idle. The larger figure counts.
    """
    if not after.threads:
        return None
    own_s = after.own_s - before.own_s
    others_had_s = after.all_s - before.all_s - own_s - (after.idle_s - before.idle_s)
    unexplained_s, waits_s = 0.0, 1e-9
    for name, (ran_s, waited_s) in after.threads.items():
        ran_before_s, waited_before_s = before.threads.get(name, (0.0, 0.0))
        wait_s, own_threads_s = waited_s - waited_before_s, own_s - (ran_s - ran_before_s)
        waits_s += wait_s
        unexplained_s += max(0.0, wait_s - own_threads_s)
    return min(1.0, max(unexplained_s, others_had_s) / waits_s)


def waited_s(*, main_thread_only: bool = False) -> float:
    """Return how long this process's threads have waited for a core so far; 0 if the system can't say."""
    tasks = [MAIN_THREAD] if main_thread_only else TASKS.glob("*")
    return sum(times[1] for task in tasks if (times := _ran_and_waited_s(task)))


def _ran_and_waited_s(task: Path) -> tuple[float, float] | None:
    """Return a thread's times; see "run_delay" in Linux's Documentation/scheduler/sched-stats.rst."""
    with suppress(OSError):  # a thread that has just ended
        ran_ns, waited_ns, _ = map(int, (task / "schedstat").read_text(encoding="ascii").split())
        return (ran_ns / 1e9, waited_ns / 1e9) if ran_ns else None  # a system without these times shows 0 0 0
    return None


def _idle_s(cpus: Collection[int]) -> float:
    """Return how long the cores were idle, also for input and output, in steps of 10 ms; 0: unknown."""
    names, ticks = {f"cpu{cpu}" for cpu in cpus}, 0
    with suppress(OSError, ValueError):
        for line in STAT.read_text(encoding="ascii").splitlines():
            name, *fields = line.split()
            ticks += sum(map(int, fields[3:5])) if name in names else 0
    return ticks / os.sysconf("SC_CLK_TCK")
