"""Which records can be compared, and which are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.compare.rule import Category
from benchmarks.records.machine import FULL_PRECISION
from tests.compare.records import case, new_run
from tests.conftest import SMALL
from tests.helpers.runs import run_of_day

if TYPE_CHECKING:
    from benchmarks.records.row import Row
    from tests.compare.records import Call, Compare


FOREIGN = {
    "CPU": ({"cpu": "Another CPU"}, "CPU: A CPU in the base, Another CPU in the new record"),
    "CPUs": ({"n_cpus": 64}, "number of CPUs: 2 in the base, 64 in the new record"),
    "GPU": ({"gpu": "H100"}, "GPU: none in the base, H100 in the new record"),
    "double precision": (
        {"worker_variables": {**FULL_PRECISION, "JAX_ENABLE_X64": "1"}},
        "JAX_DEFAULT_MATMUL_PRECISION=highest, JAX_ENABLE_X64=1 in the new record",
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
