"""The result of a comparison: its JSON, its exit status, its order."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn
from xml.etree import ElementTree as ET

import pytest

from benchmarks.compare.rule import Category
from benchmarks.report.export.junit import to_junit
from tests.helpers.comparisons import ALL, COMPARISON, comparison, verdict

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_read_back_from_json_as_it_was(tmp_path: Path) -> None:
    gone = verdict("gone", Category.MISSING, decision=None, new=None, reason="not measured")
    made = replace(ALL, verdicts=(*ALL.verdicts, gone), interrupted="Ctrl-C or SIGTERM")
    path = tmp_path / "report.json"
    path.write_text(made.to_json(), encoding="utf-8")

    assert COMPARISON.read(path) == made


def test_its_json_tells_ratios_and_exit_status_and_holds_no_nan() -> None:
    def refuse(constant: str) -> NoReturn:
        message = f"{constant} is no JSON"
        raise ValueError(message)

    fields = json.loads(ALL.to_json(), parse_constant=refuse)["perceptron_bench_comparison"]

    assert fields["exit_status"] == 1
    assert fields["verdicts"][0]["ratios"] == [1.0] * 6
    with pytest.raises(ValueError, match="JSON"):
        replace(ALL, wall_s=float("nan")).to_json()


@pytest.mark.parametrize(
    ("categories", "interrupted", "status"),
    [
        (list(Category), "Ctrl-C", 2),
        (list(Category), None, 1),
        ([Category.MISSING, Category.UNDECIDED, Category.UNCHANGED], None, 5),
        ([Category.INVALID, Category.UNDECIDED, Category.UNCHANGED], None, 5),
        ([Category.UNDECIDED, Category.FASTER], None, 3),
        ([Category.FASTER, Category.UNCHANGED, Category.NEW], None, 0),
        ([Category.NEW, Category.NEW], None, 5),
        ([], None, 5),
    ],
)
def test_of_several_exit_statuses_the_gravest_counts_in_the_documented_order_and_junit_is_red_where_ci_fails(
    categories: list[Category], interrupted: str | None, status: int
) -> None:
    made = (verdict(f"case_{i}", each) for i, each in enumerate(categories))
    found = comparison(*made, interrupted=interrupted)

    assert found.exit_status() == status
    assert found.exit_status(undecided_is_fine=True) == (0 if status == 3 else status)
    (suite,) = ET.fromstring(to_junit(found))  # noqa: S314 - our own
    red = [child.tag for case in suite for child in case if child.tag in ("failure", "error")]
    counted = [red.count("failure"), red.count("error")]
    assert bool(red) == (status in (1, 2, 5))
    assert [int(suite.get(name, "")) for name in ("failures", "errors")] == counted
    assert int(suite.get("tests", "")) == len(suite)


def test_what_needs_a_look_comes_first_and_what_one_side_lacks_last() -> None:
    assert [each.category for each in ALL.verdicts] == [
        *(Category.SLOWER, Category.INVALID, Category.FASTER),
        *(Category.UNDECIDED, Category.UNCHANGED),
        *(Category.MISSING, Category.NEW),
    ]
