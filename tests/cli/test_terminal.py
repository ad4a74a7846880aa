"""A closed output pipe, as after `| head -1`, has its own exit status and is not a result."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from benchmarks.paths import CODE
from benchmarks.terminal import Terminal
from tests.helpers.comparisons import COMPARISON
from tests.helpers.runs import run_of_day, timed, write

if TYPE_CHECKING:
    from pathlib import Path


class Closed(io.StringIO):
    """A pipe that was closed."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


RUN = run_of_day(0, timed("native_floor", [1e-5] * 6), timed("jax_scan", [4e-5] * 6))


def status_into_a_closed_pipe(*arguments: str | Path) -> int:
    """Run the command line with a closed output pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(  # noqa: S603 - ours
        command, cwd=CODE, env=variables, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert not done.stderr
    return done.returncode


def test_a_comparison_into_a_closed_pipe_writes_its_reports_and_is_no_regression(tmp_path: Path) -> None:
    record = write(RUN, tmp_path / "run.json")
    json, junit = tmp_path / "report.json", tmp_path / "report.xml"

    status = status_into_a_closed_pipe("compare", record, record, "--json", json, "--junit", junit)

    assert status == 141
    assert COMPARISON.read(json).exit_status() == 0
    assert ET.parse(junit).getroot().get("tests") == "2"  # noqa: S314 - our own file


@pytest.mark.parametrize(
    "command",
    [["explain", "jax_scan", "RECORD"], ["table", "RECORD"], ["track", "show", "--history", "HISTORY"]],
    ids=["explain", "table", "track"],
)
def test_a_closed_pipe_is_no_failure_of_a_command(command: list[str], tmp_path: Path) -> None:
    if "show" in command:
        pytest.importorskip("ruptures", reason="needs the extra `report`")
    (tmp_path / "history").mkdir()
    record = write(RUN, tmp_path / "run.json")
    assert status_into_a_closed_pipe("track", "add", record, "--history", tmp_path / "history") == 141
    files = {"RECORD": record, "HISTORY": tmp_path / "history"}

    assert status_into_a_closed_pipe(*(files.get(word, word) for word in command)) == 141


def test_after_the_pipe_is_closed_nothing_more_is_printed_so_that_the_record_can_be_kept() -> None:
    terminal = Terminal(file=Closed())

    with pytest.raises(OSError, match="Broken pipe"):  # which interrupts a comparison as a full disk does
        terminal.print("the first line")
    terminal.print("the next one")
