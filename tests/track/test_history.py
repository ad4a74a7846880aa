"""The history: an added record stays, whole and once; damage is reported; other files are left out."""

from __future__ import annotations

import hashlib
import json
import os
import re
from functools import reduce
from operator import getitem
from typing import TYPE_CHECKING, Any, cast

import pytest

from benchmarks.cli.main import main
from benchmarks.errors import UsageError
from benchmarks.records.row import KEY, SCHEMA_VERSION
from benchmarks.report.export.trends import to_csv
from benchmarks.track.history import add, read_history, read_record
from benchmarks.track.trends import trends_of
from tests.helpers.records import document_of
from tests.helpers.runs import run_of_day, timed, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def listing(folder: Path) -> dict[str, bytes]:
    """Return the content of each file in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def stored(folder: Path) -> Path:
    """Return the path of the only record of a history."""
    (path,) = folder.iterdir()
    return path


def test_a_record_is_kept_byte_for_byte_under_its_date_commit_and_digest(file: Path, folder: Path) -> None:
    path, _ = add(file, folder)

    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    assert path == stored(folder)
    assert path.name == f"20261101T000000Z-0123456789-{digest}.json"
    assert path.read_bytes() == file.read_bytes()
    assert [record.run for record in read_history(folder).records] == [
        run_of_day(0, timed("torch_eager", [1e-3] * 6))
    ]


def test_a_record_added_twice_is_there_once(file: Path, folder: Path, tmp_path: Path) -> None:
    same = tmp_path / "another name.json"
    same.write_bytes(file.read_bytes())

    assert [add(path, folder)[1] for path in (file, same, file)] == [True, False, False]
    assert stored(folder)


@pytest.mark.parametrize(
    ("provenance", "name"),
    [
        ({"date": "2026-11-23T23:07:40+02:00"}, "20261123T210740Z-0123456789-"),
        ({"date": "2026-11-23T23:07:40"}, "20261123T230740Z-0123456789-"),
        ({"date": "0999-11-23"}, "09991123T000000Z-0123456789-"),
        ({"commit": None}, "20261101T000000Z-unknown-"),
        ({"commit": "0123456789 with changes"}, "20261101T000000Z-0123456789.dirty-"),
        ({"commit": "unknown (version 0.2.0)"}, "20261101T000000Z-unknown-"),
        ({"commit": "../../elsewhere"}, "20261101T000000Z-unknown-"),
    ],
    ids=["a time zone", "none", "long ago", "no commit", "changes", "a wheel", "a path"],
)
def test_whatever_date_and_commit_are_the_record_is_found_again(
    provenance: dict[str, Any], name: str, folder: Path, tmp_path: Path
) -> None:
    run = run_of_day(0, timed("torch_eager", [1e-3]), **provenance)

    path, _ = add(write(run, tmp_path / "run.json"), folder)

    assert path.name.startswith(name)
    history = read_history(folder)
    assert not history.faults
    assert [record.path for record in history.records] == [path]


def test_records_come_oldest_run_first(folder: Path, tmp_path: Path) -> None:
    for day in (3, 1, 2):
        add(write(run_of_day(day, timed("torch_eager", [1e-3])), tmp_path / "run.json"), folder)

    assert [record.date.day for record in read_history(folder).records] == [2, 3, 4]


def text_of_a_run(**provenance: Any) -> str:
    return json.dumps(document_of(run_of_day(0, timed("torch_eager", [1e-3]), **provenance)))


UNUSABLE = {
    "empty": ("", "expected a record in JSON"),
    "cut off": (text_of_a_run()[:-20], "is it cut off?"),
    "binary": ("\x00\x01\x02", "expected a record in JSON"),
    "another tool's": ('{"benchmarks": [], "version": "5.3.1"}', "found another file"),
    "nested too deeply": ("[" * 100_000, "found another file"),
    "of the future": (
        text_of_a_run().replace(f'"schema_version": {SCHEMA_VERSION}', '"schema_version": 99'),
        f"expected schema version {SCHEMA_VERSION}, found 99; convert an older one with",
    ),
    "a time that is none": (text_of_a_run().replace('"min_s": 0.001', '"min_s": NaN'), "min_s: expected"),
    "a negative time": (
        text_of_a_run().replace('"min_s": 0.001', '"min_s": -0.001'),
        "min_s: expected a number from 1e-12",
    ),
    "a date that is none": (
        re.sub('"date": "[^"]*"', '"date": "yesterday"', text_of_a_run()),
        "date of the run in ISO 8601, found 'yesterday'",
    ),
    "a number for a date": (text_of_a_run().replace('"2026-11-01', '2026, "x": "'), "expected a record"),
    "versions that are none": (
        text_of_a_run().replace('"versions": {"python": "3.11.7", "torch": "2.13.0"}', '"versions": 3'),
        "versions: expected",
    ),
}


@pytest.mark.parametrize(("text", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_is_no_record_is_refused_in_words_and_nothing_is_added(
    text: str, message: str, file: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(file, folder)
    before = listing(folder)
    good = write(run_of_day(1, timed("torch_eager", [1e-3])), file.with_name("good.json"))
    bad = file.with_name("bad.json")
    bad.write_text(text)

    assert main(["track", "add", str(good), str(bad), "--history", str(folder)]) == 4

    error = capsys.readouterr().err
    assert error.startswith(f"perceptron-bench: {bad}: ")
    assert message in error
    assert listing(folder) == before


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.json", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(UsageError, match=rf"{path}: can't be read \({reason}"):
            add(path, folder)
    assert not folder.exists()


def edited(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"0.001", b"0.002"))


def truncated(path: Path) -> None:
    os.truncate(path, 1000)


def renamed(path: Path) -> None:
    path.rename(path.with_name("best of all.json"))


def future(path: Path) -> None:
    document = json.loads(path.read_text())
    document[KEY]["schema_version"] = 99
    content = json.dumps(document).encode()
    path.unlink()
    digest = hashlib.sha256(content).hexdigest()[:16]
    path.with_name(f"20261101T000000Z-0123456789-{digest}.json").write_bytes(content)


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (edited, "of its name, found [0-9a-f]{16}: it was edited or damaged since it was added"),
        (truncated, "of its name, found [0-9a-f]{16}: it was edited or damaged since it was added"),
        (renamed, "best of all.json: expected a file that `track add` put there"),
        (future, "expected schema version .*, found 99"),
        (replaced_by_a_folder, "can't be read"),
    ],
)
def test_show_names_a_damaged_file_leaves_it_out_shows_the_others_and_has_status_1(
    damage: Any, message: str, file: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ruptures")
    rows = (timed("torch_eager", [1e-3]), timed("jax_scan", [1e-4]))
    add(write(run_of_day(1, *rows), file.with_name("other.json")), folder)
    damage(add(file, folder)[0])
    before = {path.name for path in folder.iterdir()}

    assert main(["track", "show", "--history", str(folder)]) == 1

    shown = capsys.readouterr()
    assert re.search(f"^left out: {folder}/.*{message}", shown.err, re.MULTILINE)
    assert "jax_scan-cpu-B32" in shown.out
    assert {path.name for path in folder.iterdir()} == before


def test_a_record_whose_copy_was_damaged_is_not_taken_for_added(file: Path, folder: Path) -> None:
    edited(add(file, folder)[0])

    with pytest.raises(UsageError, match="edited or damaged since it was added; restore it, or remove it"):
        add(file, folder)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the path to each value in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from leaves(item, (*path, key))


def test_no_value_of_a_record_can_be_edited_so_that_a_reader_breaks(tmp_path: Path) -> None:
    document = document_of(run_of_day(0, timed("torch_eager", [1e-3]), timed("native_floor", [1e-4])))
    ways, file = list(leaves(document[KEY])), tmp_path / "edited.json"
    n_refused = 0

    for *way, last in ways:
        for value in cast("tuple[Any, ...]", (None, "x", -1, [], {})):
            changed = json.loads(json.dumps(document))
            reduce(getitem, way, changed[KEY])[last] = value
            file.write_text(json.dumps(changed))
            try:
                trends = trends_of([read_record(file)])
            except UsageError:
                n_refused += 1
                continue
            to_csv([point for trend in trends for point in trend.points])

    assert 0 < n_refused < 5 * len(ways)


def test_a_history_that_can_not_be_a_folder_is_refused(file: Path) -> None:
    with pytest.raises(
        UsageError, match=r"can't be added to .*; make room, or name another folder with --history"
    ):
        add(file, file / "history")
