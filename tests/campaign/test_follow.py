"""The jobs of a campaign from their submission to their ends, with jobs that only pretend to run."""

from __future__ import annotations

import io
import os
import signal
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from benchmarks.campaign import follow
from benchmarks.campaign.follow import Follower, open_slots
from benchmarks.campaign.slots import Slot, slots_of
from tests.helpers.records import row, run_of
from tests.helpers.runs import write

if TYPE_CHECKING:
    from pathlib import Path

PROBLEMS = (["book"], ["small"], ["large"])


@dataclass
class PretendedJob:
    """A job that writes what it printed, and then its record unless it fails."""

    slot: Slot
    lines: deque[str]
    fails: bool = False

    @property
    def id(self) -> str:
        return str(4710 + self.slot.number)

    @property
    def log(self) -> Path:
        return self.slot.folder / f"{self.id}.out"

    def ends(self) -> bool:
        """Print its next line, or end."""
        if self.lines:
            with self.log.open("a", encoding="utf-8") as log:
                log.write(f"{self.lines.popleft()}\n")
            return False
        if not self.fails:
            write(run_of(row()), self.slot.record)
        return True


@dataclass
class PretendedSite:
    """A site whose jobs last for as many looks as they have lines."""

    is_here: bool
    fails: tuple[int, ...] = ()
    earlier: tuple[int, ...] = ()
    interrupted_in: int | None = None
    submitted: list[int] = field(default_factory=list)
    most_at_once: int = 0
    cancelled: list[int] = field(default_factory=list)
    interrupted_at: int | None = None
    alive: list[PretendedJob] = field(default_factory=list)

    def job(self, slot: Slot) -> PretendedJob:
        lines = deque(["round 1 of 2: jax_scan (2 to go)", "round 2 of 2: jax_scan (1 to go)", "a table"])
        self.alive.append(job := PretendedJob(slot, lines, fails=slot.number in self.fails))
        self.most_at_once = max(self.most_at_once, len(self.alive))
        return job

    def submit(self, slot: Slot) -> PretendedJob:
        self.submitted.append(slot.number)
        if self.interrupted_in == slot.number:
            os.kill(os.getpid(), signal.SIGINT)
        return self.job(slot)

    def earlier_job(self, slot: Slot) -> PretendedJob | None:
        return self.job(slot) if slot.number in self.earlier else None

    def has_ended(self, job: PretendedJob) -> bool:
        if self.interrupted_at == job.slot.number:
            self.interrupted_at = None
            raise KeyboardInterrupt
        if job.slot.number in self.cancelled or job.ends():
            self.alive = [each for each in self.alive if each is not job]
            return True
        return False

    def cancel(self, jobs: list[PretendedJob]) -> None:
        self.cancelled += [job.slot.number for job in jobs]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "POLL_S", {True: 0.0, False: 0.0})


def followed(site: Any, folder: Path) -> tuple[bool, list[str]]:
    """Follow a campaign of three slots; return whether it ended by itself, and what was printed."""
    console = Console(file=io.StringIO(), width=200)
    waiting = open_slots(slots_of(PROBLEMS, 3, [], folder))
    by_itself = Follower(site, console, waiting).follow()
    assert isinstance(console.file, io.StringIO)
    return by_itself, console.file.getvalue().splitlines()


def test_here_a_slot_begins_when_the_one_before_it_has_ended(tmp_path: Path) -> None:
    site = PretendedSite(is_here=True)

    by_itself, lines = followed(site, tmp_path)

    assert by_itself
    assert (site.submitted, site.most_at_once) == ([1, 2, 3], 1)
    assert lines[:5] == [
        f"slot 1 (book) is job 4711, log: {tmp_path / '4711.out'}",
        "slot 1: round 1 of 2: jax_scan (2 to go)",
        "slot 1: round 2 of 2: jax_scan (1 to go)",
        "slot 1: done, 1 case",
        f"slot 2 (small) is job 4712, log: {tmp_path / '4712.out'}",
    ]


def test_on_a_cluster_all_slots_are_submitted_at_once(tmp_path: Path) -> None:
    site = PretendedSite(is_here=False)

    assert followed(site, tmp_path)[0]
    assert (site.submitted, site.most_at_once) == ([1, 2, 3], 3)


def test_a_slot_that_fails_is_named_with_its_log_and_the_others_go_on(tmp_path: Path) -> None:
    site = PretendedSite(is_here=True, fails=(2,))

    by_itself, lines = followed(site, tmp_path)

    assert by_itself
    assert f"slot 2: failed, log: {tmp_path / '4712.out'}: a table" in lines
    assert [slot.is_done for slot in slots_of(PROBLEMS, 3, [], tmp_path)] == [True, False, True]


def test_a_second_call_measures_only_what_is_not_done(tmp_path: Path) -> None:
    followed(PretendedSite(is_here=True, fails=(2,)), tmp_path)
    again = PretendedSite(is_here=True)

    assert followed(again, tmp_path)[0]
    assert again.submitted == [2]


def test_a_second_call_follows_the_jobs_that_the_cluster_still_has(tmp_path: Path) -> None:
    site = PretendedSite(is_here=False, earlier=(1, 3))

    _, lines = followed(site, tmp_path)

    assert site.submitted == [2]
    assert f"slot 3 (large) goes on as job 4713, log: {tmp_path / '4713.out'}" in lines


@pytest.mark.parametrize(
    ("site", "submitted", "cancelled"),
    [
        (PretendedSite(is_here=True, interrupted_at=2), [1, 2], [2]),
        (PretendedSite(is_here=False, interrupted_at=2), [1, 2, 3], [1, 2, 3]),
        (PretendedSite(is_here=False, interrupted_in=2), [1, 2], [1, 2]),
    ],
    ids=["here", "on a cluster", "while a job is submitted"],
)
def test_ctrl_c_cancels_the_jobs_and_submits_no_other(
    site: PretendedSite, submitted: list[int], cancelled: list[int], tmp_path: Path
) -> None:
    by_itself, lines = followed(site, tmp_path)

    assert not by_itself
    assert (site.submitted, site.cancelled) == (submitted, cancelled)
    assert lines[-1] == "cancelling: what was measured is kept"
