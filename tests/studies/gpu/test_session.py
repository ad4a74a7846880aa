"""The session on a lent GPU, rehearsed without one: too little time, a line that hangs, a kill."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import discover
from benchmarks.cli.main import build_parser
from benchmarks.files import write_atomically
from benchmarks.paths import CODE
from benchmarks.studies.gpu import commands, session
from benchmarks.studies.gpu.lines import LINES, Line
from benchmarks.studies.gpu.session import main

if TYPE_CHECKING:
    from pathlib import Path

WRITES = "import pathlib; pathlib.Path(r'{out}', 'record.json').write_text('[1]'); print('measured')"
HANGS = f"{WRITES}; import time; time.sleep(60)"


def line(name: str, *scripts: str, least_s: float = 0.1, limit_s: float = 30) -> Line:
    commands = tuple(("-c", script) for script in scripts)
    return Line(name=name, answers="?", commands=commands, limit_s=limit_s, least_s=least_s)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    monkeypatch.setattr(commands, "GRACE_S", 0.5)
    monkeypatch.setattr(session, "RESERVE_S", 0.1)


def measure(
    monkeypatch: pytest.MonkeyPatch, archive: Path, *lines: Line, seconds: float = 60, resume: bool = False
) -> int:
    monkeypatch.setattr(session, "LINES", lines)
    return main([f"--seconds={seconds}", f"-o{archive}", *["--resume"] * resume, f"--lines=1-{len(lines)}"])


def contents(archive: Path) -> dict[str, str]:
    with tarfile.open(archive) as tar:
        files = [member for member in tar.getmembers() if member.isfile()]
        return {each.name: tar.extractfile(each).read().decode() for each in files}  # type: ignore[union-attr] # a file


def statuses(archive: Path) -> dict[str, str]:
    return {name: state["status"] for name, state in json.loads(contents(archive)["session.json"]).items()}


def test_what_every_line_wrote_and_printed_is_in_one_archive(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "session.tar"

    status = measure(monkeypatch, archive, line("1-a", WRITES), line("2-b", WRITES, "print('second')"))

    assert status == 0
    found = contents(archive)
    assert found["1-a.1/record.json"] == "[1]"
    assert (found["1-a.1/1.log"], found["2-b.1/2.log"]) == ("measured\n", "second\n")
    assert statuses(archive) == {"1-a": "done", "2-b": "done"}
    assert [path.name for path in tmp_path.iterdir()] == ["session.tar"]
    assert "2-b: done, " in capfd.readouterr().out


def test_a_line_that_hangs_is_ended_and_the_next_one_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    archive = tmp_path / "session.tar"

    status = measure(monkeypatch, archive, line("1-hangs", HANGS, limit_s=3), line("2-b", WRITES))

    assert status == 1
    assert statuses(archive) == {"1-hangs": "cut short", "2-b": "done"}
    found = contents(archive)
    assert (found["1-hangs.1/record.json"], found["1-hangs.1/1.log"]) == ("[1]", "measured\n")


def test_a_line_that_ignores_sigterm_is_killed_with_its_children(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = (
        "import os, pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork();"
        "pathlib.Path(r'{out}', str(os.getpid())).touch(); time.sleep(60)"
    )
    archive = tmp_path / "session.tar"

    measure(monkeypatch, archive, line("1-stubborn", script, limit_s=3))

    pids = [int(name.rpartition("/")[2]) for name in contents(archive) if re.fullmatch(r".*/\d+", name)]
    assert len(pids) == 2
    assert not any(_is_alive(pid) for pid in pids)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:  # noqa: PTH123 - one word of it
            return file.read().rpartition(")")[2].split()[0] != "Z"  # nobody has waited for it yet
    except OSError:
        return False


def test_a_line_without_time_is_left_out_and_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "session.tar"

    status = measure(
        monkeypatch,
        archive,
        line("1-a", WRITES),
        line("2-long", WRITES, least_s=100),
        line("3-c", WRITES),
        seconds=60,
    )

    assert status == 1
    assert statuses(archive) == {"1-a": "done", "2-long": "left out", "3-c": "done"}
    assert re.search(
        r"2-long: left out \(it needs 100 s at least, and \d+ s were left\)", capfd.readouterr().out
    )


def test_the_budget_ends_a_line_before_its_own_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    archive = tmp_path / "session.tar"
    start_s = time.monotonic()

    measure(monkeypatch, archive, line("1-hangs", HANGS), line("2-b", WRITES), seconds=3)

    assert statuses(archive) == {"1-hangs": "cut short", "2-b": "left out"}
    assert time.monotonic() - start_s < 30  # and not the minute for which it sleeps


def test_a_command_that_fails_is_named_with_its_log_and_the_others_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "session.tar"

    status = measure(monkeypatch, archive, line("1-a", "raise SystemExit('no such option')", WRITES))

    assert status == 1
    assert contents(archive)["1-a.1/1.log"] == "no such option\n"
    assert contents(archive)["1-a.1/2.log"] == "measured\n"
    assert "1-a: failed (command 1 of 2: exit status 1, see 1-a.1/1.log)" in capfd.readouterr().out


def test_resumed_only_what_is_not_done_is_measured_again_and_the_earlier_part_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    archive = tmp_path / "session.tar"
    measure(monkeypatch, archive, line("1-a", WRITES), line("2-b", HANGS, limit_s=3))

    status = measure(monkeypatch, archive, line("1-a", "raise"), line("2-b", WRITES), resume=True)

    assert status == 0
    assert {"1-a.1/record.json", "2-b.1/record.json", "2-b.2/record.json"} < {*contents(archive)}


def test_a_second_session_does_not_replace_the_archive_of_the_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "session.tar"
    measure(monkeypatch, archive, line("1-a", WRITES))

    assert measure(monkeypatch, archive, line("1-a", HANGS)) == 4
    assert "expected no archive, found one, or its folder; go on with --resume" in capfd.readouterr().err
    assert statuses(archive) == {"1-a": "done"}


def test_on_a_full_disk_it_ends_and_names_the_folder_with_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "session.tar"

    def write(path: Path, content: str | bytes) -> None:
        if path == archive:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_atomically(path, content)

    monkeypatch.setattr(session, "write_atomically", write)
    assert measure(monkeypatch, archive, line("1-a", WRITES), line("2-b", HANGS)) == 4
    assert capfd.readouterr().err == (
        f"{archive}: can't be written (No space left on device); "
        f"what was measured is in {archive}.lines: make room, and go on with --resume\n"
    )

    monkeypatch.setattr(session, "write_atomically", write_atomically)
    assert measure(monkeypatch, archive, line("1-a", "raise"), line("2-b", WRITES), resume=True) == 0
    assert {"1-a.1/record.json", "2-b.1/record.json"} < {*contents(archive)}


def test_an_archive_of_something_else_is_refused_and_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "other.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(__file__, "a.py")
    before = archive.read_bytes()

    assert measure(monkeypatch, archive, line("1-a", WRITES), resume=True) == 4

    assert "expected an archive of a session (" in capfd.readouterr().err
    assert ([*tmp_path.iterdir()], archive.read_bytes()) == ([archive], before)


@pytest.mark.parametrize("seconds", ["0", "-5", "nan", "inf", "ten"])
def test_a_time_that_is_none_is_refused(
    seconds: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([f"--seconds={seconds}", f"-o{tmp_path / 'session.tar'}"])

    assert f"expected a number of seconds above zero, as 420, found '{seconds}'" in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_after_a_kill_in_the_middle_a_resumed_session_has_all_that_was_written(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    archive, written = tmp_path / "session.tar", tmp_path / "session.tar.lines" / "2-b.1" / "record.json"
    script = (
        "from benchmarks.studies.gpu import session; from tests.studies.gpu.test_session import *;"
        "session.LINES = (line('1-a', WRITES), line('2-b', HANGS));"
        f"raise SystemExit(main(['--seconds=60', '-o{archive}', '--lines=1-2']))"
    )
    process = subprocess.Popen([sys.executable, "-c", script], cwd=CODE)  # noqa: S603 - our own code, without a shell
    while not written.exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(number)
    status = process.wait(30)

    assert status == (-signal.SIGKILL if number == signal.SIGKILL else 1)
    assert statuses(archive)["1-a"] == "done"
    status = measure(monkeypatch, archive, line("1-a", "raise"), line("2-b", WRITES), resume=True)
    assert status == 0
    found = contents(archive)
    assert (found["2-b.1/record.json"], found["2-b.2/record.json"]) == ("[1]", "[1]")


def test_every_command_of_the_list_is_one_that_the_program_accepts() -> None:
    parser, known, n_commands = build_parser(), {*discover()}, 0

    for each in LINES:
        assert 0 < each.least_s < each.limit_s
        for command in each.commands:
            _, module, *arguments = (part.format(out="out", seconds=60) for part in command)
            if module == "benchmarks":
                parsed = parser.parse_args(arguments)
                assert {*(getattr(parsed, "impl", None) or ())} <= known
                n_commands += 1
    assert n_commands == 9


def test_the_list_in_order_of_priority_fits_into_two_calls() -> None:
    assert [int(each.name.partition("-")[0]) for each in LINES] == [*range(1, len(LINES) + 1)]
    for part in (LINES[:4], LINES[4:]):
        assert sum(each.least_s for each in part) < 420
