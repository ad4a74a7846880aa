"""Standard output and error as machines have them: not in UTF-8, closed, or on a full disk."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from benchmarks.cli.main import main
from benchmarks.paths import CODE
from tests.helpers.runs import run_of_day, timed, write

FULL = Path("/dev/full")
"""A file that can be opened and never written."""

full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


@pytest.fixture
def records(tmp_path: Path) -> dict[str, str]:
    """Write two records, the second with a slower case, one of another case, and a history."""
    floor = timed("native_floor", [1e-5] * 6)
    settings = {"baseline": "native_floor"}
    scan = timed("jax_scan", [4e-5] * 6)
    base = write(run_of_day(0, floor, scan, settings=settings), tmp_path / "base.json")
    new = write(run_of_day(1, floor, timed("jax_scan", [8e-5] * 6)), tmp_path / "new.json")
    rows = (timed("native_floor", [1.1e-5] * 6), timed("jax_jit", [5e-5] * 6))
    other = write(run_of_day(2, *rows, settings=settings), tmp_path / "other.json")
    (tmp_path / "history").mkdir()
    outputs = {"HISTORY": str(tmp_path / "history"), "MERGED": str(tmp_path / "merged.json")}
    return {"BASE": str(base), "NEW": str(new), "OTHER": str(other)} | outputs


COMMANDS = {
    "table": (["table", "BASE"], 0),
    "explain": (["explain", "jax_scan", "BASE"], 0),
    "compare": (["compare", "BASE", "BASE"], 0),
    "regression": (["compare", "BASE", "NEW"], 1),
    "merge": (["merge", "BASE", "OTHER", "-o", "MERGED"], 0),
    "track add": (["track", "add", "BASE", "--history", "HISTORY"], 0),
    "usage": (["table", "no such file"], 4),
}
"""Calls and their exit statuses."""

parametrized = pytest.mark.parametrize(("call", "status"), COMMANDS.values(), ids=COMMANDS)


def named(call: list[str], records: dict[str, str]) -> list[str]:
    return [records.get(word, word) for word in call]


@parametrized
def test_a_character_that_the_output_can_not_encode_is_replaced(
    call: list[str], status: int, records: dict[str, str]
) -> None:
    printed = io.BytesIO()

    with redirect_stdout(io.TextIOWrapper(printed, encoding="ascii")) as stream:
        assert main(named(call, records)) == status
        stream.flush()

    if call[0] in ("table", "explain") and status == 0:
        assert b" ?s" in printed.getvalue()  # µs


@full
@parametrized
def test_an_output_that_is_full_has_a_status_of_its_own(
    call: list[str], status: int, records: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with FULL.open("w", encoding="utf-8") as output, redirect_stdout(output):
        try:
            found = main(named(call, records))
        except SystemExit as end:
            found = int(str(end.code))

    assert found == (4 if status == 4 else 74)
    (message,) = capsys.readouterr().err.splitlines()
    assert "can't be" in message


@full
@parametrized
def test_messages_that_can_not_be_written_change_no_status(
    call: list[str], status: int, records: dict[str, str]
) -> None:
    with FULL.open("w", encoding="utf-8") as errors, redirect_stderr(errors):
        assert main(named(call, records)) == status


def in_shell(script: str, *call: str, folder: Path = CODE) -> subprocess.CompletedProcess[str]:
    """Run the command line as "$@" of the script."""
    command = ["sh", "-c", script, "sh", sys.executable, "-P", "-m", "benchmarks", *call]
    environment = {**os.environ, "PYTHONPATH": str(CODE)}
    return subprocess.run(  # noqa: S603 - ours
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("script", ['"$@" >&-', '"$@" 2>&-', '"$@" <&- >&- 2>&-'])
def test_a_closed_stream_changes_neither_status_nor_files(
    script: str, records: dict[str, str], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"

    done = in_shell(script, "compare", records["BASE"], records["NEW"], f"--json={report}")

    assert done.returncode == 1
    assert not done.stderr
    assert report.read_text(encoding="utf-8").endswith("}\n")  # nothing else was written into it


@full
@pytest.mark.parametrize(
    ("script", "call", "status"),
    [
        ('"$@" >/dev/full', ["--help"], 74),
        ('"$@" >/dev/full', ["run", "--help"], 74),
        ('PYTHONUNBUFFERED=1 "$@" >/dev/full', ["run", "--help"], 74),
        ('"$@" 2>/dev/full', ["run", "--device=tpu"], 4),
        ('PYTHONIOENCODING=ascii "$@"', ["compare", "--help"], 0),
    ],
)
def test_help_and_usage_end_as_documented_whatever_the_streams_are(
    script: str, call: list[str], status: int
) -> None:
    done = in_shell(script, *call)

    assert done.returncode == status
    assert "Traceback" not in done.stderr


def test_a_deleted_current_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()

    done = in_shell(f"rmdir '{gone}' && \"$@\"", "table", "run.json", folder=gone)

    assert done.returncode == 4
    (message,) = [line for line in done.stderr.splitlines() if line.startswith("perceptron-bench: ")]
    assert "the current folder can't be used (No such file or directory)" in message
    assert "Traceback" not in done.stderr
