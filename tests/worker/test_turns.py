"""Workers that prepare at the same time are timed one by one, alone, whatever becomes of the others."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from benchmarks.worker import turns
from benchmarks.worker.messages import Job, Turn
from benchmarks.worker.turns import Place

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("fcntl")

ORDER = ("first", "second")
MOMENT_S = 0.05
JOB = Job(path="x.py", framework="numpy", devices=("cpu",), cpus=(1,), prepare_on=(0,))


class Workers:
    """Two workers, each of which is a thread here, and what they did, in order."""

    def __init__(self, gate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take both places."""
        self.moved: list[tuple[int, ...]] = []
        monkeypatch.setattr(turns, "move", self.moved.append)
        self.did: list[str] = []
        self.places = {name: Place.at(str(gate), is_first=name == "first") for name in ORDER}

    def work(self, name: str, prepare_s: float = 0.0, *, fails: bool = False) -> None:
        """Prepare, be timed, and work on."""
        with closing(self.places[name]) as place:
            time.sleep(prepare_s)
            self.did.append(f"{name} is ready")
            if fails:
                return
            with place.timed(JOB, lambda _: None):
                self.did.append(f"{name} begins")
                time.sleep(MOMENT_S)
                self.did.append(f"{name} ends")
            self.did.append(f"{name} works on")


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workers:
    """Return two workers at a gate."""
    return Workers(tmp_path / "gate", monkeypatch)


@pytest.mark.parametrize("slow", ORDER)
def test_they_are_timed_in_order_and_none_works_meanwhile(slow: str, workers: Workers) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: workers.work(name, 4 * MOMENT_S * (name == slow)), ORDER))

    timed = ["first begins", "first ends", "second begins", "second ends"]
    assert sorted(workers.did[:2]) == ["first is ready", "second is ready"]
    assert workers.did[2:6] == timed
    assert sorted(workers.did[6:]) == ["first works on", "second works on"]
    assert workers.moved == [JOB.cpus, JOB.prepare_on] * 2


@pytest.mark.parametrize(("failing", "other"), [ORDER, ORDER[::-1]])
def test_one_that_ends_before_its_turn_keeps_the_other_one_waiting_no_longer(
    failing: str, other: str, workers: Workers
) -> None:
    with ThreadPoolExecutor() as pool:
        pool.submit(workers.work, failing, 4 * MOMENT_S, fails=True)
        pool.submit(workers.work, other)

    assert workers.did == [
        f"{other} is ready",
        f"{failing} is ready",
        *(f"{other} {what}" for what in ("begins", "ends", "works on")),
    ]


def test_each_problem_has_its_own_turn(workers: Workers) -> None:
    began: list[str] = []

    def work(name: str) -> None:
        with closing(workers.places[name]) as place:
            for problem in "ab":
                with place.timed(JOB, lambda _: None):
                    began.append(f"{name}, {problem}")
                    time.sleep(MOMENT_S)

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, ORDER))

    assert sorted(began) == ["first, a", "first, b", "second, a", "second, b"]
    assert all(began.index(f"first, {problem}") < began.index(f"second, {problem}") for problem in "ab")


def test_it_tells_that_it_waits_and_when_its_turn_has_come(workers: Workers) -> None:
    told: list[Turn] = []
    workers.places["second"].close()

    with closing(workers.places["first"]) as place, place.timed(JOB, told.append):
        assert told == [Turn(came=False), Turn(came=True)]
    assert told == [Turn(came=False), Turn(came=True)] * 2


def test_a_worker_without_a_gate_is_timed_at_once_and_stays_where_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "move", lambda _: pytest.fail("it moved"))
    told: list[Turn] = []

    with Place.at(None, is_first=False).timed(JOB, told.append):
        assert told == []
