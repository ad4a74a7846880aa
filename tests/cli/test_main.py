"""The command line: its help, its exit statuses, and calls that it refuses."""

from __future__ import annotations

import pytest

from benchmarks.cli.main import main

COMMANDS = [
    *("run", "list", "explain", "table", "report", "ab", "calibrate", "compare"),
    *("track add", "track show", "track export"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_fits_80_columns_and_ends_with_the_exit_statuses(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    with pytest.raises(SystemExit, match="0"):
        main([*command.split(), "--help"])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"usage: perceptron-bench {command}")
    assert [line for line in lines if len(line) > 80 and "/" not in line] == []  # a path is not broken
    assert lines[-1].split(maxsplit=1) == ["141", "the output pipe was closed"]


def test_without_a_command_the_help_lists_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])

    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("    ")}
    assert {command.split()[0] for command in COMMANDS} <= listed


@pytest.mark.parametrize(
    "call",
    [
        ["no-such-command"],
        ["run", "--device", "tpu"],
        ["run", "--problm", "book"],
        ["calibrate", "--impl=nobody", "--threshold=1"],  # which it is to find out
    ],
)
def test_a_call_that_can_not_be_understood_has_status_4(call: list[str]) -> None:
    with pytest.raises(SystemExit, match="4"):
        main(call)
