"""How the tables of the project's README are written from records."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.analysis.cells import NO_FIGURE
from benchmarks.cases.implementations import BY_HAND
from benchmarks.cases.problems import NAMED
from benchmarks.errors import UsageError
from benchmarks.report.readme import project
from benchmarks.report.readme.cells import NO_BREAK
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


def cells(page: str) -> list[list[str]]:
    """Return the cells of the page's table, without its rule, with plain spaces."""
    lines = [line.replace(NO_BREAK, " ") for line in page.splitlines() if line.startswith("| ")]
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [table[0], *table[2:]]


def test_a_table_compares_the_frameworks_and_names_the_machine(tmp_path: Path) -> None:
    """The table has a column for each named problem with its sizes, and its caption names the machine."""
    path = record(
        tmp_path, *pair(100e-6, 50e-6), *pair(90e-6, 91e-6, NAMED["wide"]), *pair(1, 2, row().problem)
    )

    page = renewed(PAGE.format(file=path))

    heading, line = cells(page)
    assert heading == [
        "tier",
        "**book**<br><small>5 batches of 1,000 × 2</small>",
        "**wide**<br><small>20 batches of 1,000 × 256</small>",
    ]
    assert line[:2] == [
        "**step**<br><small>torch_step<br>jax_step</small>",
        "**JAX**, 2× (2 to 2)<br><small>100 µs / 50.0 µs</small>",
    ]
    assert "1 core of A CPU, 6 rounds" in page
    assert page.startswith("# Ours\n")
    assert page.endswith("\n\nmore\n")
    assert "replaced" not in page


def test_gradients_by_hand_have_a_line_that_follows_their_tier(tmp_path: Path) -> None:
    """Gradients by hand are compared in their own line, below that of the frameworks' gradients."""
    written_out = [
        replace(each, implementation=f"{each.implementation}_hand", gradient=BY_HAND)
        for each in pair(80e-6, 20e-6, NAMED["wide"], "epoch")
    ]
    path = record(
        tmp_path,
        *pair(300e-6, 200e-6),
        *pair(100e-6, 50e-6, NAMED["wide"], "epoch"),
        *written_out,
    )

    names = [line[0].partition("<br>")[0] for line in cells(renewed(PAGE.format(file=path)))[1:]]

    assert names == ["**epoch**", "**epoch, by hand**", "**step**"]


def test_a_cell_is_empty_where_only_one_framework_was_measured(tmp_path: Path) -> None:
    """A tier that one problem has in both frameworks has no figure for a problem that lacks one of them."""
    lonely = [each for each in pair(1e-3, 1e-3, NAMED["wide"], "epoch") if each.framework == "torch"]
    path = record(tmp_path, *pair(100e-6, 50e-6, tier="epoch"), *pair(9e-6, 8e-6, NAMED["wide"]), *lonely)

    epoch, step = cells(renewed(PAGE.format(file=path)))[1:]

    assert (epoch[2], step[1]) == (NO_FIGURE, NO_FIGURE)


def test_a_line_with_other_implementations_on_some_problem_names_them_at_their_times(tmp_path: Path) -> None:
    """Where a tier's fastest differ between problems, each cell says whose times it shows."""
    other = [replace(each, implementation="torch_other") for each in pair(9e-6, 8e-6, NAMED["wide"])[:1]]
    path = record(tmp_path, *pair(100e-6, 50e-6), *pair(90e-6, 91e-6, NAMED["wide"]), *other)

    _, line = cells(renewed(PAGE.format(file=path)))

    assert line[0] == "**step**"
    assert line[1].endswith("<br><small>torch_step 100 µs<br>jax_step 50.0 µs</small>")
    assert "<small>torch_other " in line[2]


def test_the_caption_has_both_numbers_if_problems_differ_in_rounds(tmp_path: Path) -> None:
    short = [replace(each, processes=each.processes[:4]) for each in pair(90e-6, 91e-6, NAMED["wide"])]

    page = renewed(PAGE.format(file=record(tmp_path, *pair(100e-6, 50e-6), *short)))

    assert "4 to 6 rounds of fresh processes" in page


def test_the_caption_counts_only_the_rounds_of_rows_that_the_table_compares(tmp_path: Path) -> None:
    by_hand = replace(pair(1e-3, 1e-3)[0], implementation="torch_hand", gradient="by hand")
    lonely = replace(by_hand, processes=by_hand.processes[:4])
    page = renewed(PAGE.format(file=record(tmp_path, *pair(100e-6, 50e-6), lonely)))

    assert ", 6 rounds of fresh processes" in page


def test_a_record_in_which_nothing_can_be_compared_is_refused(tmp_path: Path) -> None:
    torch, jax = pair(1e-3, 1e-3)
    apart = replace(torch, processes=torch.processes[:3]), replace(jax, processes=jax.processes[3:])

    with pytest.raises(UsageError, match="expected both frameworks on named problems"):
        renewed(PAGE.format(file=record(tmp_path, *apart)))


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

    assert "<small>80.0 µs / 50.0 µs</small>" in page.replace(NO_BREAK, " ")
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
    assert "100 µs" in page.read_text(encoding="utf-8").replace(NO_BREAK, " ")

    page.write_text("nothing", encoding="utf-8")
    assert main([]) == 4
    assert "found none" in capsys.readouterr().err
