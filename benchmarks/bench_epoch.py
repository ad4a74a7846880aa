"""The benchmark that pytest collects: an epoch of every implementation, device and problem."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.pytest_plugin.clock import ReplayClock
from benchmarks.records.row import KEY, SCHEMA_VERSION, Verdict
from benchmarks.runner.case import CaseResult


def bench_epoch(benchmark: BenchmarkFixture, case_result: CaseResult, replay_clock: ReplayClock) -> None:
    """An epoch agrees with the reference at every step; only then is there a time to show."""
    row = case_result.row()
    if row.verdict is Verdict.NOT_MEASURED:
        pytest.skip(f"{row.verdict}: {row.reason}")
    if row.verdict is not Verdict.VERIFIED:
        details = f"\n{case_result.end_reason.details}" if case_result.end_reason else ""
        pytest.fail(f"{row.verdict}: {row.reason}{details}", pytrace=False)
    if benchmark.disabled:
        benchmark.pedantic(lambda: None)
        return
    # A row of the run's part of the file.
    benchmark.extra_info[KEY] = {"schema_version": SCHEMA_VERSION, "case": row.case}
    replay_clock.load(case_result.kept_s)
    benchmark.pedantic(replay_clock.tick, setup=replay_clock.reset, rounds=len(case_result.kept_s))
