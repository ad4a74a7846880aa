"""Progress on a screen and in a log."""

from __future__ import annotations

import io
import re

from rich.console import Console

from benchmarks.progress import ContestProgress


def shown(*, terminal: bool) -> str:
    output = io.StringIO()
    with ContestProgress(Console(file=output, force_terminal=terminal, width=120)) as progress:
        progress.planned(3)
        for name in ("a", "b", "c"):
            progress.advanced(f"round 1 of 1: {name}")
    return output.getvalue()


def test_a_log_gets_one_line_per_worker_and_an_estimate_from_the_second_on() -> None:
    lines = shown(terminal=False).split("\n")

    assert lines[0] == "round 1 of 1: a"
    assert lines[1].startswith("round 1 of 1: b (2 to go, about 0 s left)")
    assert lines[2].startswith("round 1 of 1: c (1 to go, about 0 s left)")


def test_a_screen_gets_a_bar_that_counts_the_workers_that_ended() -> None:
    screen = shown(terminal=True)

    assert "round 1 of 1: c" in screen
    assert "2/3" in screen
    assert "3/3" not in screen


def test_what_was_measured_before_does_not_count_in_the_pace_however_many_processes_it_was() -> None:
    console = Console(file=io.StringIO(), width=200)
    progress = ContestProgress(console)
    progress.planned(9)
    progress.advanced("inspection: before")
    for _ in range(4):  # an inspection has a process for each case
        progress.recalled()
    progress.advanced("inspection: also before")
    progress.recalled()
    progress.advanced("round 1: measured now")
    progress.advanced("round 1: the next")

    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[1] == "inspection: also before (measured before)"
    assert re.fullmatch(r"round 1: the next \(6 to go, about \d+ s left\)", lines[3])
