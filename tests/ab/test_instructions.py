"""`ab --metric instructions`: what counts as changed, and what is said where nothing can be counted."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from benchmarks.ab import comparison as ab_module
from benchmarks.ab import instructions
from benchmarks.ab.instructions import make_counter, make_ready
from benchmarks.ab.pairs import paired_cases_of
from benchmarks.cli.main import main
from benchmarks.compare.decide import final_verdict, verdict_so_far
from benchmarks.compare.rule import COUNTED_RULE, Category, Rule
from benchmarks.errors import UsageError
from benchmarks.runner.dispatch import Dispatcher
from benchmarks.runner.launch import launch
from benchmarks.worker.messages import Job, Measurement
from benchmarks.worker.samples import summarize
from tests.ab.invented import PROBLEM
from tests.ab.test_pairs import side
from tests.conftest import SMALL
from tests.helpers.comparisons import COMPARISON
from tests.verify.test_fairness import FAIR, INSPECTED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.runner.case import CaseResult
from benchmarks.runner.dispatch import WorkerRun


@dataclass(frozen=True, kw_only=True)
class CountingDispatcher(Dispatcher):
    """Finds the new side's epoch half as long, and to have 3 % more instructions."""

    def prepare(self, turns: object) -> None:
        """Start nothing."""

    def work(
        self,
        case_results: Sequence[CaseResult],
        worker_run: WorkerRun,
        *,
        siblings: Sequence[CaseResult] = (),
    ) -> None:
        del siblings
        is_new = worker_run.caches.parent.name == "new"
        assert FAIR.timing is not None
        summary = summarize([50e-6 if is_new else 100e-6] * 10)
        timing = replace(FAIR.timing, summary=summary, n_instructions=1.03e6 if is_new else 1e6)
        result = INSPECTED if worker_run.inspects else replace(FAIR, timing=timing)
        for case_result in case_results:
            case_result.add(result, round_=worker_run.round, position=worker_run.position)


def ab(*arguments: str) -> int:
    """Compare numpy_float32 with itself under another variable."""
    return main(["ab", "--metric=instructions", "--impl=numpy_float32", "--new-env=A=1", PROBLEM, *arguments])


@pytest.mark.parametrize(
    ("programs", "reason"),
    [
        ([], "valgrind, which is not on the path"),
        (["valgrind"], "needs a C compiler"),
        (["valgrind", "cc"], "does not compile: exit status 1"),
    ],
)
def test_where_something_is_missing_every_case_is_missing_and_says_what(
    programs: list[str],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in programs:  # each fails
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)

    assert ab() == 5
    shown = capsys.readouterr().out
    assert "1 missing, of 1 case" in shown
    assert reason in shown


def test_a_gpu_s_instructions_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instructions, "make_counter", lambda folder: folder / "counter.so")
    sides = {name: side(name) for name in ("base", "new")}
    paired_cases = paired_cases_of(sides, product((SMALL,), ("cpu", "cuda"), (1,), ["first"]), COUNTED_RULE)

    assert make_ready(paired_cases, tmp_path) == tmp_path / "counter.so"
    on_cpu, on_gpu = (paired_case.verdict(1, "at once") for paired_case in paired_cases)
    assert on_cpu.category is Category.UNDECIDED
    assert on_gpu.category is Category.MISSING
    assert "base: valgrind counts the instructions of CPUs only" in (on_gpu.reason or "")


def test_it_judges_and_reports_the_instructions_and_not_the_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ab_module, "Dispatcher", CountingDispatcher)
    monkeypatch.setattr(instructions, "make_counter", lambda folder: folder / "counter.so")
    files = {name: tmp_path / f"report.{name}" for name in ("json", "junit", "markdown")}

    assert ab(*(f"--{name}={path}" for name, path in files.items())) == 1
    shown = capsys.readouterr().out
    assert "1.00 M   1.03 M   +3.0 %" in shown
    assert "valgrind knows no AVX-512" in shown
    assert "its fewest instructions" in files["markdown"].read_text(encoding="utf-8")
    comparison = COMPARISON.read(files["json"])
    (verdict,) = comparison.verdicts
    assert comparison.rule.metric == "instructions"
    assert verdict.ratios == pytest.approx([1.03] * 3)
    (case,) = ET.parse(files["junit"]).iter("testcase")  # noqa: S314 - our own file
    assert float(case.get("time", "")) == 0  # under valgrind there is no time worth telling


@pytest.mark.parametrize(
    ("ratios", "category"),
    [
        ([1.0, 1.002], Category.UNCHANGED),
        ([1.03, 1.04], None),  # another pair can still say the contrary
        ([1.03, 1.04, 1.03], Category.SLOWER),
        ([1 / 1.03] * 3, Category.FASTER),
        ([1.03, 1.04, 0.999], Category.UNDECIDED),
        ([1.0, 1.03, 1.001], Category.UNDECIDED),
    ],
)
def test_counts_are_judged_by_all_of_a_few_pairs(ratios: list[float], category: Category | None) -> None:
    decision = verdict_so_far(ratios, COUNTED_RULE, n_cases=10)

    assert (decision and decision.category) == category


def test_of_however_many_counts_none_may_say_the_contrary() -> None:
    rule = replace(COUNTED_RULE, max_pairs=20)

    assert final_verdict([1.05] * 20, rule).category is Category.SLOWER
    assert final_verdict([0.99, *[1.05] * 19], rule).category is Category.UNDECIDED


def test_times_are_never_judged_by_so_few_pairs() -> None:
    assert final_verdict([1.5] * 3, replace(COUNTED_RULE, metric="time")).category is Category.UNDECIDED
    assert Rule().metric == "time"


def test_code_that_valgrind_does_not_know_is_named_as_the_cause(
    numpy_float32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "valgrind").write_text("#!/bin/sh\nkill -ILL $$\n", encoding="utf-8")
    (tmp_path / "valgrind").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    job = Job(path=str(numpy_float32), framework="numpy", devices=("cpu",), problems=(SMALL,), counter="x.so")

    assert "valgrind knows no AVX-512" in (launch(job, tmp_path, "foreign").error or "")


def test_twice_the_batches_are_about_twice_the_instructions(numpy_float32: Path, tmp_path: Path) -> None:
    try:
        counter = make_counter(tmp_path)
    except UsageError as error:
        pytest.skip(str(error))
    problems = tuple(replace(SMALL, n_batches=n) for n in (2, 4))
    job = Job(
        path=str(numpy_float32),
        framework="numpy",
        devices=("cpu",),
        problems=problems,
        sample_s=1e-3,
        counter=str(counter),
    )

    report = launch(job, tmp_path, "counted")

    assert report.error is None, report.log
    short, long = (
        result.timing.n_instructions
        for result in report.results
        if isinstance(result, Measurement) and result.timing and result.timing.n_instructions
    )
    assert 1e5 < short < 1e7
    assert 1.5 < long / short < 2.5
