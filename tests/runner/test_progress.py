"""Progress on a screen and in a log."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from rich.console import Console

from benchmarks.runner.progress import RoundsProgress

if TYPE_CHECKING:
    import pytest


def shown(*, terminal: bool) -> str:
    output = io.StringIO()
    with RoundsProgress(Console(file=output, force_terminal=terminal, width=120)) as progress:
        progress.planned(3)
        for name in ("a", "b", "c"):
            progress.advanced(f"round 1 of 1: {name}")
    return output.getvalue()


def test_a_log_gets_one_line_per_worker_and_an_estimate_from_the_second_on() -> None:
    lines = shown(terminal=False).split("\n")

    assert lines[:3] == [
        "round 1 of 1: a (3 to go)",
        "round 1 of 1: b (2 to go, about 0 s left)",
        "round 1 of 1: c (1 to go, about 0 s left)",
    ]


def lines_of(
    monkeypatch: pytest.MonkeyPatch, starts_s: dict[str, float], *, max_time_s: float | None
) -> list[str]:
    """Return the lines of a log of ten workers that start at these times."""
    now_s = 0.0
    monkeypatch.setattr("benchmarks.runner.progress.time.monotonic", lambda: now_s)
    console = Console(file=io.StringIO(), width=200)
    progress = RoundsProgress(console, max_time_s=max_time_s)
    progress.planned(10)
    for name, start_s in starts_s.items():
        now_s = start_s
        progress.advanced(name)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined,no-any-return] # a StringIO


STARTS_S = {
    "block 1 of 2, inspection: a": 0.0,
    "inspection: b": 60.0,
    "round 1: b": 120.0,
    "round 1: inspection_free": 130.0,
    "round 2: a": 140.0,
}


def test_the_inspections_pace_is_not_taken_for_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lines_of(monkeypatch, STARTS_S, max_time_s=None) == [
        "block 1 of 2, inspection: a (10 to go)",
        "inspection: b (9 to go)",
        "round 1: b (8 to go)",
        "round 1: inspection_free (7 to go, about 70 s left)",
        "round 2: a (6 to go, about 60 s left)",
    ]


def test_the_estimate_leaves_out_rounds_beyond_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = lines_of(monkeypatch, {**STARTS_S, "round 2: b": 150}, max_time_s=155)

    assert [line.split(", ")[1] for line in lines[3:]] == [
        "about 25 s left)",
        "about 15 s left)",
        "about 10 s left)",  # the worker that has begun
    ]


def test_a_screen_gets_a_bar_that_counts_the_workers_that_ended() -> None:
    screen = shown(terminal=True)

    assert "round 1 of 1: c" in screen
    assert "2/3" in screen
    assert "3/3" not in screen


def test_recalled_workers_do_not_count_in_the_pace_however_many_processes_they_had() -> None:
    console = Console(file=io.StringIO(), width=200)
    progress = RoundsProgress(console)
    progress.planned(9)
    progress.advanced("inspection: before")
    for _ in range(4):  # an inspection has a process for each case
        progress.recalled()
    progress.advanced("inspection: also before")
    progress.recalled()
    progress.advanced("round 1: measured now")
    progress.advanced("round 1: the next")

    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined] # a StringIO
    assert lines[1] == "inspection: also before (8 to go, measured before)"
    assert lines[2] == "round 1: measured now (7 to go)"
    assert re.fullmatch(r"round 1: the next \(6 to go, about \d+ s left\)", lines[3])


def test_a_name_with_markup_or_escapes_is_shown_as_it_is() -> None:
    output = io.StringIO()
    with RoundsProgress(Console(file=output, width=120)) as progress:
        progress.planned(1)
        progress.advanced("round 1 of 1: [red]a[/]\x1b[31m\udcff\u202e")

    assert output.getvalue() == "round 1 of 1: [red]a[/]\\u001b[31m\\udcff\\u202e (1 to go)\n\n"
