"""`track show`, on the terminal and as a plot, and its messages where there is nothing to show."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.cli.main import main
from benchmarks.track.history import add
from tests.helpers.runs import run_of_day, timed, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Make a history of 20 nights; from the eleventh on, torch is another and torch_eager 10 % slower."""
    pytest.importorskip("ruptures")
    noise = np.random.default_rng(0)
    for day in range(20):
        slower, torch = (1.1, "2.14.0") if day >= 10 else (1, "2.13.0")
        run = run_of_day(
            day,
            timed("native_floor", (1e-5 * np.exp(noise.normal(0, 0.002, 6))).tolist()),
            timed("jax_scan", (4e-5 * np.exp(noise.normal(0, 0.002, 6))).tolist()),
            timed("torch_eager", (1e-3 * slower * np.exp(noise.normal(0, 0.002, 6))).tolist()),
            versions={"python": "3.11.7", "torch": torch},
            commit=f"{day:010x}",
            commit_elsewhere=f"{day + 256:010x}",
        )
        add(write(run, tmp_path / "run.json"), tmp_path / "history")
    return tmp_path / "history"


def test_show_lists_each_case_and_for_a_change_the_differences_there(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["track", "show", "--history", str(history)]) == 0

    trends, changes = capsys.readouterr().out.split("Change points")
    assert "against native_floor on A CPU (2 CPUs), full float32" in trends
    lines = [line.split() for line in trends.splitlines() if "-B32-" in line]
    assert [(line[0].partition("-")[0], line[1], line[-1]) for line in lines] == [
        ("jax_scan", "20", "0"),
        ("torch_eager", "20", "1"),
    ]
    for words in (
        "torch_eager-cpu-B32-D2-N4-E3 against native_floor",
        "2026-11-11 00:00",
        " 000000000a ",
        "loops: 000000010a",
        "commit 0000000009 → 000000000a",
        "commit of the implementations 0000000109 → 000000010a",
        "torch 2.13.0 → 2.14.0",
    ):
        assert words in changes
    assert re.search(r" \+(9\.[89]|10\.[0-2])% ", changes)
    assert "jax_scan-cpu" not in changes


def test_show_keeps_each_case_with_its_ratio_and_its_changes_readable_in_every_width(
    history: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in (60, 80, 100, 180):
        monkeypatch.setenv("COLUMNS", str(width))

        assert main(["track", "show", "--history", str(history)]) == 0

        trends, changes = capsys.readouterr().out.split("Change points")
        assert max(map(len, (trends + changes).splitlines())) <= width
        for case, ratio in {
            "jax_scan": r"\b(4|4\.0\d+|3\.9\d+)\b",
            "torch_eager": r"\b1[01]\d(\.\d)?\b",
        }.items():
            assert re.search(rf"^ *{case}-cpu-B32-D2-N4-E3(.*\n)?.* {ratio}", trends, re.MULTILINE)
        assert re.search(r"torch_eager-cpu-B32-D2-N4-E3 against(.|\n)*\+(9\.[89]|10\.[0-2])%", changes)
        assert re.search(r"torch\s+2\.13\.0\s+→\s+2\.14\.0", changes)


def test_show_names_the_cases_that_the_newest_run_lacks(
    history: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = run_of_day(20, timed("native_floor", [1e-5] * 6), timed("jax_scan", [4e-5] * 6))
    add(write(lacking, tmp_path / "run.json"), history)

    assert main(["track", "show", "--history", str(history)]) == 0

    out = capsys.readouterr().out
    (ended,) = (line for line in out.splitlines() if line.startswith("Not in the newest run"))
    assert ended == "Not in the newest run (2026-11-21 00:00): torch_eager-cpu-B32-D2-N4-E3"


def test_show_takes_a_part_of_the_cases_names_and_another_baseline(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["track", "show", "native", "--baseline", "jax_scan", "--history", str(history)]) == 0

    out = capsys.readouterr().out
    assert "against jax_scan on" in out
    assert "native_floor-cpu" in out
    assert "torch_eager-cpu" not in out


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (["jax_scna"], "unknown case 'jax_scna': expected one of jax_scan-cpu-B32"),
        (
            ["--baseline", "jax_jit"],
            "unknown baseline 'jax_jit': expected one of native_floor, jax_scan, torch_eager",
        ),
        (["--plot", "trends.pdf"], "--plot: expected a file that ends in .svg or .png, found trends.pdf"),
    ],
)
def test_show_refuses_unknown_names_with_the_known_ones(
    call: list[str], message: str, history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["track", "show", *call, "--history", str(history)]) == 4

    assert message in capsys.readouterr().err


def test_without_any_record_the_message_says_how_to_get_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for action in ("show", "export"):
        assert main(["track", action, "--history", str(tmp_path / "none")]) == 4
        assert "add one with `perceptron-bench track add FILE`" in capsys.readouterr().err


def test_with_few_runs_changes_are_not_looked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ruptures")
    file = write(
        run_of_day(0, timed("torch_eager", [1e-3]), timed("jax_scan", [1e-5])), tmp_path / "run.json"
    )
    add(file, tmp_path / "history")

    assert main(["track", "show", "--history", str(tmp_path / "history")]) == 0

    (line,) = [line for line in capsys.readouterr().out.splitlines() if "jax_scan-cpu" in line]
    assert line.split()[-3:] == ["—"] * 3  # noise, visible, changes


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_plot_names_its_axes_and_labels_each_change(suffix: str, history: Path, tmp_path: Path) -> None:
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    plot = tmp_path / "new folder" / f"trends{suffix}"

    assert main(["track", "show", "--plot", str(plot), "--history", str(history)]) == 0

    if suffix == ".png":
        assert plot.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        return
    text = plot.read_text(encoding="utf-8")
    for words in (
        "date of the run (UTC)",
        "epoch time / baseline's (no unit)",
        "jax_scan-cpu-B32-D2-N4-E3 against native_floor, 2026-11-01 to 2026-11-20",
        "torch 2.13.0 → 2.14.0",
        "commit 0000000009 → 000000000a",
    ):
        assert text.count(words) >= 1
    assert text.count(">torch 2.13.0 → 2.14.0<") == 1  # jax_scan has not changed


def test_a_plot_that_can_not_be_written_is_refused(
    history: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("altair")
    pytest.importorskip("vl_convert")
    (tmp_path / "folder.svg").mkdir()

    assert main(["track", "show", "--plot", str(tmp_path / "folder.svg"), "--history", str(history)]) == 4

    assert "can't be written (Is a directory); name another file with --plot" in capsys.readouterr().err


@pytest.mark.parametrize("package", ["altair", "vl_convert"])
def test_without_the_plotting_packages_the_message_names_what_to_install(
    package: str, history: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "benchmarks.report.plots.trend", raising=False)  # which has imported it

    assert main(["track", "show", "--plot", f"{os.devnull}.svg", "--history", str(history)]) == 4

    assert "pip install 'perceptron-bench[report]'" in capsys.readouterr().err
