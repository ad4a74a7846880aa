"""A worker's output, however much there is: its end is kept, and reading it takes no memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from benchmarks.runner.answers import MAX_LOG_BYTES, TAIL_BYTES, cut, tail

if TYPE_CHECKING:
    from pathlib import Path


def test_the_last_lines_of_a_log_larger_than_the_memory_are_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        file.truncate(2**42)  # takes no room on the disk
        file.seek(0, os.SEEK_END)
        file.write(b"\nfirst \xff\nlast\n")

    assert tail(log, 2) == "first \ufffd\nlast"


def test_a_long_log_is_cut_to_its_end_and_its_writer_goes_on_there(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("a") as writer:
        writer.write("x" * MAX_LOG_BYTES + "\nthe end\n")
        writer.flush()
        cut(log)
        writer.write("more\n")

    assert log.stat().st_size == TAIL_BYTES + len("more\n")
    assert tail(log, 2) == "the end\nmore"


def test_a_short_log_is_left_as_it_is(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x" * MAX_LOG_BYTES)

    cut(log)

    assert log.stat().st_size == MAX_LOG_BYTES
