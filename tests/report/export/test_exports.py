"""The tidy exports: every file holds the same figures, and every column is explained."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt

from benchmarks.analysis.figures import figures_of
from benchmarks.analysis.scaling import strong_scaling, weak_scaling
from benchmarks.errors import UsageError
from benchmarks.records.row import LossPoint, Verdict
from benchmarks.report.export.files import EXPORTS, dictionary, write_tables
from impls.contract import Problem
from tests.helpers.records import AGREEMENT, INVALID, row, run_of
from tests.helpers.runs import timed

if TYPE_CHECKING:
    from pathlib import Path

SWEEP = tuple(
    timed(name, [each * size for each in (1e-8, 1.1e-8)], problem=Problem(batch_size=size))
    for name in ("torch_eager", "jax_scan")
    for size in (10, 100, 1000, 10_000)
)
CURVED = row("torch_step", agreement=replace(AGREEMENT, curve=(LossPoint(1, 0.5, 0.4, 0.1),)))
SIZES = ((8e-3, 64), (4.5e-3, 32))
"""Epochs' times on one core, in s, and batch sizes: a batch of two ranks, and the rows of each."""

RUN = run_of(*SWEEP, CURVED, INVALID)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder to write to, if pyarrow is installed."""
    pytest.importorskip("pyarrow", reason="part of the extra `report`")
    return tmp_path


@pytest.fixture
def written(folder: Path) -> Path:
    """Write the run, and return the folder."""
    write_tables([RUN], folder)
    return folder


def read(path: Path) -> list[dict[str, Any]]:
    """Read a table of CSV, each cell as JSON's number, true or false, or else as a text."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: _value(cell) for name, cell in line.items()} for line in csv.DictReader(file)]


def _value(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError:
        return cell or None


def test_the_csv_holds_every_figure_of_every_row_unrounded(written: Path) -> None:
    lines = read(written / "figures.csv")

    assert lines == [vars(each) for each in figures_of(RUN)]
    assert len(lines) == len(RUN.rows)


def test_parquet_holds_what_the_csv_holds_typed_and_explained(written: Path) -> None:
    from pyarrow import csv as arrow_csv  # noqa: PLC0415 - part of an extra
    from pyarrow import parquet  # noqa: PLC0415 - part of an extra

    for export in EXPORTS:
        table = parquet.read_table(written / f"{export.name}.parquet")
        columns = export.columns
        assert table.schema.names == [column.name for column in columns]
        assert [field.nullable for field in table.schema] == [column.optional for column in columns]
        assert table.schema.field(columns[-1].name).metadata[b"meaning"].decode() == columns[-1].meaning
        as_typed = arrow_csv.ConvertOptions(
            column_types=table.schema, strings_can_be_null=True, quoted_strings_can_be_null=False
        )
        again = arrow_csv.read_csv(written / f"{export.name}.csv", convert_options=as_typed)
        assert table.to_pylist() == again.to_pylist()


def test_processes_losses_models_break_evens_checks_and_runs_are_exported_too(written: Path) -> None:
    n_lines = {export.name: len(read(written / f"{export.name}.csv")) for export in EXPORTS}

    assert n_lines == {
        "figures": 10, "processes": 8 * 2 + 6, "losses": 1, "cost_models": 2, "break_evens": 4,
        "strong_scaling": 0, "weak_scaling": 0, "checks": 10, "runs": 1,
    }  # fmt: skip
    (loss,) = read(written / "losses.csv")
    (point,) = CURVED.curve
    assert loss["case"] == CURVED.case
    assert {name: loss[name] for name in point._fields} == point._asdict()
    assert len({*point}) == len(point), "else one may stand in another's place"
    (model, _) = read(written / "cost_models.csv")
    assert model["batch_sizes"] == "10 100 1000 10000"


def test_the_lines_of_both_tables_of_scaling_are_exported_with_their_ranks(folder: Path) -> None:
    one, share = (timed("torch_ddp", [each] * 6, problem=Problem(batch_size=size)) for each, size in SIZES)
    ranks = timed("torch_ddp", [5e-3] * 6, n_ranks=2, problem=one.problem)
    run = run_of(one, share, ranks)

    write_tables([run], folder)

    strong, weak = (read(folder / f"{name}_scaling.csv") for name in ("strong", "weak"))
    key = {"run": run.provenance.date, "machine": run.provenance.host.machine}
    assert strong == [key | vars(line) for line in strong_scaling(run)]
    assert weak == [key | vars(line) for line in weak_scaling(run)]
    assert [(line["n_ranks"], line["efficiency"]) for line in strong] == [(1, 1.0), (2, pytest.approx(0.8))]
    assert [(line["n_ranks"], line["efficiency"]) for line in weak] == [(2, pytest.approx(0.9))]


def test_a_row_that_failed_after_some_rounds_has_no_time_in_any_table(folder: Path) -> None:
    write_tables([run_of(row(verdict=Verdict.FAILED, reason="killed"))], folder)

    (figures,) = read(folder / "figures.csv")
    assert figures["typical_s"] is None
    assert read(folder / "processes.csv") == []


def test_the_dictionary_explains_every_column_of_every_table() -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(dictionary())
    words = {token.content for token in tokens if token.type == "inline"}

    for export in EXPORTS:
        assert export.name in words
        assert export.columns
        for each in export.columns:
            assert f"`{each.name}`" in words
            assert each.meaning in words


def test_without_pyarrow_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(ImportError, match="pyarrow"):
        write_tables([RUN], tmp_path)

    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("runs", [[], [run_of()], [run_of(INVALID)]])
def test_tables_without_lines_have_their_columns(folder: Path, runs: list[Any]) -> None:
    write_tables(runs, folder)

    head = (folder / "processes.csv").read_text(encoding="utf-8")
    assert head.startswith('"run","machine","case","round",')


def test_a_whole_number_that_is_too_large_for_the_tables_is_refused_and_nothing_is_written(
    folder: Path,
) -> None:
    many = replace(RUN.rows[0].processes[0], n_samples=10**20)

    with pytest.raises(UsageError, match=r"processes: expected whole numbers below 2\*\*63"):
        write_tables([run_of(replace(RUN.rows[0], processes=(many,)))], folder)

    assert not [*folder.iterdir()]


def test_text_with_quotes_commas_and_line_breaks_is_read_back_as_it_was(folder: Path) -> None:
    text = "a,\"b\"\n<script>; 'c' | é\t\r"
    write_tables([run_of(replace(INVALID, reason=text))], folder)

    assert read(folder / "figures.csv")[0]["reason"] == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_spreadsheet_computes_no_text_of_the_csv_and_parquet_has_it_as_it_is(
    text: str, folder: Path
) -> None:
    from pyarrow import parquet  # noqa: PLC0415 - part of an extra

    write_tables([run_of(row(summary=text, implementation=text))], folder)

    with (folder / "figures.csv").open(encoding="utf-8", newline="") as file:
        (line,) = csv.DictReader(file)
    (typed,) = parquet.read_table(folder / "figures.parquet").to_pylist()
    assert (line["implementation"], typed["implementation"]) == (f"'{text}", text)
