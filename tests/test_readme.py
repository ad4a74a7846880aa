"""The README's figures are a record's, and what it says of them in words is so."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks import readme
from benchmarks.errors import UsageError
from benchmarks.figures import figures_of
from benchmarks.launch import ROOT
from benchmarks.problems import NAMED
from benchmarks.readme import README, TABLE, main, renewed
from benchmarks.record import read_run
from tests.test_record import document_of, process, row, run_of

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.figures import Figures
    from benchmarks.record import Row

PAGE = "# Ours\n\n<!-- table: book on cpu, {file} -->\nreplaced\n<!-- end of table -->\n\nmore\n"


def book(implementation: str, time_s: float) -> Row:
    processes = tuple(process(i, time_s, time_s) for i in range(6))
    return row(implementation, problem=NAMED["book"], processes=processes)


def record(folder: Path, *rows: Row, cpu: str = "A CPU", name: str = "run.json") -> Path:
    run = run_of(*rows)
    path = folder / name
    run = replace(run, provenance=replace(run.provenance, cpu=cpu))
    path.write_text(json.dumps(document_of(run)), encoding="utf-8")
    return path


def test_the_readmes_figures_are_those_of_the_records_that_it_names() -> None:
    page = README.read_text(encoding="utf-8")

    assert renewed(page) == page, "python -m benchmarks.readme writes them"


def test_what_the_readme_says_of_its_table_in_words_is_so() -> None:
    words = " ".join(README.read_text(encoding="utf-8").split())
    rows = rows_of_the_readme()

    assert "the more one call hands over, the faster, in both frameworks" in words
    for eager, step, epoch in (
        ("torch_eager_fused", "torch_step", "torch_epoch"),
        ("jax_nojit", "jax_jit", "jax_scan"),
    ):
        assert typical_s(rows[eager]) > typical_s(rows[step]) > typical_s(rows[epoch])


def rows_of_the_readme() -> dict[str, Figures]:
    found = TABLE.search(README.read_text(encoding="utf-8"))
    assert found
    return {
        each.implementation: each
        for each in figures_of(read_run(ROOT / found["file"]))
        if each.problem.startswith("book-") and each.device == "cpu"
    }


def typical_s(figures: Figures) -> float:
    assert figures.typical_s is not None
    return figures.typical_s


def test_a_table_has_the_timed_rows_fastest_first_and_says_where_they_were_measured(tmp_path: Path) -> None:
    path = record(tmp_path, book("torch_eager", 100e-6), book("jax_scan", 50e-6))

    page = renewed(PAGE.format(file=path))

    lines = [line for line in page.splitlines() if line.startswith("| ")]
    assert re.findall(r"^\| (\w+)", "\n".join(lines), re.MULTILINE) == [
        "implementation",
        "jax_scan",
        "torch_eager",
    ]
    assert "| 50.0 µs |" in lines[1]
    assert "2×" in lines[1]
    assert "1 core of A CPU, 6 rounds" in page
    assert page.startswith("# Ours\n")
    assert page.endswith("\n\nmore\n")
    assert "replaced" not in page


def test_a_table_moves_to_a_newer_record_that_has_the_same_problem(tmp_path: Path) -> None:
    old = record(tmp_path, book("torch_eager", 100e-6), name="old.json")
    other = record(tmp_path, row("torch_eager"), name="other.json")
    new = record(tmp_path, book("torch_eager", 80e-6), name="new.json")

    page = renewed(PAGE.format(file=old), [other, new])

    assert "| 80.0 µs |" in page
    assert "new.json -->" in page
    assert renewed(page) == page


def test_a_record_can_put_nothing_into_the_readme_but_text(tmp_path: Path) -> None:
    path = record(tmp_path, book("torch_eager", 100e-6), cpu="<b>[x](y)</b> -->\n| a |")

    page = renewed(PAGE.format(file=path))

    assert "<b>" not in page.replace(r"\<b\>", "")
    assert r"\[x\](y)" in page
    assert "\n| a |" not in page
    assert renewed(page) == page


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("# Ours\n", r"README\.md: expected a line <!-- table: book on cpu, .* found none"),
        (PAGE, "expected timed rows of book on cpu, found none; name a record with some"),
        (PAGE.replace("book", "bock"), "expected timed rows of bock on cpu"),
        (PAGE.replace("{file}", "no/such.json"), "no such file|can't be read"),
    ],
)
def test_a_table_without_a_record_for_it_is_refused_in_words(page: str, message: str, tmp_path: Path) -> None:
    path = record(tmp_path, row("torch_eager"))

    with pytest.raises(UsageError, match=message):
        renewed(page.format(file=path))


def test_the_command_writes_the_page_or_says_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "README.md"
    monkeypatch.setattr(readme, "README", page)
    page.write_text(PAGE.format(file=record(tmp_path, book("torch_eager", 100e-6))), encoding="utf-8")

    assert main([]) == 0
    assert "100 µs" in page.read_text(encoding="utf-8")

    page.write_text("nothing", encoding="utf-8")
    assert main([]) == 4
    assert "found none" in capsys.readouterr().err
