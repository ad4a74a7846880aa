"""Waits for a core: those for a process's own threads are distinguished from those for other work."""

from __future__ import annotations

import os
import time
from hashlib import sha256
from threading import Barrier, Thread
from typing import TYPE_CHECKING

import pytest

from benchmarks.studies.conservation import spinning
from benchmarks.worker.conserved import BUSY
from benchmarks.worker.inspection import waits
from benchmarks.worker.inspection.waits import CoreTimes, core_times, others_part, waited_s

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = CoreTimes(all_s=0.0, own_s=0.0, idle_s=0.0, threads={"1": (0.0, 0.0), "2": (0.0, 0.0)})
ON_LINUX = pytest.mark.skipif(not waits.STAT.exists(), reason="the system does not say how long threads wait")


def after_a_second(idle_s: float, *threads: tuple[float, float]) -> CoreTimes:
    """Return the times of one core, and of threads that ran and waited for so long."""
    numbered = {str(number): thread for number, thread in enumerate(threads, 1)}
    return CoreTimes(all_s=1.0, own_s=sum(ran for ran, _ in threads), idle_s=idle_s, threads=numbered)


@pytest.mark.parametrize(
    ("after", "part"),
    [
        (after_a_second(0.3, (0.5, 0.15), (0.2, 0.1)), 0.0),
        (after_a_second(0.0, (0.5, 0.5), (0.5, 0.5)), 0.0),
        (after_a_second(0.0, (0.5, 0.5), (0.0, 0.0)), 1.0),
        (after_a_second(0.2, (0.4, 0.3), (0.2, 0.1)), 0.5),
        (after_a_second(0.0, (0.3, 0.7), (0.3, 0.7)), 0.8 / 1.4),
        (after_a_second(0.5, (0.5, 0.5), (0.0, 0.0)), 1.0),
        (after_a_second(0.9, (0.1, 0.0), (0.0, 0.0)), 0.0),
    ],
    ids=[
        *("own threads, idle between", "own threads, never idle", "others only", "half of the waits"),
        *("two threads and others, never idle", "a quota of half a CPU", "no wait"),
    ],
)
def test_what_own_threads_do_not_explain_of_a_wait_is_the_work_of_others(
    after: CoreTimes, part: float
) -> None:
    assert others_part(START, after) == pytest.approx(part, abs=1e-6)


def test_only_what_happened_in_between_counts() -> None:
    before = CoreTimes(all_s=0.0, own_s=0.0, idle_s=0.0, threads={"1": (9.0, 9.0)})

    after = CoreTimes(all_s=1.0, own_s=0.5, idle_s=0.5, threads={"1": (9.4, 9.1), "new": (0.1, 0.1)})

    assert others_part(before, after) == pytest.approx(0.0)


@pytest.fixture
def cpu() -> Iterator[int]:
    """Keep to one CPU, and return it."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield min(before)
    os.sched_setaffinity(0, before)


def core_to_be_had() -> float:
    """Return the part of the core's time that one thread gets."""
    wall_start_s, cpu_start_s = time.perf_counter(), time.process_time()
    while time.perf_counter() - wall_start_s < 0.05:
        pass
    return (time.process_time() - cpu_start_s) / (time.perf_counter() - wall_start_s)


def shares_of_two_threads(cpu: int) -> tuple[float, float]:
    """Let two threads hash at the same time and then rest, as ranks do that wait for each other.

    Return their waits for a core, and the ones for others, as parts of the time.
    """
    together = Barrier(3)

    def work() -> None:
        for _ in range(4):
            together.wait()
            sha256(bytes(10_000_000))  # lets go of Python's lock
            time.sleep(0.02)
        together.wait()
        together.wait()

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    before, waited_before_s, start_s = core_times({cpu}), waited_s(), time.perf_counter()
    for _ in range(5):
        together.wait()
    part, wall_s = others_part(before, core_times({cpu})), time.perf_counter() - start_s
    waited_share = (waited_s() - waited_before_s) / wall_s
    together.wait()
    for thread in threads:
        thread.join()
    assert part is not None
    return waited_share, part * waited_share


@ON_LINUX
def test_two_threads_that_share_a_core_wait_for_each_other_and_not_for_others(cpu: int) -> None:
    found: list[float] = []
    for _ in range(6):
        to_be_had = core_to_be_had()
        waited_share, others_share = shares_of_two_threads(cpu)
        assert waited_share > BUSY
        if min(to_be_had, core_to_be_had()) > 0.9:
            found.append(others_share)
            if others_share < BUSY / 2:
                break

    if not found:
        pytest.skip("the core is busy with other work")
    assert min(found) < BUSY / 2


@ON_LINUX
def test_others_have_the_core_if_a_process_spins_on_it(cpu: int) -> None:
    with spinning(1, cpu):
        before, waited_before_s, start_s = core_times({cpu}), waited_s(), time.perf_counter()
        while (wall_s := time.perf_counter() - start_s) < 0.3:
            pass
        part = others_part(before, core_times({cpu}))

    assert part is not None
    assert part * (waited_s() - waited_before_s) > BUSY * wall_s


@ON_LINUX
def test_a_core_whose_idle_time_is_unknown_counts_as_never_idle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert core_times(os.sched_getaffinity(0)).idle_s > 0

    monkeypatch.setattr(waits, "STAT", tmp_path / "none")

    assert core_times(os.sched_getaffinity(0)).idle_s == 0


def test_waits_that_the_system_does_not_count_are_not_observable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "TASKS", tmp_path)
    assert others_part(core_times({0}), core_times({0})) is None

    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "schedstat").write_text("0 0 0\n", encoding="ascii")  # a system that does not count
    assert others_part(core_times({0}), core_times({0})) is None
    assert waited_s() == 0
