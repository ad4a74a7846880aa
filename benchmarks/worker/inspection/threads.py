"""Watches on which CPUs threads may run during trainings: one that ends with the epoch is seen only then."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread, get_native_id
from time import process_time

from benchmarks.worker.inspection.unseen import train_unwatched
from benchmarks.worker.start import cpus_allowed
from benchmarks.worker.training import Workload

WATCHED_S = 0.3
"""For so much CPU time, trainings are watched. A thread that lives for 0.1 ms an epoch was seen 40 of 40
times within 0.1 s, beside other work on every core 36 of 40 times."""


def cpus_in_trainings(workload: Workload) -> set[int] | None:
    """Return the CPUs that some thread may run on, while it trains or now; None if the system can't say."""
    until_s = process_time() + WATCHED_S
    with _watched() as seen:
        while workload.group.anyone(process_time() < until_s):
            train_unwatched(workload, workload.problem.n_epochs)
    now = cpus_allowed()
    return None if now is None else now | seen


@contextmanager
def _watched() -> Iterator[set[int]]:
    """Collect the CPUs in our own thread, which looks as often as it can, from any CPU.

    On the loop's own it would wait for the loop, and see less than half as much beside other work.
    """
    seen: set[int] = set()
    over = Event()

    def look() -> None:
        with _on_any_cpu():
            while not over.is_set():
                seen.update(cpus_allowed(but_for=get_native_id()) or ())

    thread = Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@contextmanager
def _on_any_cpu() -> Iterator[None]:
    """Let this thread run anywhere, but not at its end: the system shows threads a while after they ended."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)
