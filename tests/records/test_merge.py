"""Records of parallel jobs joined as one run: what is compared, and what the run says of itself."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.analysis.figures import figures_of, ratio_of, rows_by_group
from benchmarks.cases.problems import NAMED
from benchmarks.records.machine import Hardware
from benchmarks.records.merge import join_runs
from benchmarks.records.provenance import Part
from benchmarks.records.row import Check, Verdict
from tests.conftest import SMALL
from tests.helpers.records import ABSENT, AGREEMENT, INVALID, row, run_of
from tests.helpers.runs import run_of_day, timed

if TYPE_CHECKING:
    from benchmarks.analysis.figures import Figures
    from benchmarks.records.row import Row
    from benchmarks.records.run import Run
    from impls.contract import Problem

BASELINE = "torch_eager"
OTHERS = ("jax_scan", "jax_jit", "torch_step", "torch_epoch", "native_floor")
N_ROUNDS = 6


def noisy(source: random.Random, implementation: str, n_rounds: int = N_ROUNDS, **changes: object) -> Row:
    """Make a row whose times no other row has."""
    return timed(implementation, [1e-4 * source.uniform(1, 2) for _ in range(n_rounds)], **changes)


def moved(row_: Row, by: int) -> Row:
    """Change the numbers of a row's rounds."""
    return replace(row_, processes=tuple(replace(each, round=each.round + by) for each in row_.processes))


def part_of(run: Run, job: int) -> Run:
    """Return the run of a job whose rounds are a part of the given run's."""
    mine = range(job * N_ROUNDS, (job + 1) * N_ROUNDS)
    parts = [
        replace(each, processes=tuple(process for process in each.processes if process.round in mine))
        for each in run.rows
    ]
    return run_of_day(job, *(moved(part, -mine.start) for part in parts if part.processes))


def without_samples(rows: tuple[Row, ...]) -> list[Row]:
    """Leave out which of pytest-benchmark's samples are whose: its part has those of the first job only."""
    return [
        replace(each, processes=tuple(replace(process, n_kept=0) for process in each.processes))
        for each in rows
    ]


def figures_by_case(run: Run) -> dict[str, Figures]:
    return {each.case: replace(each, run="", machine="") for each in figures_of(run)}


@pytest.mark.parametrize("seed", range(20))
def test_parts_of_a_run_split_by_implementation_are_merged_to_the_run_but_for_their_dates(seed: int) -> None:
    source = random.Random(seed)  # noqa: S311 - no secret
    n_jobs = source.randint(2, 4)
    job_of = sorted((source.randrange(n_jobs), name) for name in OTHERS)

    def rows_of(problem: Problem) -> list[Row]:
        baseline = noisy(source, BASELINE, n_jobs * N_ROUNDS, problem=problem)
        others = [moved(noisy(source, name, problem=problem), job * N_ROUNDS) for job, name in job_of]
        return [baseline, *others]

    whole = run_of_day(0, *rows_of(SMALL), *rows_of(NAMED["book"]))

    merged = join_runs([part_of(whole, job) for job in range(n_jobs)])

    assert without_samples(merged.rows) == without_samples(whole.rows)
    assert figures_by_case(merged) == figures_by_case(whole)
    assert replace(merged.provenance, parts=[]) == whole.provenance
    assert (merged.settings, merged.converted_from) == (whole.settings, whole.converted_from)


@pytest.mark.parametrize("seed", range(5))
def test_a_run_split_by_problem_keeps_all_its_figures(seed: int) -> None:
    source = random.Random(seed)  # noqa: S311 - no secret
    jobs = [
        [noisy(source, name, problem=problem) for name in (BASELINE, *OTHERS)]
        for problem in (NAMED["book"], NAMED["wide"], SMALL)
    ]
    whole = run_of(*(each for rows in jobs for each in rows))

    merged = join_runs([run_of_day(day, *rows) for day, rows in enumerate(jobs)])

    assert figures_by_case(merged) == figures_by_case(whole)
    assert [each.case for each in merged.rows] == [each.case for each in whole.rows]


def test_a_case_is_compared_only_with_the_baseline_of_its_own_job() -> None:
    fast, slow = (
        run_of_day(day, timed(BASELINE, [scale * 1e-3] * 6), timed(name, [scale * 1e-4] * 6))
        for day, (scale, name) in enumerate([(1, "jax_scan"), (1.5, "jax_jit")])
    )

    merged = join_runs([fast, slow])

    (group,) = rows_by_group(merged).values()
    ratios = [ratio_of(group[BASELINE], group[name]) for name in ("jax_scan", "jax_jit")]
    assert [ratio and (round(ratio.value, 9), ratio.coverage) for ratio in ratios] == [(10, 0.96875)] * 2
    assert [process.round for process in group["jax_jit"].processes] == [6, 7, 8, 9, 10, 11]
    assert len(group[BASELINE].processes) == 12


def test_cases_of_different_jobs_have_no_ratio_to_each_other() -> None:
    jobs = [run_of_day(day, timed(name, [1e-3] * 6)) for day, name in enumerate((BASELINE, "jax_scan"))]

    found = figures_by_case(join_runs(jobs))

    assert [each.speedup for each in found.values()] == [1.0, None]
    assert all(each.is_timed for each in found.values())


def test_the_order_of_the_records_changes_no_figure() -> None:
    source = random.Random(1)  # noqa: S311 - no secret
    jobs = [run_of_day(day, noisy(source, BASELINE), noisy(source, OTHERS[day])) for day in range(3)]

    assert figures_by_case(join_runs(jobs)) == figures_by_case(join_runs(jobs[::-1]))


