"""Progress on a screen and in a log."""

from __future__ import annotations

import io

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
