"""The study of conservation: its table in the documentation is that of the rows that were measured."""

import json

import pytest
from rich.console import Console

from benchmarks.paths import CODE
from benchmarks.studies.conservation import OUTPUT, summarize, table_of

LINES = [json.loads(line) for line in OUTPUT.read_text(encoding="utf-8").splitlines()]


def test_the_documentation_shows_the_table_of_the_measured_rows() -> None:
    quiet = [line for line in LINES if not line["spinning"]]

    assert table_of(quiet) in (CODE / "docs" / "method.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("verdict", "status"), [("verified", 0), ("not measured", 0), ("INVALID", 1), ("FAILED", 1)]
)
def test_an_honest_loop_that_is_called_wrong_fails_the_study(verdict: str, status: int) -> None:
    line = LINES[0] | {"verdict": verdict, "reason": "because"}

    assert summarize([line], Console(quiet=True)) == status
