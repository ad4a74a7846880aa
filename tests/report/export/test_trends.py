"""Points of trends as files of other tools."""

from __future__ import annotations

import csv
import errno
import io
import os
import re
from typing import TYPE_CHECKING

import pytest

from benchmarks.cli.main import main
from benchmarks.report.export.trends import COLUMNS, to_csv
from benchmarks.track.trends import trends_of
from tests.helpers.runs import record_of, run_of_day, timed, write
from tests.report.export.test_clients import strictly

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Make a history of two runs; the newer one is slower."""
    folder = tmp_path / "history"
    for day, scan_s in ((1, 6e-5), (0, 4e-5)):
        scan = timed("jax_scan", [scan_s + i * 1e-6 for i in range(6)])
        rows = (timed("native_floor", [1e-5] * 6), scan, timed("torch_eager", [1e-3 + day * 1e-9] * 4))
        run = run_of_day(day, *rows, commit_elsewhere="89abcdef01" if day else None)
        file = write(run, tmp_path / f"{day}.json")
        assert main(["track", "add", str(file), "--history", str(folder)]) == 0
    return folder


def test_github_action_benchmark_reads_the_statistic_that_gates_as_custom_smaller_is_better(
    history: Path, tmp_path: Path
) -> None:
    """`extractCustomBenchmarkResult` in src/extract.ts, for `tool: customSmallerIsBetter`.

    An array of {name, unit, value} and, optionally, range and extra, all but the value being text:
    https://github.com/benchmark-action/github-action-benchmark#examples. A range is brought to another unit
    where it reads "± NUMBER" (src/extractRangeInfo.ts).
    """
    out = tmp_path / "out.json"
    export = ["track", "export", "--format", "customSmallerIsBetter", "--history", str(history)]

    assert main([*export, "-o", str(out)]) == 0

    entries = strictly(out.read_text(encoding="utf-8"))
    assert [(entry["name"], entry["unit"], entry["value"]) for entry in entries] == [
        ("jax_scan-cpu-B32-D2-N4-E3 vs native_floor", "times native_floor", pytest.approx(6.25, rel=1e-3)),
        ("torch_eager-cpu-B32-D2-N4-E3 vs native_floor", "times native_floor", 100),
    ]
    ranges = [entry.get("range") for entry in entries]
    assert re.fullmatch(r"± \d+\.\d+", ranges[0])
    assert float(ranges[0].removeprefix("± ")) == pytest.approx(0.25)  # of 6.0 to 6.5
    assert ranges[1] is None  # fewer than five rounds have no interval
    assert all(isinstance(value, str) for entry in entries for key, value in entry.items() if key != "value")
    assert "62.5 µs an epoch, native_floor 10 µs\n6 rounds\nA CPU (2 CPUs)" in entries[0]["extra"]
    ending = "torch 2.13.0\ncommit 0123456789\ncommit of the implementations 89abcdef01"
    assert entries[0]["extra"].endswith(ending)


def test_a_named_record_is_exported_instead_of_the_newest(
    history: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    older = str(tmp_path / "0.json")

    assert main(["track", "export", older, "--format=customSmallerIsBetter", "--history", str(history)]) == 0

    assert strictly(capsys.readouterr().out)[0]["value"] == pytest.approx(4.25, rel=1e-3)


def test_a_run_without_any_baseline_is_refused_as_the_action_would_refuse_an_empty_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(run_of_day(0, timed("jax_scan", [1e-5])), tmp_path / "run.json")

    assert main(["track", "export", str(file), "--format=customSmallerIsBetter"]) == 4

    assert "name another one with --baseline" in capsys.readouterr().err


def test_the_csv_has_one_row_per_case_and_run_and_every_column_is_explained(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()

    assert main(["track", "export", "--history", str(history)]) == 0

    reader = csv.DictReader(io.StringIO(capsys.readouterr().out))
    rows = list(reader)
    assert reader.fieldnames == [column.title for column in COLUMNS]
    assert [(row["implementation"], row["date"]) for row in rows] == [
        ("jax_scan", "2026-11-01T00:00:00+00:00"),
        ("jax_scan", "2026-11-02T00:00:00+00:00"),
        ("torch_eager", "2026-11-01T00:00:00+00:00"),
        ("torch_eager", "2026-11-02T00:00:00+00:00"),
    ]
    newest = rows[1]
    assert float(newest["ratio"]) == pytest.approx(6.25, rel=1e-3)
    assert float(newest["ratio_high"]) == pytest.approx(6.5)
    assert float(newest["min_us"]) == pytest.approx(62.5)
    assert float(newest["baseline_min_us"]) == pytest.approx(10)
    assert (newest["n_rounds"], newest["torch"], newest["jax"]) == ("6", "2.13.0", "")
    assert [(row["commit"], row["commit_elsewhere"]) for row in rows[:2]] == [
        ("0123456789", ""),
        ("0123456789", "89abcdef01"),
    ]
    assert rows[3]["ratio_low"] == ""
    with pytest.raises(SystemExit, match="0"):
        main(["track", "export", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert all(f"{column.title} {column.meaning}" in shown for column in COLUMNS)


def test_a_spreadsheet_computes_no_text_of_the_csv(tmp_path: Path) -> None:
    run = run_of_day(0, timed("torch_eager", [1e-3]), timed("=1+1", [1e-3]))

    text = to_csv([point for trend in trends_of([record_of(run, tmp_path)], None) for point in trend.points])

    assert ",'=1+1-cpu" in text
    assert ",=1+1" not in text


def test_an_export_that_fails_leaves_the_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(run_of_day(0, timed("torch_eager", [1e-3] * 6)), tmp_path / "run.json")
    old = tmp_path / "trends.csv"
    old.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("benchmarks.files.os.fsync", fail)

    assert main(["track", "export", str(file), "-o", str(old)]) == 4
    assert old.read_text() == "old"
