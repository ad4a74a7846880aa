"""Files of the version before: converted once, with figures and provenance as they were."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.cases.problems import name_of
from benchmarks.records import convert
from benchmarks.records.compact import MAX_STORED
from benchmarks.records.row import KEY
from benchmarks.records.run import RECORD
from tests.conftest import SMALL
from tests.helpers.records import INVALID, row, run_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.records.row import Row

SAMPLES_S = [i * 1e-6 for i in range(1, 101)]
N_ROUNDS = len(row().processes)


def old_row(row: Row, *, n_kept: int = 100) -> dict[str, Any]:
    """Return a row as version 2 has it."""
    fields: dict[str, Any] = json.loads(json.dumps(row.to_dict()))
    del fields["n_cores"]
    for process in fields["processes"]:
        process |= {"n_samples": 10 * n_kept, "n_kept": n_kept}
    return fields | {"schema_version": 2, "case": name_of(row.problem)}


def old_provenance(n_cores: int) -> dict[str, Any]:
    """Return a provenance as version 2 has it."""
    fields = json.loads(json.dumps(run_of().to_dict()["provenance"]))
    (host,) = fields.pop("hosts")
    return {**fields, **host, "n_cores_used": n_cores}


def old_record(*rows: Row, n_cores: int = 1) -> dict[str, Any]:
    """Return pytest-benchmark's file as version 2 has it, of two pinned cores where asked for."""
    id_ = f"torch_eager-cpu-{name_of(SMALL)}"
    benchmark = {
        "group": f"{name_of(SMALL)} on cpu",
        "name": f"bench_epoch[{id_}]",
        "fullname": f"benchmarks/bench_epoch.py::bench_epoch[{id_}]",
        "param": id_,
        "extra_info": {KEY: old_row(row())},
        "stats": {"min": 1e-6, "data": SAMPLES_S * N_ROUNDS},
    }
    fields = {
        "schema_version": 2,
        "provenance": old_provenance(n_cores),
        "settings": run_of().to_dict()["settings"],
        "rows": [old_row(each) for each in rows],
        "cost_models": [{"fixed_s": 1.0}],
        "break_evens": [],
    }
    return {"machine_info": {"node": "vm"}, "benchmarks": [benchmark], KEY: fields}


def _edited(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document = old_record(row())
    change(document)
    return document


def converted(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document after conversion."""
    fields: dict[str, Any] = json.loads(convert.convert(json.dumps(document)))
    return fields


def test_a_converted_record_holds_the_same_rows_and_says_what_it_was_converted_from(tmp_path: Path) -> None:
    text = convert.convert(json.dumps(old_record(row(), INVALID), indent=4))

    run = RECORD.parse(text.encode(), tmp_path / "run.json")

    assert run.converted_from == 2
    assert run.provenance == run_of().provenance
    assert [each.to_dict() | {"processes": ()} for each in run.rows] == [
        each.to_dict() | {"processes": ()} for each in (row(), INVALID)
    ]
    assert [process.min_s for process in run.rows[0].processes] == [each.min_s for each in row().processes]


def test_derived_figures_and_the_second_copy_of_a_row_are_dropped_and_other_tools_fields_kept() -> None:
    document = converted(old_record(row()))

    assert {"cost_models", "break_evens"} & set(document[KEY]) == set()
    assert document["machine_info"] == {"node": "vm"}
    (benchmark,) = document["benchmarks"]
    assert benchmark["extra_info"] == {KEY: {"schema_version": 3, "case": row().case}}
    assert benchmark["stats"]["min"] == 1e-6


def test_each_process_keeps_evenly_spaced_samples_from_its_fastest_to_its_slowest() -> None:
    document = converted(old_record(row()))

    data = document["benchmarks"][0]["stats"]["data"]
    first = data[:MAX_STORED]
    assert len(data) == MAX_STORED * N_ROUNDS
    assert (first[0], first[5], first[-1]) == (SAMPLES_S[0], SAMPLES_S[50], SAMPLES_S[-1])
    assert {process["n_kept"] for process in document[KEY]["rows"][0]["processes"]} == {MAX_STORED}


def test_the_cores_of_the_machine_become_those_of_each_case_and_of_its_name() -> None:
    document = converted(old_record(row(), n_cores=2))

    (fields,), (benchmark,) = document[KEY]["rows"], document["benchmarks"]
    assert (fields["n_cores"], fields["case"]) == (2, row(n_cores=2).case)
    assert benchmark["fullname"].endswith("-2cores]")
    assert benchmark["group"] == row(n_cores=2).group


def test_what_is_converted_is_not_converted_again() -> None:
    text = json.dumps(old_record(row()))

    once = convert.convert(text)

    assert once != text
    assert convert.convert(once) == once


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Expecting value"),
        ('{"benchmarks": []}', "found another file"),
        (f'{{"{KEY}": {{"schema_version": 1}}}}', "expected schema version 2 or 3, found 1"),
        (f'{{"{KEY}": {{"schema_version": 2}}}}', "'provenance'"),
        (json.dumps(_edited(lambda file: file["benchmarks"][0].update(name=1))), "'int' object has no"),
        (json.dumps(_edited(lambda file: file[KEY]["rows"][0].update(manifest=[None]))), "'NoneType' object"),
        (
            json.dumps(_edited(lambda file: file[KEY]["rows"][0]["problem"].update(seed=None))),
            "rows[0].problem.seed: expected a whole number, found None",
        ),
    ],
    ids=["empty", "another tool's", "older still", "incomplete", "no name", "no check", "unreadable after"],
)
def test_a_file_that_cant_be_converted_is_left_as_it_is_and_named_in_one_line(
    text: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "run.json"
    file.write_text(text)
    monkeypatch.setattr("sys.argv", ["convert", str(file)])

    with pytest.raises(SystemExit) as exit_:
        convert.main()

    error = capsys.readouterr().err
    assert exit_.value.code == 4
    assert error.startswith(f"{file}: can't be converted (")
    assert message in error
    assert error.count("\n") == 1
    assert file.read_text() == text


def test_a_file_is_replaced_by_the_converted_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps(old_record(row())))
    monkeypatch.setattr("sys.argv", ["convert", str(file)])

    convert.main()
    convert.main()

    assert RECORD.read(file).converted_from == 2
    assert capsys.readouterr().out.splitlines()[1] == f"{file}: is of today's version already"
