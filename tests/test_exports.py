"""The tidy exports: every file holds the same figures, and every column is explained."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import pytest
from markdown_it import MarkdownIt

from benchmarks.columns import Told, columns_of
from benchmarks.curve import LossPoint
from benchmarks.export_files import DICTIONARY, dictionary, write_tables
from benchmarks.exports import EXPORTS
from benchmarks.figures import figures_of
from benchmarks.record import Verdict
from impls.contract import Problem
from tests.runs import timed
from tests.test_record import AGREEMENT, INVALID, row, run_of

if TYPE_CHECKING:
    from pathlib import Path

SWEEP = tuple(
    timed(name, [each * size for each in (1e-8, 1.1e-8)], problem=Problem(batch_size=size))
    for name in ("torch_eager", "jax_scan")
    for size in (10, 100, 1000, 10_000)
)
CURVED = row("torch_step", agreement=replace(AGREEMENT, curve=(LossPoint(1, 0.5, 0.4, 0.1),)))
RUN = run_of(*SWEEP, CURVED, INVALID)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_csv_holds_every_figure_of_every_row_unrounded(tmp_path: Path) -> None:
    write_tables([RUN], tmp_path)

    lines = read(tmp_path / "figures.csv")

    expected = [
        {name: "" if value is None else str(value) for name, value in vars(each).items()}
        for each in figures_of(RUN)
    ]
    assert lines == expected
    assert len(lines) == len(RUN.rows)


def test_parquet_holds_what_the_csv_holds_typed_and_explained(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="part of the extra `report`")
    write_tables([RUN], tmp_path)

    for export in EXPORTS:
        table = parquet.read_table(tmp_path / f"{export.name}.parquet")
        columns = columns_of(export.line)
        assert table.schema.names == [column.name for column in columns]
        assert [field.nullable for field in table.schema] == [column.optional for column in columns]
        assert table.schema.field(columns[-1].name).metadata[b"meaning"].decode() == columns[-1].meaning
        as_text = [
            {name: "" if value is None else str(value) for name, value in line.items()}
            for line in table.to_pylist()
        ]
        assert as_text == read(tmp_path / f"{export.name}.csv")


def test_processes_losses_models_break_evens_checks_and_runs_are_exported_too(tmp_path: Path) -> None:
    write_tables([RUN], tmp_path)

    n_lines = {export.name: len(read(tmp_path / f"{export.name}.csv")) for export in EXPORTS}

    assert n_lines == {
        "figures": 10, "processes": 8 * 2 + 6, "losses": 1, "cost_models": 2, "break_evens": 4, "checks": 10,
        "runs": 1,
    }  # fmt: skip
    (loss,) = read(tmp_path / "losses.csv")
    (point,) = CURVED.curve
    assert loss["case"] == CURVED.case
    assert {name: float(loss[name]) for name in point._fields} == point._asdict()
    assert len({*point}) == len(point), "else one may stand in another's place"
    (model, _) = read(tmp_path / "cost_models.csv")
    assert model["batch_sizes"] == "10 100 1000 10000"


def test_a_row_that_failed_after_some_rounds_has_no_time_in_any_table(tmp_path: Path) -> None:
    write_tables([run_of(row(verdict=Verdict.FAILED, reason="killed"))], tmp_path)

    (figures,) = read(tmp_path / "figures.csv")
    assert figures["typical_s"] == ""
    assert read(tmp_path / "processes.csv") == []


def test_the_dictionary_explains_every_column_of_every_table() -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(dictionary())
    words = {token.content for token in tokens if token.type == "inline"}

    for export in EXPORTS:
        assert export.name in words
        for column in columns_of(export.line):
            assert f"`{column.name}`" in words
            assert column.meaning in words


def test_a_column_that_is_not_explained_is_refused() -> None:
    class Line(NamedTuple):
        explained: Annotated[int, Told("…")]
        bare: int

    with pytest.raises(TypeError, match=r"bare: expected Annotated\[type, Told\(…\)\]"):
        columns_of(Line)


def test_without_pyarrow_the_csv_and_the_dictionary_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(ImportError, match="pyarrow"):
        write_tables([RUN], tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {
        DICTIONARY,
        *(f"{export.name}.csv" for export in EXPORTS),
    }


@pytest.mark.parametrize("runs", [[], [run_of()], [run_of(INVALID)]])
def test_where_there_is_nothing_to_show_the_tables_have_their_columns(
    tmp_path: Path, runs: list[Any]
) -> None:
    write_tables(runs, tmp_path)

    assert (tmp_path / "processes.csv").read_text(encoding="utf-8").startswith("run,machine,case,round,")


def test_text_that_a_csv_could_trip_over_is_read_back_as_it_was(tmp_path: Path) -> None:
    text = "a,\"b\"\n<script>; 'c' | é\t\r"
    write_tables([run_of(replace(INVALID, reason=text))], tmp_path)

    assert read(tmp_path / "figures.csv")[0]["reason"] == text
