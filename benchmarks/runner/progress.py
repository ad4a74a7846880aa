"""Shows how far a run has come: a bar on a screen, lines in a log."""

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

from benchmarks.records.schema import plain

LONG_S = 120  # from here on, minutes are shown
ROOMY = 100  # columns of a terminal with room for a bar


class RoundsProgress:
    """A `benchmarks.runner.dispatch.ProgressListener` that prints to a console, as a context manager."""

    def __init__(self, console: Console, *, max_time_s: float | None = None) -> None:
        """Print to this console; no round begins that would end after this time."""
        columns = [
            TextColumn("{task.description}", markup=False, table_column=Column()),  # broken between words
            *([BarColumn(bar_width=24)] if console.width >= ROOMY else []),
            MofNCompleteColumn(),
            *([TimeElapsedColumn()] if console.width >= ROOMY else []),
            TextColumn("{task.fields[left]}"),
        ]
        # Refreshed only when a worker starts: a spinning bar would take time from the measured process.
        self._bar = Progress(*columns, console=console, auto_refresh=False, transient=True)
        self._console = console
        self._task = self._bar.add_task("starting", total=None, left="")
        self._max_time_s = max_time_s
        self._start = self._pace_start = time.monotonic()
        self._n_started = self._n_before_pace = 0
        self._n_workers = 0
        self._is_inspecting = True
        self._recalled: set[int] = set()  # numbers of started workers, counted from 1

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar."""
        self._bar.stop()

    def planned(self, n_workers: int) -> None:
        """From here on, this many workers follow."""
        self._n_workers = self._n_started + n_workers
        self._bar.update(self._task, total=self._n_workers)

    def advanced(self, description: str) -> None:
        """Show which worker starts; all before it have ended."""
        description = plain(description)  # it names a file
        if self._is_inspecting and not description.partition(": ")[0].endswith("inspection"):
            self._is_inspecting = False  # it compiles with empty caches and takes longer than a round
            self._pace_start, self._n_before_pace = time.monotonic(), self._n_started
        left = self._left()
        if self._console.is_terminal:
            self._bar.update(self._task, description=description, completed=self._n_started, left=left)
            self._bar.refresh()
        else:
            to_go = f"{self._n_workers - self._n_started} to go"
            line = f"{description} ({', '.join(filter(None, [to_go, left]))})"
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
        self._n_started += 1

    def recalled(self) -> None:
        """Leave the worker out of the pace, however many of its processes need not run."""
        self._recalled.add(self._n_started)

    @property
    def n_recalled(self) -> int:
        """Number of workers whose results an earlier run left."""
        return len(self._recalled)

    def _left(self) -> str:
        """Estimate the remaining time, once a timed worker has ended."""
        of_this_pace = set(range(self._n_before_pace + 1, self._n_started + 1))
        n_run = len(of_this_pace - self._recalled)
        if of_this_pace and not n_run:
            return "measured before"
        if self._is_inspecting or not n_run:
            return ""
        now = time.monotonic()
        pace_s = (now - self._pace_start) / n_run
        left_s = pace_s * (self._n_workers - self._n_started)
        if self._max_time_s is not None:
            left_s = min(left_s, max(self._max_time_s - (now - self._start), pace_s))
        return f"about {left_s:.0f} s left" if left_s < LONG_S else f"about {left_s / 60:.0f} min left"
