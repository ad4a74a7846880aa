"""Record files that are broken, another's or edited by hand: refused in a sentence by whoever reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.cli.main import main
from benchmarks.records.row import SCHEMA_VERSION
from tests.helpers.records import document_of
from tests.helpers.runs import RUN, edited, first_process, write

if TYPE_CHECKING:
    from pathlib import Path


def _costing(costs: dict[str, object]) -> str:
    return edited(lambda fields: fields["rows"][0]["costs"].update(costs))


TEXT = json.dumps(document_of(RUN))
BROKEN: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "is it cut off?"),
    "cut off": (TEXT[: len(TEXT) // 2], "is it cut off?"),
    "binary": (b"\x89PNG\r\n\x1a\n\xff\xfe", "expected a record in JSON"),
    "a list": ("[1, 2]", "expected a record of perceptron-bench"),
    "a number": ("7", "expected a record of perceptron-bench"),
    "pytest-benchmark's": ('{"benchmarks": [], "version": "5.3.1"}', "there is no 'perceptron_bench' in it"),
    "nested too deep": ("[" * 100_000 + "]" * 100_000, "expected a record of perceptron-bench"),
    "the future's": (
        edited(lambda fields: fields.update(schema_version=SCHEMA_VERSION + 1)),
        f"expected schema version {SCHEMA_VERSION}, found {SCHEMA_VERSION + 1}; convert an older",
    ),
    "of no version": (edited(lambda fields: fields.pop("schema_version")), "no 'schema_version' in it"),
    "of the version before": (
        edited(lambda fields: fields.update(schema_version=2)),
        "expected schema version 3, found 2; convert an older one with `python -m benchmarks.records.convert",
    ),
    "without hosts": (
        edited(lambda fields: fields["provenance"].update(hosts=[])),
        "provenance: expected at least one host, found none",
    ),
    "without a number of cores": (
        edited(lambda fields: fields["rows"][0].pop("n_cores")),
        "rows[0].n_cores: expected a whole number from 1 to 1e+06, found nothing",
    ),
    "a check that is not there": (
        edited(lambda fields: fields["rows"][0].update(manifest=[1])),
        "manifest: expected numbers of the 1 checks, found a larger one",
    ),
    "without rows": (edited(lambda fields: fields.pop("rows")), "rows: expected a list, found nothing"),
    "rows of another kind": (
        edited(lambda fields: fields.update(rows=[1])),
        "rows[0]: expected an object, found 1",
    ),
    "an unknown verdict": (edited(lambda fields: fields["rows"][0].update(verdict="fine")), "'fine'"),
    "a case twice": (
        edited(lambda fields: fields["rows"].append(fields["rows"][0])),
        "expected each case once, found torch_eager-cpu-B32-D2-N4-E3 2 times",
    ),
    "a round twice": (
        edited(lambda fields: first_process(fields).update(round=1)),
        "expected each round once, found 1 2 times",
    ),
    "NaN": (edited(lambda fields: first_process(fields).update(min_s=float("nan"))), "min_s: expected a"),
    "infinity": (
        edited(lambda fields: first_process(fields).update(max_s=float("inf"))),
        "max_s: expected a",
    ),
    "NaN beside the times": (
        edited(lambda fields: fields["rows"][0]["agreement"].update(max_loss_deviation=float("nan"))),
        "rows[0].agreement.max_loss_deviation: expected a number from 0 to 1e+300, found nan",
    ),
    **{
        f"{name} of {value}": (
            _costing({name: value}),
            f"{name}: expected",
        )
        for name, value in (
            ("cold_first_call_s", 1e308),
            ("cold_first_call_s", -1.0),
            ("cold_first_call_s", float("nan")),
            ("cold_first_call_s", "1"),
            ("peak_host_bytes", 1e9),
            ("peak_host_bytes", 10**20),
            ("peak_device_bytes", -1),
        )
    },
    "a first call that never ends": (
        edited(lambda fields: first_process(fields).update(first_call_s=1e308)),
        "rows[0].processes[0].first_call_s: expected a number from 1e-12 to 1e+09, found 1e+308",
    ),
    "a huge number": (edited(lambda fields: first_process(fields).update(min_s=10**400)), "expected a rec"),
    "no time": (
        edited(lambda fields: first_process(fields).update(min_s=0)),
        "min_s: expected a number from 1e-12",
    ),
    "a negative time": (
        edited(lambda fields: first_process(fields).update(min_s=-1e-4)),
        "min_s: expected",
    ),
    "a faster minimum": (
        edited(lambda fields: first_process(fields).update(min_s=1.0)),
        "expected min_s, q1_s, median_s, q3_s, max_s to ascend",
    ),
    "a text for a time": (
        edited(lambda fields: first_process(fields).update(min_s="1")),
        "min_s: expected",
    ),
    "a text for CPUs": (
        edited(lambda fields: fields["provenance"]["hosts"][0].update(n_cpus="2")),
        "provenance.hosts[0].n_cpus: expected a whole number from 1 to 1e+06, found '2'",
    ),
    "a number for a digest": (
        edited(lambda fields: fields["rows"][0].update(code_digest=7)),
        "code_digest: expected a text, found 7",
    ),
    "a number of too many digits": (
        json.dumps(document_of(RUN)).replace('"seed": 0', f'"seed": {"1" * 250}e70'),
        "expected a record",
    ),
    "a number beyond the largest": (
        json.dumps(document_of(RUN)).replace('"seed": 0', '"seed": 1e999'),
        "expected a record",
    ),
}


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "BROKEN", "GOOD"],
        ["compare", "GOOD", "BROKEN"],
        ["table", "BROKEN"],
        ["explain", "torch_eager", "BROKEN"],
        ["track", "add", "BROKEN"],
        ["merge", "GOOD", "BROKEN", "-o", "MERGED"],
    ],
    ids=["base", "new", "table", "explain", "track", "merge"],
)
@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_it_is_refused_by_name_in_one_sentence_and_no_history_changes(
    content: str | bytes,
    message: str,
    command: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = {"GOOD": write(RUN, tmp_path / "good.json"), "BROKEN": tmp_path / "broken.json"}
    files["MERGED"] = tmp_path / "merged.json"
    files["BROKEN"].write_bytes(content if isinstance(content, bytes) else content.encode())
    history = ["--history", str(tmp_path / "history")] if command[0] == "track" else []

    assert main([*(str(files.get(word, word)) for word in command), *history]) == 4
    captured = capsys.readouterr()
    assert captured.err.startswith(f"perceptron-bench: {files['BROKEN']}: expected ")
    assert message in captured.err
    assert not captured.out
    assert not (tmp_path / "history").exists()
    assert not files["MERGED"].exists()


@pytest.mark.parametrize("name", ["none.json", ""], ids=["missing", "a folder"])
def test_a_file_that_is_not_there_or_a_folder_is_refused_by_name(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(tmp_path / name), str(tmp_path / name)]) == 4
    assert f"{tmp_path / name}: can't be read (" in capsys.readouterr().err
