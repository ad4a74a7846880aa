"""The benchmark that pytest collects: an epoch of every implementation, device and problem."""

from contextlib import suppress

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
        _count_without_time(benchmark)
        details = f"\n{case_result.end_reason.details}" if case_result.end_reason else ""
        pytest.fail(f"{row.verdict}: {row.reason}{details}", pytrace=False)
    if benchmark.disabled:
        benchmark.pedantic(lambda: None)
        return
    # A row of the run's part of the file.
    benchmark.extra_info[KEY] = {"schema_version": SCHEMA_VERSION, "case": row.case}
    replay_clock.load(case_result.kept_s)
    benchmark.pedantic(replay_clock.tick, setup=replay_clock.reset, rounds=len(case_result.kept_s))


def _count_without_time(benchmark: BenchmarkFixture) -> None:
    """Hand over a function that raises: pytest-benchmark saves no session in which it got none at all."""

    def refused() -> None:
        raise ValueError

    with suppress(ValueError):
        benchmark.pedantic(refused)
