"""Which records can be compared, which are refused, and which by ratios to a baseline only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.compare.rule import Category
from benchmarks.records.machine import FULL_PRECISION
from benchmarks.records.provenance import Part
from benchmarks.records.row import Verdict
from tests.compare.records import NOISY_S, case, new_run
from tests.conftest import SMALL
from tests.helpers.runs import run_of_day

if TYPE_CHECKING:
    from benchmarks.records.row import Row
    from tests.compare.records import Call, Compare

JOB_DATE = "2026-11-30T00:00:00+00:00"

FOREIGN = {
    "CPU": ({"cpu": "Another CPU"}, "CPU: A CPU in the base, Another CPU in the new record"),
    "CPUs": ({"n_cpus": 64}, "number of CPUs: 2 in the base, 64 in the new record"),
    "GPU": ({"gpu": "H100"}, "GPU: none in the base, H100 in the new record"),
    "quota": ({"cpu_quota": 0.3}, "CPU quota: none in the base, quota 0.3 of a CPU in the new record"),
    "double precision": (
        {"worker_variables": {**FULL_PRECISION, "JAX_ENABLE_X64": "1"}},
        "JAX_DEFAULT_MATMUL_PRECISION=highest, JAX_ENABLE_X64=1 in the new record",
    ),
    "jobs": (
        {"parts": [Part(date=JOB_DATE, machine="vm", first_round=n) for n in (0, 3)]},
        ": of several merged jobs in the new record",
    ),
    "precision": (
        {"worker_variables": {}},
        "precision: full float32 in the base, NVIDIA_TF32_OVERRIDE=unset, JAX_DEFAULT_MATMUL_PRECISION=",
    ),
}


@pytest.mark.parametrize(("provenance", "message"), FOREIGN.values(), ids=FOREIGN)
def test_records_of_other_circumstances_are_refused_with_both_values_unless_only_ratios_are_asked_for(
    provenance: dict[str, Any],
    message: str,
    compare: Compare,
    call: Call,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = (case(), case(0.1, "native_floor"))
    base, new = run_of_day(0, *rows), new_run(*rows, **provenance)

    status, comparison = compare(base, new, "--baseline=native_floor")
    assert (status, comparison.verdicts[0].category) == (0, Category.UNCHANGED)
    assert call(base=base, new=new) == 4
    error = capsys.readouterr().err
    assert message in error
    assert "--baseline native_floor" in error


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            replace(case(), problem=replace(SMALL, batch_size=64)),
            "problems: B32-D2-N4-E3 on cpu in the base, B64-D2-N4-E3 on cpu in the new record",
        ),
        (
            replace(case(), data_digest="fedcba9876543210"),
            ": 0123456789abcdef in the base, fedcba9876543210 in the new record",
        ),
    ],
    ids=["problems", "data"],
)
def test_records_of_other_problems_or_data_are_refused_with_both_values(
    row: Row, message: str, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(new=new_run(row)) == 4
    assert message in capsys.readouterr().err


def test_records_without_a_common_problem_are_refused_whatever_ratios_are_asked_for(
    call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    new = new_run(replace(case(), problem=replace(SMALL, batch_size=64)))

    assert call(new=new) == call("--baseline=torch_eager", new=new) == 4
    plain, ratios = capsys.readouterr().err.splitlines()
    assert plain.endswith(" in the new record. Measure both alike")  # no baseline would help
    assert "(there is none), found 'torch_eager'" in ratios


def test_a_newer_driver_is_no_other_gpu(compare: Compare) -> None:
    base, new = (run_of_day(0, case(), gpu=f"NVIDIA H100, {version}") for version in ("570.1", "580.2"))

    assert compare(base, new)[0] == 0


@pytest.mark.parametrize(
    ("factor", "category"),
    [(2.0, Category.UNCHANGED), (2.4, Category.SLOWER), (1.6, Category.FASTER)],
    ids=["the machine only", "the case too", "the case less"],
)
def test_ratios_to_the_baseline_of_the_same_round_see_the_case_and_not_the_machine(
    factor: float, category: Category, compare: Compare
) -> None:
    base = run_of_day(0, case(minima_s=NOISY_S), case(0.1, "native_floor", NOISY_S))
    new = new_run(case(factor, minima_s=NOISY_S), case(0.2, "native_floor", NOISY_S), cpu="A slower CPU")

    status, comparison = compare(base, new, "--baseline=native_floor")

    # Rounds differ by a factor of two, in both: only ratios within a round are this steady.
    assert [(verdict.name[:11], verdict.category) for verdict in comparison.verdicts] == [
        ("torch_eager", category)
    ]
    assert status == (category is Category.SLOWER)


def test_rounds_in_which_the_baseline_was_not_measured_do_not_count(compare: Compare) -> None:
    floor = case(0.1, "native_floor")
    base = run_of_day(0, case(), replace(floor, processes=floor.processes[:4]))

    _, comparison = compare(base, new_run(case(), floor), "--baseline=native_floor")

    assert comparison.verdicts[0].decision is not None
    assert comparison.verdicts[0].decision.n_pairs == 4


def test_a_problem_without_the_baseline_is_missing_and_says_so(compare: Compare) -> None:
    other = replace(case(), problem=replace(SMALL, batch_size=64))
    rows = (case(), other, case(0.1, "native_floor"))

    status, comparison = compare(run_of_day(0, *rows), new_run(*rows), "--baseline=native_floor")

    assert status == 5
    assert comparison.verdicts[-1].reason == "no round with times of both sides and of native_floor"


@pytest.mark.parametrize(
    ("gone", "category"),
    [
        ({"verdict": Verdict.INVALID, "reason": "wrong", "processes": ()}, Category.INVALID),
        ({"verdict": Verdict.NOT_MEASURED, "reason": "no compiler", "processes": ()}, Category.MISSING),
        ({"implementation": "renamed"}, Category.MISSING),
        ({"verdict": Verdict.FAILED, "reason": "killed in its last round"}, Category.INVALID),
    ],
    ids=["wrong", "skipped", "renamed", "failed late"],
)
def test_a_baseline_that_is_gone_from_one_of_its_problems_is_no_silent_pass(
    gone: dict[str, Any], category: Category, compare: Compare
) -> None:
    here = (case(), case(0.1, "native_floor"))
    other, floor = (replace(row, problem=replace(SMALL, batch_size=64)) for row in here)

    status, comparison = compare(
        run_of_day(0, *here, other, floor),
        new_run(*here, other, replace(floor, **gone)),
        "--baseline=native_floor",
    )

    found = {verdict.name: verdict.category for verdict in comparison.verdicts}
    assert found[floor.case] is category
    assert found[other.case] is Category.MISSING  # there is nothing to compare it by
    assert here[1].case not in found
    assert status == 5


def test_what_was_overlooked_to_compare_ratios_is_told(compare: Compare) -> None:
    rows = (case(), case(0.1, "native_floor"))

    _, comparison = compare(run_of_day(0, *rows), new_run(*rows, n_cpus=64), "--baseline=native_floor")

    overlooked, left_out = comparison.notes[:2]
    assert overlooked.startswith("compared anyway, by ratios to native_floor: number of CPUs: 2 in the")
    assert left_out == f"left out, the baseline itself: {rows[1].case}"


@pytest.mark.parametrize("verdict", [Verdict.INVALID, Verdict.FAILED])
def test_a_baseline_that_is_wrong_is_no_baseline(
    verdict: Verdict, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    floor = case(0.1, "native_floor")
    wrong = replace(floor, verdict=verdict, reason="wrong", processes=())
    base, new = run_of_day(0, case(), floor), new_run(case(), wrong)

    assert call("--baseline=native_floor", base=base, new=new) == 4
    assert "(torch_eager), found 'native_floor'" in capsys.readouterr().err
