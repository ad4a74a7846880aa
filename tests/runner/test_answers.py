"""A worker's output, however much there is: its end is kept, and reading it takes no memory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from benchmarks.hosts import Equipment
from benchmarks.runner.answers import MAX_LOG_BYTES, TAIL_BYTES, Ending, by_rank, cut, read_reports, tail
from benchmarks.worker.messages import Readiness, message_to_json

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


HERE = Equipment(machine="a", cpu="A CPU", n_cpus=2, gpu=None, versions={"torch": "2.13.0"})
THERE = Equipment(machine="b", cpu="B CPU", n_cpus=2, gpu=None, versions={"torch": "2.13.0"})


def joined(folder: Path, *ready: Readiness | None) -> dict[str, str | None] | None:
    """Return why the ranks that are ready, or not (None), can't run."""
    files = by_rank(folder / "results", len(ready))
    for file, each in zip(files, ready, strict=True):
        file.write_text(f"{message_to_json(each)}\n" if each else "")
    found = read_reports(files, Ending(error=None, log="")).readiness
    return dict(found.unavailable.items()) if found else None


def test_a_reason_of_one_rank_names_it_and_its_host_and_one_of_all_ranks_none(tmp_path: Path) -> None:
    lacking = Readiness(unavailable={"cpu": "no gloo"}, host=THERE)
    ready = Readiness(unavailable={"cpu": None}, host=HERE)

    assert joined(tmp_path, ready, lacking) == {"cpu": "rank 1 on b: no gloo"}
    assert joined(tmp_path, None, lacking) == {"cpu": "rank 1 on b: no gloo"}
    assert joined(tmp_path, lacking, lacking) == {"cpu": "no gloo"}
    assert joined(tmp_path, ready, None) is None


def test_ranks_whose_hosts_differ_can_not_run_together(tmp_path: Path) -> None:
    here, there = (Readiness(unavailable={"cpu": None}, host=host) for host in (HERE, THERE))
    found = joined(tmp_path, here, here, there)

    assert found
    assert "expected one CPU, found A CPU on a (rank 0) and B CPU on b (rank 2). Start" in (
        found["cpu"] or ""
    )
    assert joined(tmp_path, here, here) == {"cpu": None}
