"""How the tables of the project's README are written from records."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.problems import NAMED
from benchmarks.errors import UsageError
from benchmarks.report.readme import project
from benchmarks.report.readme.project import main, renewed
from tests.helpers.records import document_of, process, row, run_of
from tests.helpers.runs import elsewhere

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.records.row import Row
    from impls.contract import Problem

PAGE = "# Ours\n\n<!-- table: cpu, {file} -->\nreplaced\n<!-- end of table -->\n\nmore\n"


def pair(torch_s: float, jax_s: float, problem: Problem = NAMED["book"], tier: str = "step") -> list[Row]:
    return [
        row(
            f"{framework}_{tier}",
            framework=framework,
            tier=tier,
            problem=problem,
            processes=tuple(process(i, time_s, time_s) for i in range(6)),
        )
        for framework, time_s in (("torch", torch_s), ("jax", jax_s))
    ]


def record(
    folder: Path,
    *rows: Row,
    cpu: str = "A CPU",
    name: str = "run.json",
    interrupted: str | None = None,
) -> Path:
    run = run_of(*rows, interrupted=interrupted)
    path = folder / name
    run = replace(run, provenance=elsewhere(run.provenance, cpu=cpu))
    path.write_text(json.dumps(document_of(run)), encoding="utf-8")
    return path


def test_a_table_compares_the_frameworks_and_names_the_machine(
    tmp_path: Path,
) -> None:
    path = record(
        tmp_path, *pair(100e-6, 50e-6), *pair(90e-6, 91e-6, NAMED["wide"]), *pair(1, 2, row().problem)
    )

    page = renewed(PAGE.format(file=path))

    lines = [re.sub(r"\s+", " ", line) for line in page.splitlines() if line.startswith("| ")]
    assert lines[2] == "| **book** | step | torch_step 100 µs | jax_step 50.0 µs | **JAX**, 2× (2 to 2) |"
    assert "| **wide** | step |" in lines[3]
    assert len(lines) == 4
    assert "1 core of A CPU, 6 rounds" in page
    assert page.startswith("# Ours\n")
    assert page.endswith("\n\nmore\n")
    assert "replaced" not in page


def test_the_caption_has_both_numbers_if_problems_differ_in_rounds(tmp_path: Path) -> None:
    short = [replace(each, processes=each.processes[:4]) for each in pair(90e-6, 91e-6, NAMED["wide"])]

    page = renewed(PAGE.format(file=record(tmp_path, *pair(100e-6, 50e-6), *short)))

    assert "4 to 6 rounds of fresh processes" in page


def test_the_caption_says_that_a_run_was_interrupted(tmp_path: Path) -> None:
    whole = PAGE.format(file=record(tmp_path, *pair(100e-6, 50e-6)))
    cut = PAGE.format(file=record(tmp_path, *pair(100e-6, 50e-6), name="cut.json", interrupted="Ctrl-C *"))

    assert "INTERRUPTED" not in renewed(whole)
    assert r"**INTERRUPTED (Ctrl-C \*): some rounds are missing.** 1 core of A CPU" in renewed(cut)


def test_a_table_moves_to_a_newer_record_that_has_named_problems(tmp_path: Path) -> None:
    old = record(tmp_path, *pair(100e-6, 50e-6), name="old.json")
    other = record(tmp_path, row("torch_eager"), name="other.json")
    new = record(tmp_path, *pair(80e-6, 50e-6), name="new.json")

    page = renewed(PAGE.format(file=old), [other, new])

    assert "torch_step 80.0 µs" in " ".join(page.split())
    assert "new.json -->" in page
    assert renewed(page) == page


def test_a_record_can_put_nothing_into_the_readme_but_text(tmp_path: Path) -> None:
    path = record(tmp_path, *pair(100e-6, 50e-6), cpu="<b>[x](y)</b> -->\n| a |")

    page = renewed(PAGE.format(file=path))

    assert "<b>" not in page
    assert r"\[x\](y)" in page
    assert "\n| a |" not in page
    assert renewed(page) == page


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("# Ours\n", r"README\.md: expected a line <!-- table: cpu, .* found none"),
        (PAGE, "expected both frameworks on named problems on cpu, found none; name another"),
        (PAGE.replace("cpu", "cuda"), "on named problems on cuda, found none"),
        (PAGE.replace("{file}", "no/such.json"), "no/such.json"),
    ],
)
def test_a_table_without_a_record_for_it_is_refused_in_one_line(
    page: str, message: str, tmp_path: Path
) -> None:
    path = record(tmp_path, row("torch_eager"))

    with pytest.raises(UsageError, match=message):
        renewed(page.format(file=path))


def test_the_command_writes_the_page_or_says_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "README.md"
    monkeypatch.setattr(project, "README", page)
    page.write_text(PAGE.format(file=record(tmp_path, *pair(100e-6, 50e-6))), encoding="utf-8")

    assert main([]) == 0
    assert "100 µs" in " ".join(page.read_text(encoding="utf-8").split())

    page.write_text("nothing", encoding="utf-8")
    assert main([]) == 4
    assert "found none" in capsys.readouterr().err
