"""The page in a browser: its figures and verdicts are those of the tables."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.analysis.cells import in_unit, interval_cell, si
from benchmarks.analysis.columns import shown_columns
from benchmarks.analysis.head_to_head import lines_of
from benchmarks.analysis.record_columns import ProcessLine
from benchmarks.compare.two_runs import Settings, compare_runs
from benchmarks.records.row import Check, Verdict
from benchmarks.report.readme.head_to_head import like_for_like_table
from benchmarks.report.tables.scaling import scaling_grids
from benchmarks.stats import speedup
from impls.contract import Problem
from tests.helpers.pages import MINIMA_S, column, names, rows_of, written
from tests.helpers.records import process
from tests.helpers.runs import run_of_day, timed

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.report.html.conftest import Open

HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\">"


def test_with_another_baseline_the_page_has_the_ratios_that_the_statistics_compute(
    opened: Open, plain: Path
) -> None:
    page = opened(plain, "baseline=jax_jit&grouped=no&sort=implementation")
    minima_s = [(MINIMA_S["jax_jit"][2], minima_s) for _, (_, _, minima_s) in sorted(MINIMA_S.items())]
    ratios = [speedup(*pair) for pair in minima_s if pair[0] is not pair[1]]

    shown = [text for text in column(page, "speedup") if text not in ("—", "1×")]
    assert shown == [in_unit(ratio.value, "×") for ratio in ratios]
    intervals = [interval_cell(ratio.low, ratio.high, ratio.coverage) for ratio in ratios]
    assert [text for text in column(page, "speedup_low") if text != "—"] == intervals


def test_a_rows_processes_are_shown_as_the_terminal_shows_them(opened: Open, plain: Path) -> None:
    table = opened(plain, "row=jax_jit").get_by_role("table", name="Each round’s process")
    row = next(each for each in rows_of(Problem()) if each.implementation == "jax_jit")
    shown = [each for each in shown_columns(ProcessLine) if not each.if_known]  # none was metered

    assert table.locator("thead th").all_inner_texts() == [each.title for each in shown]
    assert table.locator("tbody tr > *").all_inner_texts() == [
        each.write(process) for process in row.processes for each in shown
    ]


def test_the_fastest_of_a_framework_has_the_shortest_typical_epoch(opened: Open, tmp_path: Path) -> None:
    rows = {each.implementation: each for each in rows_of(Problem())}
    lucky = tuple(process(round_, 1e-6, 1e-3) for round_ in range(6))
    run = run_of_day(0, *rows.values(), replace(rows["jax_jit"], implementation="jax_lucky", processes=lucky))

    paired_runs = opened(written(tmp_path, run)).locator("#pairs").inner_text()

    assert "jax_jit" in paired_runs
    assert "jax_lucky" not in paired_runs


@pytest.mark.parametrize("n_rounds", [3, 6])
def test_the_verdicts_are_those_of_the_readme_word_for_word(
    opened: Open, tmp_path: Path, n_rounds: int
) -> None:
    run = run_of_day(0, *(replace(row, processes=row.processes[:n_rounds]) for row in rows_of(Problem())))
    page = opened(written(tmp_path, run))
    first_page = like_for_like_table(lines_of(run)).replace("*", "").splitlines()[2:]

    verdicts = [line.split("|")[-2].strip() for line in first_page]
    shown = page.locator("#pairs tbody tr td:last-child").all_text_contents()
    assert sorted(shown) == sorted(verdicts)
    assert ("too few rounds to be sure" in shown[0]) == (n_rounds == 3)
    answer = page.locator("#answer-fast").inner_text()
    caveat = "With too few rounds to be sure: " * (n_rounds == 3)
    assert re.match(rf"{caveat}JAX by 1\.3\d× in tier step\. PyTorch by 9[\d.]*× in tier eager\.", answer)


def test_if_typical_epochs_have_another_winner_the_answer_says_so(opened: Open, tmp_path: Path) -> None:
    rows = {row.implementation: row for row in rows_of(Problem())}
    uneven = tuple(
        process(round_, 1e-6, 1e-3) for round_ in range(6)
    )  # first by its fastest, last by typical
    run = run_of_day(0, *(rows | {"jax_jit": replace(rows["jax_jit"], processes=uneven)}).values())

    answer = opened(written(tmp_path, run)).locator("#answer-fast").inner_text()

    assert "In tier step the fastest epochs and the typical ones name different winners." in answer
    assert "JAX" not in answer


def test_the_page_writes_a_figure_as_the_tables_do(browser: Browser) -> None:
    values = [0.0, *(digits * 10.0**power for power in range(-13, 10) for digits in (1, 2.344, 9.9996))]
    script = files("benchmarks.report.html").joinpath("static", "format.js").read_text(encoding="utf-8")

    with browser.new_page() as page:
        written_ = page.evaluate(
            f"values => {{ {script}; return values.map((each) => si(each, 's')) }}", values
        )

    assert written_ == [si(value, "s") for value in values]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (None, "There is no record yet"),
        (
            [
                replace(each, verdict=Verdict.INVALID, reason="off", processes=())
                for each in rows_of(Problem())
            ],
            "INVALID",
        ),
        (rows_of(Problem())[:1], "The one that ran agrees"),
    ],
    ids=["no run", "only invalid", "one row"],
)
def test_a_run_with_little_or_nothing_in_it_has_a_sensible_page(
    opened: Open, tmp_path: Path, rows: Any, said: str
) -> None:
    page = opened(written(tmp_path, *([] if rows is None else [run_of_day(0, *rows)])))

    assert said in page.locator("body").inner_text()


def test_a_comparison_is_shown_case_by_case(opened: Open, tmp_path: Path) -> None:
    base, new = run_of_day(0, *rows_of(Problem())), run_of_day(1, *rows_of(Problem()))
    page = opened(written(tmp_path, new, base, against=compare_runs(base, new, Settings())))

    section = page.locator("#changes")
    assert "unchanged" in section.inner_text() or "undecided" in section.inner_text()
    assert section.locator("tbody tr").count() == len(MINIMA_S)


def test_the_tables_of_ranks_are_shown_if_a_run_has_some(opened: Open, plain: Path, tmp_path: Path) -> None:
    over_ranks = [timed("torch_ddp", [1e-3 / n] * 6, problem=Problem(), n_ranks=n) for n in (1, 2)]
    run = run_of_day(0, *rows_of(Problem()), *over_ranks)
    section = opened(written(tmp_path, run)).locator("#scaling")

    (grid,) = scaling_grids(run)
    lines = [line.split("\t") for line in section.locator("tr").all_inner_texts()]
    assert lines == [grid.headings, *map(list, grid.rows)]
    assert not opened(plain).locator("#scaling").is_visible()


def test_markup_in_a_record_shows_as_text(opened: Open, tmp_path: Path) -> None:
    item = Check(name=HOSTILE, expected=HOSTILE, found=HOSTILE, holds=True)
    rows = [
        replace(
            row, implementation=HOSTILE * (i == 1) or row.implementation, summary=HOSTILE, manifest=(item,)
        )
        for i, row in enumerate(rows_of(Problem()))
    ]
    broken = replace(rows[0], implementation="broken", verdict=Verdict.INVALID, reason=HOSTILE, processes=())
    run = run_of_day(0, *rows, broken, machine=HOSTILE, cpu=HOSTILE, commit=HOSTILE, system=HOSTILE)
    page = opened(written(tmp_path, run, drawn=True), f"row={rows[2].implementation}")
    page.wait_for_selector("html[data-drawn=yes]")

    assert page.title() == "perceptron-bench: PyTorch against JAX"
    assert page.locator("img").count() == 0
    assert HOSTILE in names(page)
    assert HOSTILE in page.get_by_role("dialog").inner_text()
    assert HOSTILE in page.locator("#unverified").inner_text()


def test_every_sentence_of_a_typical_page_has_its_figures(opened: Open, typical: Path) -> None:
    page = opened(typical, "row=jax_jit")

    text = page.locator("body").inner_text()
    assert "The shortest typical epoch is jax_jit's: 1" in text
    assert not re.search("undefined|NaN|null", text)


def test_a_gradient_by_hand_is_marked_and_compared_in_a_line_of_its_own(opened: Open, tmp_path: Path) -> None:
    rows = {each.implementation: each for each in rows_of(Problem())}
    by_hand = replace(
        rows["jax_jit"], implementation="jax_hand", gradient="by hand", private_names=("jax._a", "xla_b")
    )
    page = opened(written(tmp_path, run_of_day(0, *rows.values(), by_hand)), "row=jax_hand")

    lines = [" ".join(line.split()) for line in page.locator("#pairs tbody tr").all_inner_texts()]
    assert "step, by hand — jax_hand" in " ".join(lines)
    assert next(line for line in lines if line.startswith("step, by hand")).endswith("—")
    assert "jax_jit" in next(line for line in lines if line.startswith("step torch_step"))
    assert page.locator("#table tbody tr:has-text('by hand')").count() == 1
    assert "jax._a, xla_b" in page.get_by_role("dialog").inner_text()
