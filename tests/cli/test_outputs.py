"""The files that a comparison is written to."""

from __future__ import annotations

import argparse
import errno
import os
import stat
from pathlib import Path

import pytest

from benchmarks.cli.outputs import Outputs
from benchmarks.errors import UsageError
from benchmarks.report.export.junit import to_junit
from benchmarks.report.tables.comparison import to_markdown
from tests.helpers.comparisons import ALL, COMPARISON


@pytest.fixture
def files(tmp_path: Path) -> argparse.Namespace:
    return argparse.Namespace(**{name: tmp_path / f"report.{name}" for name in ("json", "markdown", "junit")})


def test_every_report_asked_for_is_written_and_a_job_summary_appended_to(
    files: argparse.Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("what another step said\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    Outputs.of(files).write(ALL)

    assert COMPARISON.read(files.json) == ALL
    assert files.markdown.read_text(encoding="utf-8") == to_markdown(ALL)
    assert files.junit.read_bytes() == to_junit(ALL)
    assert summary.read_text(encoding="utf-8") == "what another step said\n" + to_markdown(ALL)


def test_finding_out_whether_a_file_can_be_written_leaves_everything_as_it_was(
    files: argparse.Namespace, tmp_path: Path
) -> None:
    files.junit.write_text("of an earlier run", encoding="utf-8")

    Outputs.of(files)

    assert list(tmp_path.iterdir()) == [files.junit]
    assert files.junit.read_text(encoding="utf-8") == "of an earlier run"


def test_what_cannot_be_written_is_refused_by_name_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=stat.S_IRUSR)
    for path in (tmp_path, Path("/proc/none/a.json"), tmp_path / "file" / "a.json"):
        with pytest.raises(UsageError, match=r"can't be written \(.*\); name another file"):
            Outputs.of(argparse.Namespace(json=path, markdown=None, junit=None))


def test_a_full_disk_leaves_the_reports_of_an_earlier_comparison(
    files: argparse.Namespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in vars(files).values():
        path.write_text("old", encoding="utf-8")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("benchmarks.files.os.fsync", fail)

    assert not Outputs.of(files).write(ALL)
    assert {path.read_text(encoding="utf-8") for path in vars(files).values()} == {"old"}
    assert capsys.readouterr().err.count("No space left on device") == len(vars(files))