def test_records_that_are_merged_in_two_steps_give_what_one_step_gives() -> None:
    source = random.Random(2)  # noqa: S311 - no secret
    jobs = [run_of_day(day, noisy(source, BASELINE), noisy(source, OTHERS[day])) for day in range(3)]
    none_timed = run_of_day(3, replace(INVALID, problem=NAMED["book"]))

    for each in (jobs, [jobs[0], none_timed, jobs[1]]):
        assert join_runs([join_runs(each[:2]), each[2]]) == join_runs(each)


def test_the_rounds_that_a_job_did_not_reach_are_left_out() -> None:
    short, whole = (run_of_day(day, timed(BASELINE, [1e-3 + day * 1e-5] * n)) for day, n in ((0, 2), (1, 6)))

    (found,) = join_runs([short, whole]).rows

    assert [process.round for process in found.processes] == [0, 1, 6, 7, 8, 9, 10, 11]


def test_a_merged_run_names_its_parts_and_each_machine_once_on_the_hardware_of_one() -> None:
    jobs = [
        run_of_day(2, timed(BASELINE, [1e-3] * 6), machine="runner-1", gpu="NVIDIA H200, 580.1"),
        run_of_day(1, timed("jax_scan", [1e-4] * 6), machine="runner-2", gpu="NVIDIA H200, 580.1"),
        run_of_day(3, timed("jax_jit", [1e-4] * 6), machine="runner-1", gpu="NVIDIA H200, 580.1"),
    ]

    merged = join_runs(jobs)

    at = merged.provenance
    assert at.date == jobs[1].provenance.date
    assert [host.machine for host in at.hosts] == ["runner-1", "runner-2"]
    assert at.parts == [
        Part(date=jobs[0].provenance.date, machine="runner-1", first_round=0),
        Part(date=jobs[1].provenance.date, machine="runner-2", first_round=6),
        Part(date=jobs[2].provenance.date, machine="runner-1", first_round=12),
    ]
    assert at.host.machine == "runner-1, runner-2"
    assert {Hardware.of(run) for run in (merged, *jobs)} == {Hardware.of(merged)}


def test_a_package_that_only_one_job_has_is_named_with_its_version() -> None:
    torch, jax = {"torch": "2.13.0", "jax": "not installed"}, {"torch": "not installed", "jax": "0.10.2"}
    jobs = [
        run_of_day(day, row(name), versions=v) for day, (name, v) in enumerate([("a", torch), ("b", jax)])
    ]

    for order in (jobs, jobs[::-1]):
        assert join_runs(order).provenance.versions == {"torch": "2.13.0", "jax": "0.10.2"}


def test_a_case_that_is_wrong_in_one_job_is_wrong_in_the_run_with_every_reason() -> None:
    wrong = replace(
        INVALID,
        agreement=replace(AGREEMENT, fault="loss of step 1: …"),
        manifest=(Check(name="graph breaks", expected="0", found="2", holds=False),),
    )
    other = replace(wrong, reason="another", manifest=(replace(wrong.manifest[0], found="0", holds=True),))
    right = row("jax_jit")

    for rows in ((right, wrong, other), (wrong, other, right)):
        (found,) = join_runs([run_of_day(day, each) for day, each in enumerate(rows)]).rows
        assert (found.verdict, found.processes) == (Verdict.INVALID, ())
        assert found.reason == "loss of step 1: …; another"
        assert found.manifest == wrong.manifest


def test_a_case_that_crashed_in_one_job_has_failed_and_shows_no_time() -> None:
    crashed = row("jax_jit", verdict=Verdict.FAILED, reason="killed", processes=())

    (found,) = join_runs([run_of_day(0, row("jax_jit")), run_of_day(1, crashed)]).rows

    assert (found.verdict, found.reason, found.is_timed) == (Verdict.FAILED, "killed", False)


def test_a_case_that_could_not_run_in_one_job_has_the_times_of_the_others() -> None:
    jobs = [run_of_day(0, ABSENT), run_of_day(1, row("jax_scan"))]

    for order in (jobs, jobs[::-1]):
        (found,) = join_runs(order).rows
        assert (found.verdict, found.reason, len(found.processes)) == (Verdict.VERIFIED, None, 6)


def test_the_deviation_is_that_of_the_job_that_was_furthest_from_the_reference() -> None:
    near, far = (row(agreement=replace(AGREEMENT, max_loss_deviation=each)) for each in (1e-8, 2e-7))

    for rows in ((near, far), (far, near)):
        (found,) = join_runs([run_of_day(day, each) for day, each in enumerate(rows)]).rows
        assert found.agreement == far.agreement


def test_the_suite_is_named_if_all_jobs_measured_it_and_every_interruption_is() -> None:
    settings: list[dict[str, str | None]] = [
        {"suite": "named", "interrupted": None},
        {"suite": "named", "interrupted": "Ctrl-C"},
        {"suite": None, "interrupted": "No space left on device"},
    ]
    jobs = [run_of_day(day, row(f"loop_{day}"), settings=each) for day, each in enumerate(settings)]

    assert join_runs(jobs[:1] * 2).settings == jobs[0].settings
    assert join_runs(jobs[:2]).settings.suite == "named"
    merged = join_runs(jobs).settings
    assert (merged.suite, merged.interrupted) == (None, "Ctrl-C, No space left on device")
