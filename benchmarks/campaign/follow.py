"""Submits the jobs of a campaign, and follows them to their ends."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console

from benchmarks.campaign.jobs import Job, Site, without_ctrl_c
from benchmarks.campaign.slots import Slot, describe
from benchmarks.runner.answers import tail

TO_GO = " to go"
"""How `run` says how many processes follow."""

POLL_S = {True: 1.0, False: 30.0}  # where the jobs run here, and on a cluster


@dataclass
class Follower:
    """The slots that are not done, and their jobs."""

    site: Site
    console: Console
    waiting: deque[Slot]
    running: list[Job] = field(default_factory=list)
    shown: dict[int, str] = field(default_factory=dict)  # the line that was last printed of a slot's log

    def follow(self) -> bool:
        """Follow all jobs to their ends; return whether they did so by themselves, without Ctrl-C."""
        try:
            while self.waiting or self.running:
                self._submit()
                time.sleep(POLL_S[self.site.is_here])
                self._look()
        except KeyboardInterrupt:
            self._cancel()
            return False
        return True

    def _submit(self) -> None:
        """Submit what may run now: everything on a cluster, one slot here."""
        while self.waiting and not (self.site.is_here and self.running):
            slot = self.waiting[0]
            with without_ctrl_c():
                job = self.site.earlier_job(slot)
                verb = "goes on as" if job else "is"
                self.running.append(job := job or self.site.submit(slot))
                self.waiting.popleft()
            self._say(f"{slot.description} {verb} job {job.id}, log: {job.log}")

    def _look(self) -> None:
        """Print what is new of the jobs, and remove those that have ended."""
        for job in list(self.running):
            if self.site.has_ended(job):
                self.running.remove(job)
                self._say(end_of(job))
            elif (line := _progress(job)) and line != self.shown.get(job.slot.number):
                self.shown[job.slot.number] = line
                self._say(f"slot {job.slot.number}: {line}")

    def _cancel(self) -> None:
        """Cancel the jobs; those here have written what they measured when this returns."""
        self._say("cancelling: what was measured is kept")
        self.site.cancel(self.running)
        while self.site.is_here and any(not self.site.has_ended(job) for job in self.running):
            time.sleep(POLL_S[True])
            self.site.cancel(self.running)  # again, for one that was just starting did not hear it

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _progress(job: Job) -> str:
    """Return the last line of the log that says how far the run has come; it also has tables."""
    return next((line for line in reversed(_end(job, 20)) if TO_GO in line), "")


def _end(job: Job, n_lines: int) -> list[str]:
    """Return the last lines of the log, if there is one yet."""
    return tail(job.log, n_lines).splitlines() if job.log.exists() else []


def end_of(job: Job) -> str:
    """Describe how a slot's job ended."""
    run = job.slot.read()
    if run is not None and job.slot.is_done:
        return f"slot {job.slot.number}: done, {describe(run)}"
    kept = f"kept: {describe(run)}; " if run else ""
    return f"slot {job.slot.number}: failed, {kept}log: {job.log}: {' '.join(_end(job, 1)) or 'empty'}"


def open_slots(slots: Sequence[Slot]) -> deque[Slot]:
    """Return the slots that an earlier call has not done."""
    return deque(slot for slot in slots if not slot.is_done)
