"""The results' first page: what it answers, in which order, and that records can't break it."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt

from benchmarks.analysis.cells import ratio_cell, time_cell
from benchmarks.analysis.figures import figures_of
from benchmarks.analysis.head_to_head import like_for_like
from benchmarks.cases.problems import NAMED
from benchmarks.compare.two_runs import compare_calibrated
from benchmarks.records.machine import Machine
from benchmarks.records.row import Row, Verdict
from benchmarks.report.readme.images import Image
from benchmarks.report.readme.page import Extras, overview
from benchmarks.report.readme.summary_tables import NO_BREAK
from tests.helpers.runs import run_of_day, timed
from tests.records.test_run import ABSENT, AGREEMENT, INVALID, process, row, run_of

if TYPE_CHECKING:
    from benchmarks.records.run import Run

BOOK = NAMED["book"]
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tier(name: str, framework: str, epoch_s: float, **changes: Any) -> Row:
    changes = {"tier": "step", "problem": BOOK, **changes}
    return timed(name, [epoch_s * (1 + i / 100) for i in range(6)], framework=framework, **changes)


EAGER = tier("torch_eager", "torch", 1e-3, tier="eager")
STEPS = (tier("torch_step", "torch", 4e-4), tier("jax_jit", "jax", 2e-4), tier("jax_other", "jax", 3e-4))
FLOOR = tier("native_floor", "native", 1e-5, tier="floor")
RUN = run_of_day(0, EAGER, *STEPS, FLOOR)


def page(*runs: Run, **extras: Any) -> str:
    return overview(runs, Extras(**extras)).replace(NO_BREAK, " ")


def cells_of(text: str) -> list[list[str]]:
    return [
        [cell.strip().replace("**", "") for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ") and "---" not in line
    ]


def words_of(text: str) -> list[str]:
    """Give what a reader sees, paragraph by paragraph and cell by cell; nothing in it may be markup."""
    inline = [token for token in MARKDOWN.parse(text) if token.type == "inline"]
    assert not [token for token in MARKDOWN.parse(text) if token.type == "html_block"]
    children = list(itertools.chain.from_iterable(token.children or [] for token in inline))
    allowed = {"text", "text_special", "strong_open", "strong_close", "em_open", "em_close", "softbreak"}
    assert {child.type for child in children} <= allowed | {"code_inline"}
    return ["".join(child.content for child in token.children or []) for token in inline]


def test_the_questions_are_answered_in_the_order_in_which_one_asks() -> None:
    text = page(RUN, run_of_day(1, INVALID))

    headings = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    assert headings == [
        "Results", "vm: A CPU (2 CPUs), 1 core used", "Did they compute the same?",
        "Who is faster on the CPU?", "book: 5 batches of 1,000 samples with 2 features an epoch",
        "When does compiling pay on the CPU?", "How far from the hardware are they on the CPU?",
        "Can these figures be trusted?", "What is missing, and why", "How to read the tables",
    ]  # fmt: skip


def test_the_deviation_that_is_told_is_the_one_nearest_to_what_is_allowed() -> None:
    near = row(problem=BOOK, agreement=replace(AGREEMENT, max_loss_deviation=1.5e-5))
    coarse = row(
        problem=replace(BOOK, precision="tf32"), agreement=replace(AGREEMENT, max_loss_deviation=1e-4)
    )

    assert "off by 1.5e-05 from the reference; 2e-05 is allowed" in page(run_of(near, coarse))


def test_within_a_tier_the_fastest_ways_of_both_frameworks_are_held_against_each_other() -> None:
    lines = cells_of(page(RUN))

    assert lines[:2] == [
        ["problem", "tier", "PyTorch", "JAX", "faster"],
        ["book", "step", "torch_step 451 µs", "jax_jit 226 µs", "JAX, 2× (2 to 2)"],
    ]


def test_the_faster_framework_is_the_one_named_and_its_advantage_is_above_one() -> None:
    slow = tier("jax_jit", "jax", 8e-4)

    ((pair,),) = like_for_like(run_of(STEPS[0], slow)).values()

    assert pair.winner == "PyTorch"
    assert (pair.advantage.value, pair.advantage.low, pair.advantage.high) == pytest.approx((2, 2, 2))


def test_where_the_interval_holds_one_neither_is_called_faster() -> None:
    mixed = timed("jax_jit", [3e-4, 5e-4] * 3, framework="jax", tier="step", problem=BOOK)
    slow = replace(
        mixed,
        processes=tuple(replace(each, median_s=9e-4, q3_s=9e-4, max_s=9e-4) for each in mixed.processes),
    )

    text = page(run_of(STEPS[0], mixed))

    assert "no telling: JAX by the fastest epochs, 1.06× (0.808 to 1.39) |" in text
    assert "1.06× (0.808 to 1.39); PyTorch by the typical ones, 2× (" in page(run_of(STEPS[0], slow))
    assert "**JAX**," not in text
    assert "**PyTorch**," not in text


def test_where_fastest_and_typical_epochs_tell_different_winners_neither_wins_and_both_are_told() -> None:
    wavering = tuple(process(round_, 2e-4, 9e-4) for round_ in range(6))
    often_slow = row("jax_jit", processes=wavering, framework="jax", tier="step", problem=BOOK)
    steady = timed("torch_step", [5e-4] * 6, tier="step", problem=BOOK)

    text = page(run_of(steady, often_slow))

    assert "neither: JAX by the fastest epochs, 2.5× (2.5 to 2.5); PyTorch by" in text
    assert "the typical ones, 1.64× (1.64 to 1.64) |" in text
    assert "by the typical ones" not in page(RUN)


def test_typical_epochs_that_waver_from_round_to_round_raise_no_doubt() -> None:
    wavering = tuple(process(round_, 2e-4, (3e-4, 9e-4)[round_ % 2]) for round_ in range(6))
    jax = row("jax_jit", processes=wavering, framework="jax", tier="step", problem=BOOK)
    torch = timed("torch_step", [4e-4] * 6, tier="step", problem=BOOK)

    ((pair,),) = like_for_like(run_of(torch, jax)).values()

    assert pair.typical.value < 1 / 1.05
    assert (pair.by_typical, pair.winner) == (None, "JAX")


def test_typical_epochs_that_are_nearly_alike_raise_no_doubt() -> None:
    nearly = tuple(process(round_, 2e-4, 5.7e-4) for round_ in range(6))
    jax = row("jax_jit", processes=nearly, framework="jax", tier="step", problem=BOOK)
    torch = timed("torch_step", [5e-4] * 6, tier="step", problem=BOOK)  # typically 550 µs, 3.6 % less

    ((pair,),) = like_for_like(run_of(torch, jax)).values()

    assert (pair.winner, pair.is_doubtful) == ("JAX", False)


def test_without_an_interval_neither_wins_where_fastest_and_typical_epochs_tell_different_winners() -> None:
    often_slow = row(
        "jax_jit", processes=(process(0, 2e-4, 9e-4),), framework="jax", tier="step", problem=BOOK
    )
    steady = timed("torch_step", [5e-4], tier="step", problem=BOOK)

    text = " ".join(page(run_of(steady, often_slow)).split())

    told = "| neither: JAX by the fastest epochs, 2.5×; PyTorch by the typical ones, 1.64×; too few rounds"
    assert told in text
    ((pair,),) = like_for_like(run_of(steady, often_slow)).values()
    assert pair.winner is None


def test_below_the_frameworks_table_it_is_told_which_problems_run_was_interrupted() -> None:
    small = [replace(each, problem=NAMED["small"]) for each in STEPS]
    runs = run_of_day(0, *STEPS), run_of_day(1, *small, settings={"interrupted": "Ctrl-C *"})

    like_for_like_, *tables = page(*runs).split("####")
    told = r"INTERRUPTED (Ctrl-C \*): some rounds are missing"
    assert f"\n**small**: {told}.\n" in like_for_like_
    assert [f"\n**{told}**\n" in table for table in tables[:2]] == [False, True]
    assert "INTERRUPTED" not in page(runs[0])


def test_without_an_interval_the_page_says_that_nobody_can_be_sure() -> None:
    rows = [timed(each.implementation, [1e-4], framework=each.framework, problem=BOOK) for each in STEPS[:2]]

    assert "too few rounds to be sure" in page(run_of(*rows))


def test_each_table_goes_by_tier_the_fastest_first_with_the_figures_of_all_other_places() -> None:
    head, *lines = cells_of(page(RUN))[2:8]

    assert head == [
        "tier", "implementation", "typical", "samples/s", "vs torch_eager (95 %)", "vs floor", "cold", "warm",
        "memory", "deviation",
    ]  # fmt: skip
    assert [cells[:2] for cells in lines] == [
        ["floor", "native_floor"],
        ["step", "jax_jit"],
        ["", "jax_other"],
        ["", "torch_step"],
        ["eager", "torch_eager"],
    ]
    shown = {each.implementation: each for each in figures_of(RUN)}
    for _, name, typical, _, versus, floor, *_ in lines:
        assert typical == time_cell(shown[name].typical_s)
        assert versus.split(" (")[0] == ratio_cell(shown[name].speedup)
        assert floor == ratio_cell(shown[name].times_floor)


def test_book_comes_first_and_problems_without_a_name_are_counted_and_linked() -> None:
    rows = [tier("torch_eager", "torch", 1e-3, problem=problem) for problem in reversed(NAMED.values())]

    text = page(run_of(*rows, row()))

    names = re.findall(r"^#### (\w+):", text, re.MULTILINE)
    assert names == list(NAMED)
    assert "And 1 more problem: [all tables](tables.md)." in text


def test_where_no_named_problem_was_measured_the_others_are_shown() -> None:
    assert "#### B32-D2-N4-E3: 4 batches of 32 samples with 2 features an epoch" in page(run_of(row()))


def test_compiling_pays_from_the_epoch_of_the_break_even_on() -> None:
    first = replace(STEPS[1].costs, cold_first_call_s=2.0)  # type: ignore[type-var] # it has costs
    compiled = replace(STEPS[1], costs=first)

    lines = cells_of(page(run_of(EAGER, compiled)))

    later = 2.0 - 0.75, 1.1 * 1e-3 * 1.025 - 1.1 * 2e-4 * 1.025
    expected = int(later[0] / later[1]) + 2
    assert ["jax_jit", f"{expected:,} / 2"] in lines


def test_runs_with_baselines_of_their_own_each_say_when_compiling_pays() -> None:
    small = [replace(each, problem=NAMED["small"]) for each in STEPS]

    text = page(run_of_day(0, EAGER, *STEPS), run_of_day(1, *small, settings={"baseline": "torch_step"}))

    assert "less time than with torch_eager," in text
    assert "less time than with torch_step," in text


def test_the_distance_from_the_floor_is_told_for_both_frameworks_and_the_baseline() -> None:
    lines = cells_of(page(RUN))

    assert ["JAX's fastest", "jax_jit 20×"] in lines
    assert ["PyTorch's fastest", "torch_step 40×"] in lines
    assert ["the baseline", "torch_eager 100×"] in lines
    assert "from the hardware" not in page(run_of(EAGER, *STEPS))


def test_the_fastest_is_so_by_its_typical_time_in_every_table() -> None:
    lucky = tuple(process(round_, 1e-4, 9e-4) for round_ in range(6))

    text = page(run_of(EAGER, *STEPS, replace(STEPS[1], implementation="jax_lucky", processes=lucky), FLOOR))

    assert ["book", "step", "torch_step 451 µs", "jax_jit 226 µs", "JAX, 2× (2 to 2)"] in cells_of(text)
    assert ["JAX's fastest", "jax_jit 20×"] in cells_of(text)


def test_a_row_that_is_not_verified_shows_no_time_and_its_reason() -> None:
    text = page(run_of(EAGER, replace(INVALID, problem=BOOK)))

    assert ["", "jax_jit: INVALID", *["—"] * 7, "1.0e-07"] in cells_of(text)
    assert "Not all: 1 of the 2 rows that were measured in 1 run are verified." in text
    assert "- INVALID: jax\\_jit on cpu (every case): loss of step 1: …" in text.replace(
        "jax_jit", "jax\\_jit"
    )


def test_what_could_not_be_measured_is_named_once_however_many_runs_say_so() -> None:
    text = page(run_of_day(0, EAGER, ABSENT), run_of_day(1, EAGER, ABSENT))

    assert text.count("jax is not installed") == 1
    assert "(2 runs, last 2026-11-02T00:00:00+00:00)" in text


def test_each_machine_has_a_section_and_a_link_to_it() -> None:
    text = page(RUN, replace(RUN, provenance=replace(RUN.provenance, machine="other")))

    assert "- [other: A CPU (2 CPUs), 1 core used](#machine-" in text
    assert len(re.findall(r'^## <a id="machine-\d"></a>', text, re.MULTILINE)) == 2
    assert text.count("### Who is faster on the CPU?") == 2


def test_a_quick_look_is_called_one() -> None:
    assert "**QUICK LOOK: one round, no interval**" in page(run_of(EAGER, quick=True))


def test_a_picture_is_shown_with_its_description_before_the_question_that_follows() -> None:
    images = [Image(kind="losses", description=f'{i} "<b>"', path="a.svg") for i in "12"]

    text = page(RUN, images={Machine.of(RUN): images})

    assert '<img src="a.svg" alt="1 &quot;&lt;b&gt;&quot;">' in text
    assert "<details><summary>1 more</summary>" in text
    assert text.index("a.svg") < text.index("Who is faster")


def test_two_runs_side_by_side_show_the_verdicts_of_compare() -> None:
    slower = run_of_day(1, *(tier(each.implementation, each.framework, 2e-3) for each in STEPS))
    comparison = compare_calibrated(run_of_day(0, *STEPS), slower)

    text = page(slower, comparison=comparison)

    assert "## Two runs side by side: " in text
    assert all(f"| {verdict.name}" in text for verdict in comparison.verdicts)


@pytest.mark.parametrize(
    ("runs", "told"),
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
def test_of_little_or_nothing_it_says_something_sensible(runs: list[Run], told: str) -> None:
    text = page(*runs)

    assert told in text
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

    words = words_of(page(run))

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
