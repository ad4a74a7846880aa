"""Records: a written run is read back, and a file that is not ours is refused in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.decode import decode
from benchmarks.errors import UsageError
from benchmarks.records.row import Row
from benchmarks.records.run import read_run
from tests.helpers.records import ABSENT, INVALID, document_of, fields_of, row, run_of

if TYPE_CHECKING:
    from pathlib import Path


def test_a_run_with_and_without_times_is_read_back_as_it_was(tmp_path: Path) -> None:
    run = run_of(row(gradient="by hand", more_lines=-3, private_names=("torch._a",)), INVALID, ABSENT)
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document_of(run), allow_nan=False))

    assert read_run(path) == run


def test_a_row_carries_the_name_of_its_case_with_the_cores_unless_there_is_one() -> None:
    assert row().to_dict()["case"] == "torch_eager-cpu-B32-D2-N4-E3"
    assert row(n_cores=2).to_dict()["case"] == "torch_eager-cpu-B32-D2-N4-E3-2cores"


def _text_of_a_run() -> str:
    return json.dumps(document_of(run_of(row())))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a record in JSON"),
        (_text_of_a_run()[:200], "expected a record in JSON, .* is it cut off?"),
        ("[1, 2]", "expected a record of perceptron-bench, found another file"),
        ('{"benchmarks": [], "version": "5.3.1"}', "expected a record of perceptron-bench"),
        (_text_of_a_run().replace('"verdict": "verified"', '"verdict": "fine"'), "expected a record of"),
        (_text_of_a_run().replace('"n_features": 2', '"n_features": -2'), "n_features"),
        (
            _text_of_a_run().replace('"median_s": 0.00012,', '"median_s": "fast",'),
            "median_s: expected a number",
        ),
        (_text_of_a_run().replace('"timed": true, ', ""), "timed"),
        (
            _text_of_a_run().replace('{"schema_version": 3', '{"schema_version": 99'),
            "expected schema version 3, found 99; convert an older one with",
        ),
    ],
    ids=[
        "empty",
        "cut off",
        "a list",
        "another",
        "a verdict",
        "edited",
        "no number",
        "incomplete",
        "the future",
    ],
)
def test_a_file_that_is_no_record_of_ours_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)

    with pytest.raises(UsageError, match=rf"run\.json: .*{message}"):
        read_run(path)


def test_a_binary_or_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(UsageError, match="expected a record in JSON"):
        read_run(tmp_path / "run.json")
    with pytest.raises(UsageError, match=r"can't be read \(No such file or directory\)"):
        read_run(tmp_path / "none.json")


def test_a_record_from_before_the_codes_digest_has_none_and_is_read_and_written_again() -> None:
    fields = fields_of(row(code_digest="0123456789abcdef"))
    assert decode(Row, fields).code_digest == "0123456789abcdef"
    del fields["code_digest"]

    again = decode(Row, fields_of(decode(Row, fields)))

    assert again == row()
    assert again.code_digest is None


def test_a_record_from_before_a_problem_had_a_precision_was_of_float32() -> None:
    fields = fields_of(row())
    del fields["problem"]["precision"]

    assert decode(Row, fields) == row()


def test_a_record_from_before_the_costs_of_a_way_has_none() -> None:
    fields = fields_of(row(more_lines=3, private_names=("torch._a",)))
    del fields["more_lines"], fields["private_names"]

    assert decode(Row, fields) == row()
