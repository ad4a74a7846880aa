"""Resuming: a case that a killed run had measured is not measured again, and nothing is lost."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks import paths
from benchmarks.cases.implementations import read_entry
from benchmarks.errors import UsageError
from benchmarks.paths import CODE
from benchmarks.records.row import Verdict
from benchmarks.records.run import read_run
from benchmarks.runner.case import Case
from benchmarks.runner.resume import ResumeFolder
from benchmarks.runner.rounds import run_rounds
from benchmarks.runner.settings import Settings
from benchmarks.runner.system import choose_cpus
from tests.conftest import SMALL
from tests.helpers.comparisons import COMPARISON
from tests.helpers.quiet import QUIETLY
from tests.helpers.records import run_of
from tests.helpers.rounds import OTHER, Listener

if TYPE_CHECKING:
    from benchmarks.records.provenance import Provenance

pytestmark = pytest.mark.usefixtures("forked")

SETTINGS = Settings(rounds=2, sample_s=0.002, cpus=choose_cpus(1))
PROVENANCE: Provenance = run_of().provenance


def cases_of(path: Path) -> list[Case]:
    return [Case(read_entry(path), "cpu", problem) for problem in (SMALL, OTHER)]


def test_workers_that_ended_before_the_kill_are_recalled_and_the_rest_is_run(
    numpy_float32: Path, tmp_path: Path
) -> None:
    cases = cases_of(numpy_float32)
    killed, resumed = Listener(interrupt_at=4), Listener()

    run_rounds(cases, SETTINGS, tmp_path, killed)
    results, _ = run_rounds(cases, SETTINGS, tmp_path, resumed)

    recalled = [line for line in resumed.heard if line.endswith("(recalled)")]
    assert recalled == 2 * ["round 1 of 2, with the inspection: numpy_float32 on cpu (recalled)"]
    assert [[p.round for p in result.row().processes] for result in results] == [
        [0, 1],
        [0, 1],
    ]


def test_the_answers_of_a_worker_that_was_cut_short_are_kept(numpy_float32: Path, tmp_path: Path) -> None:
    cases = cases_of(numpy_float32)
    complete, _ = run_rounds(cases, SETTINGS, tmp_path, Listener())
    (report,) = tmp_path.glob("00-01-*.report")
    report.unlink()
    answers = report.with_suffix(".jsonl")
    readiness, first, second = answers.read_text().splitlines(keepends=True)
    answers.write_text(readiness + first + second[:100])

    results, _ = run_rounds(cases, SETTINGS, tmp_path, Listener())

    second_rounds_s = [[each.row().processes[1].min_s for each in of] for of in (complete, results)]
    assert sum(before == after for before, after in zip(*second_rounds_s, strict=True)) == 1
    assert [result.row().verdict for result in results] == [Verdict.VERIFIED] * 2


@pytest.mark.parametrize("end", ["jsonl", "job", "report"])
def test_a_torn_file_of_a_killed_run_is_measured_again(end: str, numpy_float32: Path, tmp_path: Path) -> None:
    cases = cases_of(numpy_float32)
    run_rounds(cases, SETTINGS, tmp_path, Listener())
    for file in tmp_path.glob(f"00-01-*.{end}"):
        file.write_bytes(b"\xff{\n" + file.read_bytes())
    for report in tmp_path.glob("00-01-*.report") if end == "jsonl" else ():
        report.unlink()

    results, _ = run_rounds(cases, SETTINGS, tmp_path, Listener())

    assert [len(result.row().processes) for result in results] == [2, 2]
    assert [result.row().verdict for result in results] == [Verdict.VERIFIED] * 2


def test_a_failure_before_the_kill_is_recalled_as_a_failure(numpy_float32: Path, tmp_path: Path) -> None:
    numpy_float32.write_text("raise ImportError('broken')")
    cases = cases_of(numpy_float32)

    first, _ = run_rounds(cases, SETTINGS, tmp_path, Listener())
    again, _ = run_rounds(cases, SETTINGS, tmp_path, Listener())

    assert [t.row().reason for t in again] == [t.row().reason for t in first]
    assert [t.row().verdict for t in again] == [Verdict.FAILED] * 2


def test_the_same_run_finds_its_folder_and_any_other_does_not(numpy_float32: Path, tmp_path: Path) -> None:
    def folder(settings: Settings = SETTINGS, provenance: Provenance = PROVENANCE) -> Path:
        found = ResumeFolder.of((cases_of(numpy_float32), settings), provenance, root=tmp_path)
        found.release()
        return found.folder

    first = folder()

    assert folder() == first
    assert folder(settings=replace(SETTINGS, rounds=3)) != first
    assert folder(provenance=replace(PROVENANCE, versions={"torch": "9"})) != first
    assert folder(provenance=replace(PROVENANCE, date="2026-11-24")) == first
    numpy_float32.write_text(numpy_float32.read_text() + "ANOTHER = 1\n")
    assert folder() != first


def test_two_processes_can_not_measure_the_same_run(numpy_float32: Path, tmp_path: Path) -> None:
    cases = cases_of(numpy_float32)
    held = ResumeFolder.of(cases, PROVENANCE, root=tmp_path)

    with pytest.raises(UsageError, match="this run is already in progress"):
        ResumeFolder.of(cases, PROVENANCE, root=tmp_path)
    held.release()
    ResumeFolder.of(cases, PROVENANCE, root=tmp_path).discard()
    assert list(tmp_path.iterdir()) == [numpy_float32]


def test_a_run_killed_or_out_of_budget_is_resumed_and_its_record_is_complete(
    numpy_float32: Path, tmp_path: Path
) -> None:
    record = tmp_path / "run.json"
    command = [
        *(
            *QUIETLY,
            "pytest",
            "-p",
            "no:cacheprovider",
            "benchmarks",
            "--benchmark-only",
            "--resume",
        ),
        *("--impl", str(numpy_float32), "--baseline", "numpy_float32", "--device", "cpu", "--rounds", "3"),
        *(f"--problem=book,batch_size={size}" for size in (8, 16)),
        f"--benchmark-json={record}",
    ]

    with subprocess.Popen(  # noqa: S603 - our own code, without a shell
        command,
        cwd=CODE,
        env={**os.environ, "UNHURRIED": ""},  # the third worker must not end before the kill
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as first:
        while first.poll() is None and len(_results_of(numpy_float32)) < 3:
            time.sleep(0.01)
        os.kill(first.pid, signal.SIGKILL)
    assert not record.exists() or not record.read_bytes()  # pytest-benchmark before 5.3 opens it at once
    assert not _workers_of(numpy_float32)
    (kept_in,) = {results.parent for results in _results_of(numpy_float32)}

    def go_on(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *options], cwd=CODE, capture_output=True, text=True, check=False)  # noqa: S603 - our own code, without a shell

    little, rest = go_on("--max-time=0.001"), go_on()

    assert [little.returncode, rest.returncode] == [0, 0], little.stdout + rest.stdout
    assert "resuming: 3 workers of this run had started" in little.stdout, little.stdout
    assert "1 of 3 rounds" in little.stdout
    assert (
        "resuming: 3 workers of this run had started" in rest.stdout
    )  # two of the first round, one of the second
    assert [len(row.processes) for row in read_run(record).rows] == [3] * 2
    assert len(json.loads(record.read_text())["benchmarks"]) == 2
    assert not kept_in.exists()


def test_a_comparison_killed_by_sigkill_resumes_with_the_pair_that_was_cut_short(
    numpy_float32: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    command = [
        *(*QUIETLY, "benchmarks", "ab", "--resume"),
        *(f"--base-impl={numpy_float32}", f"--new-impl={numpy_float32}", f"--json={report}"),
        *("--max-pairs=3", "--threshold=0.01", "--problem=book,batch_size=32,n_batches=4,n_epochs=3"),
    ]
    with subprocess.Popen(  # noqa: S603 - our own code, without a shell
        command, cwd=CODE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as first:
        assert first.stdout is not None
        while not (line := first.stdout.readline()).startswith("pair 2 "):
            assert line, "it ended before it could be killed"
        os.kill(first.pid, signal.SIGKILL)
    assert not report.exists()
    (kept_in,) = {results.parent for results in _results_of(numpy_float32)}

    again = subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)  # noqa: S603 - our own code, without a shell

    comparison = COMPARISON.read(report)
    assert again.returncode == comparison.exit_status(), again.stdout
    assert len(comparison.verdicts[0].ratios) == 3
    resumed = re.search(r"resumed: (\d+) processes had been measured", again.stdout)
    assert resumed, again.stdout
    assert int(resumed[1]) >= 2  # of one pair; of pair 2, if the kill was late
    assert not kept_in.exists()


def _results_of(path: Path) -> list[Path]:
    """Find what is kept of unfinished runs that measured the file; other tests may leave theirs meanwhile."""
    jobs = [job for job in paths.UNFINISHED.glob("*/*.job") if str(path) in _text(job)]
    return [results for job in jobs if _text(results := job.with_suffix(".jsonl"))]


def _workers_of(path: Path) -> list[str]:
    """Find the workers that measure the file, waiting a little for the system to carry a kill out."""
    deadline = time.monotonic() + 1  # the worker would take longer
    while True:
        jobs = [_text(file) for file in Path("/proc").glob("[0-9]*/cmdline")]
        found = [job for job in jobs if "benchmarks.worker" in job and _names(job, path)]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.01)


def _names(command: str, path: Path) -> bool:
    results = Path(command.split("\0")[-3]).resolve()
    return str(path) in _text(results.with_suffix(".job"))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""
