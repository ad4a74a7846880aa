"""The command line: its help, its exit statuses, and calls that it refuses."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from benchmarks.cli.main import main
from benchmarks.cli.parser import RENAMED
from benchmarks.paths import CODE

COMMANDS = [
    *("run", "list", "explain", "table", "report", "merge", "campaign", "ab", "calibrate", "compare"),
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


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        *(
            (["run", option, "1"], f"{option} of version 0.1.0 is now `{new}`")
            for option, new in RENAMED.items()
        ),
        (["ab", "--impls=x"], "--impls of version 0.1.0 is now `--impl-dir`"),
        (["run", "--roundz", "3"], "did you mean --rounds?"),
        (["track", "show", "--histories", "x"], "did you mean --history?"),
        (["table", "a.json", "--xyzzy"], "unknown arguments: --xyzzy\n"),
    ],
)
def test_an_unknown_option_is_refused_with_the_commands_usage_and_the_option_that_is_meant(
    call: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="4"):
        main(call)

    found = capsys.readouterr().err
    assert found.startswith(f"usage: perceptron-bench {call[0]}")
    assert hint in found


def test_the_renamed_options_are_those_of_the_changelog() -> None:
    text = (CODE / "CHANGELOG.md").read_text(encoding="utf-8")
    lines = re.findall(r"^  \| (`--.+`|`table --write`) \| `([^`]+)`.* \|$", text, re.MULTILINE)
    of_changelog = {
        old.removeprefix("table "): new for olds, new in lines for old in re.findall("`([^`]+)`", olds)
    }

    assert of_changelog.pop("--suite quick") == "--quick"  # a value, which argparse refuses with the others
    assert of_changelog == RENAMED


HELPS = """
import contextlib, io, sys
before = {*sys.modules}
from benchmarks.cli.main import main
for command in sys.argv[1:]:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main([*command.split(), "--help"])
loaded = {name.partition(".")[0] for name in {*sys.modules} - before}
print(*sorted(loaded - sys.stdlib_module_names))
"""


def test_no_help_loads_a_package() -> None:
    command = [sys.executable, "-c", HELPS, "", *COMMANDS]
    done = subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=True)  # noqa: S603 - ours

    assert done.stdout.split() == ["benchmarks", "impls"]
