"""How wide the commands take a terminal, a pipe and the variable COLUMNS to be."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from benchmarks.cli.main import main
from benchmarks.terminal import WIDE, Terminal
from tests.helpers.runs import run_of_day, timed, write

if TYPE_CHECKING:
    from pathlib import Path


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("columns", "file", "width"),
    [
        (None, io.StringIO(), WIDE),
        ("100", io.StringIO(), 100),
        ("60", io.StringIO(), 60),
        ("0", io.StringIO(), WIDE),
        ("5", io.StringIO(), 80),
        ("many", io.StringIO(), WIDE),
        ("60", Screen(), 60),
        ("0", Screen(), 80),
    ],
)
def test_columns_sets_the_width_if_something_can_be_read_in_it(
    columns: str | None, file: io.StringIO, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.__stdout__", io.StringIO())  # else it may be a terminal of another width
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)

    assert Terminal(file=file).width == width


@pytest.mark.parametrize("columns", ["0", "60", "80", "100", "180"])
def test_compare_prints_each_case_and_verdict_in_every_width(
    columns: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    base, new = (
        write(run_of_day(day, timed("jax_scan", [time_s] * 6)), tmp_path / f"{day}.json")
        for day, time_s in enumerate((4e-5, 8e-5))
    )

    assert main(["compare", str(base), str(new)]) == 1

    (line,) = [
        line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("jax_scan-cpu")
    ]
    assert line.split()[0] == "jax_scan-cpu-B32-D2-N4-E3"
    assert line.split()[-1] == "slower"
