"""The results' first page: what it answers, in which order, and that records can't break it."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from benchmarks.analysis.cells import in_unit
from benchmarks.analysis.figures import figures_of
from benchmarks.cases.problems import NAMED
from benchmarks.compare.two_runs import Settings, compare_runs
from benchmarks.records.machine import Machine
from benchmarks.records.row import Verdict
from benchmarks.report.readme.images import Image, more_of
from tests.helpers.records import ABSENT, AGREEMENT, INVALID, row, run_of
from tests.helpers.runs import elsewhere, run_of_day
from tests.report.readme.pages import BOOK, EAGER, FLOOR, RUN, STEPS, cells_of, page, tier

if TYPE_CHECKING:
    from benchmarks.records.run import Run

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def words_of(text: str) -> list[str]:
    """Return the text that a reader sees, paragraph by paragraph; fail if a text became markup."""
    inline = [token for token in MARKDOWN.parse(text) if token.type == "inline"]
    assert not [token for token in MARKDOWN.parse(text) if token.type == "html_block"]
    children = list(itertools.chain.from_iterable(token.children or [] for token in inline))
    allowed = {"text", "text_special", "strong_open", "strong_close", "em_open", "em_close", "softbreak"}
    assert {child.type for child in children} <= allowed | {"code_inline"}
    return ["".join(child.content for child in token.children or []) for token in inline]


def test_the_questions_are_answered_in_the_readers_order() -> None:
    text = page(RUN, run_of_day(1, INVALID))

    headings = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    assert headings == [
        "Results", "vm: A CPU (2 CPUs)", "Did they compute the same?",
        "Who is faster on the CPU?", "When does compiling pay on the CPU?",
        "How far from the hardware are they on the CPU?",
        "Can these figures be trusted?", "What is missing, and why",
    ]  # fmt: skip


def test_the_deviation_that_is_shown_is_the_largest_share_of_its_tolerance() -> None:
    near = row(problem=BOOK, agreement=replace(AGREEMENT, max_loss_deviation=1.5e-5))
    coarse = row(
        problem=replace(BOOK, precision="tf32"), agreement=replace(AGREEMENT, max_loss_deviation=1e-4)
    )

    assert "the reference is 1.5e-05; 2e-05 is allowed" in page(run_of(near, coarse))


def test_the_table_of_epochs_goes_by_tier_the_fastest_first_with_a_column_for_each_problem() -> None:
    small = [replace(each, problem=NAMED["small"]) for each in (STEPS[0], EAGER)]

    head, *lines = cells_of(page(run_of(EAGER, *STEPS, FLOOR, *small)))[2:8]

    problems = ["book vs torch_eager", "small vs torch_eager"]
    assert head == ["tier", "implementation", *problems, "gradient", "more lines", "private names"]
    assert [cells[:2] for cells in lines] == [
        ["floor", "native_floor"],
        ["step", "jax_jit"],
        ["", "jax_other"],
        ["", "torch_step"],
        ["eager", "torch_eager"],
    ]
    assert [cells[3] == "—" for cells in lines] == [True, True, True, False, False]
    shown = {each.implementation: each for each in figures_of(RUN)}
    for _, name, figures, *_ in lines:
        time, _, ratio = figures.partition(", ")
        assert time == in_unit(shown[name].typical_s, "s")
        assert ratio.split(" (")[0] == in_unit(shown[name].speedup, "×")


def test_which_problems_run_was_interrupted_or_a_quick_look_is_said_once_before_the_tables() -> None:
    small = [replace(each, problem=NAMED["small"]) for each in STEPS]
    runs = run_of_day(0, *STEPS), run_of_day(1, *small, settings={"interrupted": "Ctrl-C *"})

    text = page(*runs)

    doubt = r"**small**: INTERRUPTED (Ctrl-C \*): some rounds are missing."
    assert text.count("INTERRUPTED") == text.count(doubt) + 1 == 2  # also in the run's caption
    assert text.index(doubt) < text.index("| problem")
    assert "INTERRUPTED" not in page(runs[0])
    assert "**book**: QUICK LOOK: one round, no interval." in page(run_of(EAGER, quick=True))


def test_book_comes_first_and_problems_without_a_name_are_counted_and_linked() -> None:
    rows = [tier("torch_eager", "torch", 1e-3, problem=problem) for problem in reversed(NAMED.values())]

    text = page(run_of(*rows, row()))

    assert re.findall(r"^- \*\*(\w+)\*\*: ", text, re.MULTILINE)[: len(NAMED)] == list(NAMED)
    assert "[All tables](tables.md) have 1 more problem." in text


def test_where_no_named_problem_was_measured_the_others_are_shown() -> None:
    assert "**B32-D2-N4-E3**: 4 batches of 32 samples with 2 features an epoch" in page(run_of(row()))


def test_compiling_pays_from_the_epoch_of_the_break_even() -> None:
    first = replace(STEPS[1].costs, cold_first_call_s=2.0)  # type: ignore[type-var] # it has costs
    compiled = replace(STEPS[1], costs=first)

    lines = cells_of(page(run_of(EAGER, compiled)))

    later = 2.0 - 0.75, 1.1 * 1e-3 * 1.025 - 1.1 * 2e-4 * 1.025
    expected = int(later[0] / later[1]) + 2
    assert ["jax_jit", f"{expected:,} / 2"] in lines


def test_runs_with_different_baselines_each_say_when_compiling_pays() -> None:
    small = [replace(each, problem=NAMED["small"]) for each in STEPS]

    text = page(run_of_day(0, EAGER, *STEPS), run_of_day(1, *small, settings={"baseline": "torch_step"}))

    assert "less time than with torch_eager," in text
    assert "less time than with torch_step," in text


def test_the_distance_from_the_floor_is_shown_for_both_frameworks_and_the_baseline() -> None:
    lines = cells_of(page(RUN))

    assert ["JAX's fastest", "jax_jit 20×"] in lines
    assert ["PyTorch's fastest", "torch_step 40×"] in lines
    assert ["the baseline", "torch_eager 100×"] in lines
    assert "from the hardware" not in page(run_of(EAGER, *STEPS))


def test_a_row_that_is_not_verified_shows_no_time_and_its_reason() -> None:
    text = page(run_of(EAGER, replace(INVALID, problem=BOOK)))

    assert ["jax_jit", "INVALID"] in [cells[1:3] for cells in cells_of(text)]
    assert "Not all: 1 of the 2 rows that were measured in 1 run are verified." in text
    assert "- INVALID: jax_jit on cpu (every case): loss of step 1: …" in text


def test_what_could_not_be_measured_is_named_once_however_many_runs_say_so() -> None:
    text = page(run_of_day(0, EAGER, ABSENT), run_of_day(1, EAGER, ABSENT))

    assert text.count("jax is not installed") == 1
    assert "(2 runs, last 2026-11-02T00:00:00+00:00)" in text


def test_each_machine_has_a_section_and_a_link_to_it() -> None:
    text = page(RUN, replace(RUN, provenance=elsewhere(RUN.provenance, machine="other")))

    assert "- [other: A CPU (2 CPUs)](#machine-" in text
    assert len(re.findall(r'^## <a id="machine-\d"></a>', text, re.MULTILINE)) == 2
    assert text.count("### Who is faster on the CPU?") == 2


def test_the_first_plot_of_a_kind_is_shown_with_its_first_sentence_below_its_question() -> None:
    images = [Image(kind="losses", description=f'{i} "<b>" 1.5: more', path=f"{i}.svg") for i in "12"]

    text = page(RUN, images={Machine.of(RUN): images})

    assert '<img src="1.svg" alt="1 &quot;&lt;b&gt;&quot; 1.5">' in text
    assert text.index("1.svg") < text.index("Who is faster")
    assert "2.svg" not in text
    assert [*more_of(images)] == ['<img src="2.svg" alt="2 &quot;&lt;b&gt;&quot; 1.5">\n']


def test_two_runs_side_by_side_show_the_verdicts_of_compare() -> None:
    slower = run_of_day(1, *(tier(each.implementation, each.framework, 2e-3) for each in STEPS))
    comparison = compare_runs(run_of_day(0, *STEPS), slower, Settings())

    text = page(slower, comparison=comparison)

    assert "## Two runs side by side: " in text
    assert comparison.verdicts
    assert all(f"| {verdict.name}" in text for verdict in comparison.verdicts)


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([], "Nothing has been measured yet"),
        ([run_of()], "Nothing has been measured yet"),
        ([run_of(ABSENT)], "Nothing could be measured on this machine"),
        ([run_of(INVALID)], "Not all: 0 of the 1 rows"),
        ([run_of(row())], "Yes: all 1 rows"),
        ([run_of(row(verdict=Verdict.FAILED, reason="killed"))], "FAILED: torch_eager"),
        ([run_of(row(processes=()), timed=False)], "Yes: all 1 rows"),
    ],
)
def test_a_run_with_little_or_nothing_in_it_has_a_sensible_page(runs: list[Run], said: str) -> None:
    text = page(*runs)

    assert said in text
    assert "on the GPU?" not in text


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "a|b", "[x](http://y)", "**bold**", "_emphasis_", "`code`", "&lt;",
        "a\\", "~~gone~~", "# head", "![i](http://y)", "a\n\n# b", "</details>", "<!-- x",
    ],
)  # fmt: skip
def test_markup_in_a_record_is_shown_as_text(text: str) -> None:
    odd = tier(text, "torch", 1e-3)
    wrong = row("wrong", verdict=Verdict.INVALID, reason=text, processes=(), problem=BOOK)
    run = run_of_day(0, EAGER, odd, wrong, cpu=text, commit=text, settings={"baseline": text})

    words = words_of(page(run).replace("[All tables](tables.md)", "All tables"))

    plain = " ".join(text.split())
    assert plain in words
    assert f"{plain} (2 CPUs)" in " ".join(words)
    assert sum(plain in each for each in words) >= 5


def test_a_very_long_text_is_cut_and_says_so() -> None:
    long = tier("x" * 5000, "torch", 1e-3)
    wrong = row("wrong", verdict=Verdict.INVALID, reason="y" * 5000, processes=())

    text = page(run_of(EAGER, long, wrong))

    assert max(map(len, text.splitlines())) < 3000
    assert "x" * 59 + "…" in text
    assert "y…" in text
