"""Tells the person at the terminal how a contest goes on: a bar on a screen, lines in a log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from rich.console import Console


LONG_S = 120  # from here on, minutes are told


class ContestProgress:
    """A `benchmarks.contest.Observer` that reports to a console; use it as a context manager."""

    def __init__(self, console: Console) -> None:
        """Report to this console."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(elapsed_when_finished=False),
        )
        # Refreshed only when there is news: a spinning bar would take time from the measured process.
        self._bar = Progress(*columns, console=console, auto_refresh=False, transient=True)
        self._console = console
        self._task = self._bar.add_task("starting", total=None)
        self._start = time.monotonic()
        self._n_started = 0
        self._n_workers = 0
        self._recalled: set[int] = set()  # of what started, counted from 1

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take it away."""
        self._bar.stop()

    def planned(self, n_workers: int) -> None:
        """From here on, so many workers are to come."""
        self._n_workers = self._n_started + n_workers
        self._bar.update(self._task, total=self._n_workers)

    def advanced(self, description: str) -> None:
        """Show which worker starts; all before it have ended."""
        if self._console.is_terminal:
            self._bar.update(self._task, description=description, completed=self._n_started)
            self._bar.refresh()
        else:
            self._console.print(description + self._remaining(), highlight=False, soft_wrap=True)
        self._n_started += 1

    def recalled(self) -> None:
        """Don't count it in the pace, however many of its processes need not run."""
        self._recalled.add(self._n_started)

    @property
    def n_recalled(self) -> int:
        """Say for how many workers the results were there from before."""
        return len(self._recalled)

    def _remaining(self) -> str:
        n_run = self._n_started - len(self._recalled)
        if not n_run:
            return " (measured before)" if self._recalled else ""
        left_s = (time.monotonic() - self._start) / n_run * (self._n_workers - self._n_started)
        left = f"{left_s:.0f} s" if left_s < LONG_S else f"{left_s / 60:.0f} min"
        return f" ({self._n_workers - self._n_started} to go, about {left} left)"
