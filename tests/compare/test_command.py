"""`perceptron-bench compare`: what it refuses, and what its report has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.records.row import KEY
from tests.compare.records import BASE, case, new_run

if TYPE_CHECKING:
    from tests.compare.records import Call, Compare


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--baseline=nobody"],
            "expected an implementation with times of the same problem in both records (torch_eager), found",
        ),
        (["--threshold=nobody=5"], "unknown case in --threshold 'nobody'"),
        (["--threshold=much"], "--threshold: expected [CASE=]PERCENT"),
        (["--threshold=nan"], "--threshold: expected more than 0 and less than 100 %, found 'nan'"),
        (["--threshold=torch=-1"], "--threshold: expected more than 0 and less than 100 %, found 'torch=-1'"),
        (["--threshold=100"], "--threshold: expected more than 0 and less than 100 %, found '100'"),
        (["--alpha=0"], "rule: alpha: expected a number from 1e-12 to 1, found 0"),
        (["--drift=-1"], "rule: drift: expected a number from 0 to 0.999, found -0.01"),
        (["--drift=nan"], "rule: drift: expected a number from 0 to 0.999, found nan"),
        (["--json=/dev/null/a.json"], "can't be written"),
        (["--json=same", "--junit=same"], "same: expected one report for each file, found 2"),
    ],
)
def test_a_call_that_makes_no_sense_ends_with_a_sentence_and_status_4(
    arguments: list[str], message: str, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments) == 4
    assert message in capsys.readouterr().err


def test_a_report_never_overwrites_a_record(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "new.json")

    for path in (tmp_path / "base.json", tmp_path / "link.json"):
        assert call(f"--json={path}") == 4
        assert "found a record that is to be compared" in capsys.readouterr().err
    assert json.loads((tmp_path / "base.json").read_text(encoding="utf-8"))[KEY]["rows"]


@pytest.mark.parametrize(
    ("thresholds", "status"),
    [
        (["5", "torch=25"], 0),
        (["torch=25", "5"], 1),
        (["torch=25", "5", "torch=25"], 0),
        (["25", "25", "5"], 1),
    ],
)
def test_of_several_thresholds_that_fit_a_case_the_one_said_last_counts(
    thresholds: list[str], status: int, call: Call
) -> None:
    assert call(*(f"--threshold={each}" for each in thresholds), new=new_run(case(1.2))) == status


def test_a_job_summary_that_cannot_be_written_is_warned_of_and_the_verdict_is_as_it_is(
    call: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/dev/null/summary.md")

    assert (call(), call(new=new_run(case(1.2)))) == (0, 1)
    captured = capsys.readouterr()
    warnings = captured.err.splitlines()
    assert len(warnings) == 2
    for warning in warnings:
        assert warning.startswith("warning: GITHUB_STEP_SUMMARY=/dev/null/summary.md: can't be written (")
    assert "1 slower, of 1 case" in captured.out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_report_that_fails_in_the_end_is_warned_of_and_changes_no_status(
    call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--json=/dev/full", new=new_run(case(1.2))) == 1
    captured = capsys.readouterr()
    assert captured.err == "warning: /dev/full: can't be written (No space left on device)\n"
    assert "1 slower, of 1 case" in captured.out


def test_the_report_says_how_it_was_judged_and_when_each_side_was_measured(
    compare: Compare, capsys: pytest.CaptureFixture[str]
) -> None:
    compare(BASE, new_run(case(1.2)))

    shown = capsys.readouterr().out
    assert "1 slower, of 1 case" in shown
    assert "+20.0 %" in shown
    assert "base: measured 2026-11-01" in shown
    assert "new: measured 2026-11-02" in shown
    assert "widened by 3.0% for a drift of the machine" in shown
