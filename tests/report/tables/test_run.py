"""Tables of a run: the figures in them, their order, and text from records that stays text."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from itertools import dropwhile, takewhile

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from benchmarks.records.row import Verdict
from benchmarks.report.tables.run import caption, print_run, to_markdown
from tests.conftest import SMALL
from tests.helpers.records import ABSENT, INVALID, process, row, run_of

FAST = row("jax_scan", tier="epoch", processes=tuple(process(i, 10e-6 + i * 1e-7, 12e-6) for i in range(6)))


def rows_in(markdown: str) -> list[dict[str, str]]:
    """Return the rows of the first table, each by its columns' headings."""
    lines = (
        [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else None
        for line in markdown.splitlines()
    )
    head, _, *rows = takewhile(bool, dropwhile(lambda cells: not cells, lines))
    return [dict(zip(head or (), row or (), strict=True)) for row in rows]


def ratio_in(markdown: str) -> tuple[str, str]:
    """Return the first row's ratio to the baseline and its interval."""
    first, *_ = rows_in(markdown)
    return first["vs torch_eager"], first["95 %"]


def test_the_table_shows_times_throughput_ratio_interval_and_verdict_fastest_first() -> None:
    first, second, *_ = rows_in(to_markdown([run_of(row(), FAST)]))

    assert first.items() >= {
        "implementation": "jax_scan", "tier": "epoch", "typical": "12.0 µs", "best": "10.0 µs",
        "samples/s": "10.7 M", "vs torch_eager": "10×", "95 %": "10 to 10", "vs floor": "—", "cold": "750 ms",
        "warm": "500 ms", "memory": "12.3 MB", "deviation": "1.0e-07", "verdict": "verified",
    }.items()  # fmt: skip
    assert second.items() >= {
        "implementation": "torch_eager", "typical": "122 µs", "samples/s": "1.04 M", "vs torch_eager": "1×",
        "95 %": "—",
    }.items()  # fmt: skip


def test_an_invalid_row_shows_no_time_and_its_reason_is_below() -> None:
    markdown = to_markdown([run_of(row(), INVALID)])

    shown = {name: text for name, text in rows_in(markdown)[-1].items() if text != "—"}
    assert shown == {
        "implementation": "jax_jit", "tier": "eager", "gradient": "framework, own loss rule",
        "deviation": "1.0e-07", "verdict": "INVALID",
    }  # fmt: skip
    assert r"- INVALID: jax_jit on cpu (every case): loss of step 1: …" in markdown


def test_a_failed_row_shows_no_time_even_if_earlier_rounds_gave_one() -> None:
    failed = row("jax_jit", verdict=Verdict.FAILED, reason="killed by SIGKILL")

    shown = {name for name, text in rows_in(to_markdown([run_of(row(), failed)]))[-1].items() if text != "—"}
    assert shown == {"implementation", "tier", "gradient", "deviation", "verdict"}


def test_a_group_that_nobody_could_measure_is_one_line_per_reason_and_no_table() -> None:
    markdown = to_markdown([run_of(ABSENT)])

    assert "|" not in markdown
    assert r"- not measured: jax_scan on cpu (every case): jax is not installed" in markdown


def test_a_reason_that_several_implementations_share_is_written_once() -> None:
    other = row("jax_jit", verdict=Verdict.NOT_MEASURED, reason=ABSENT.reason, processes=())

    markdown = to_markdown([run_of(row(), ABSENT, other)])

    assert "- not measured: jax_scan, jax_jit on cpu (every case): jax is not installed" in markdown


def test_a_reason_names_the_cases_it_holds_for() -> None:
    other = replace(SMALL, batch_size=16)
    run = run_of(row(), row(problem=other, verdict=Verdict.FAILED, reason="killed"))

    assert "- FAILED: torch_eager on cpu (B16-D2-N4-E3): killed" in to_markdown([run])


def test_without_the_baseline_there_is_no_ratio() -> None:
    assert ratio_in(to_markdown([run_of(FAST)])) == ("—", "—")


def test_only_rounds_in_which_both_ran_are_compared() -> None:
    late = row("jax_scan", processes=tuple(process(i, 51e-6, 60e-6) for i in range(2, 6)))

    # the median of 102, 103, 104 and 105 over 51
    assert ratio_in(to_markdown([run_of(row(), late)])) == ("2.03×", "—")
    few = row(processes=row().processes[2:4])
    assert ratio_in(to_markdown([run_of(few, FAST)])) == ("10×", "—")


def test_every_table_names_machine_cpu_cores_versions_commit_date_and_rounds() -> None:
    markdown = to_markdown([run_of(row())])

    for fact in (
        "vm: A CPU", "2 CPUs", "1 core per case", "pinned to CPU 1", "torch 2.13.0", "commit 0123456789",
        "2026-11-23T12:00:00", "6 rounds",
    ):  # fmt: skip
        assert fact in markdown


def test_an_interrupted_run_counts_the_rounds_that_every_row_has() -> None:
    short = row("jax_jit", processes=row().processes[:2])

    assert "2 of 6 rounds" in to_markdown([run_of(row(), short, interrupted="Ctrl-C or SIGTERM")])


def test_a_quick_or_interrupted_run_is_marked_as_such() -> None:
    assert "QUICK LOOK" in to_markdown([run_of(row(), quick=True)])
    assert "INTERRUPTED (Ctrl-C): some rounds are missing" in to_markdown(
        [run_of(row(), interrupted="Ctrl-C")]
    )
    assert not re.search("QUICK|INTERRUPTED", to_markdown([run_of(row())]))


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "a|b", "[x](http://y)", "*bold*", "_emphasis_", "`code`", "&lt;", "a\\",
        "[bold]x[/]", "~~gone~~", "# head", "![i](http://y)", "x" * 5000,
    ],
)  # fmt: skip
def test_markup_in_a_record_is_shown_as_text(text: str) -> None:
    run = run_of(row(), row(text, verdict=Verdict.INVALID, reason=text, processes=()))

    document = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(to_markdown([run]))
    terminal = io.StringIO()
    print_run(run, Console(file=terminal, width=10_000))

    inline = [token for token in document if token.type == "inline"]
    children = [child for token in inline for child in token.children or []]
    assert {child.type for child in children} <= {"text", "text_special"}
    assert text in ["".join(child.content for child in token.children or []) for token in inline]
    assert text in terminal.getvalue()


def test_the_distance_from_the_floor_is_how_many_times_as_long_an_epoch_takes() -> None:
    floor = row("native_floor", processes=tuple(process(i, 5e-6 + i * 5e-8, 6e-6) for i in range(6)))

    rows = rows_in(to_markdown([run_of(row(), FAST, floor)]))[:3]

    assert [cells["vs floor"] for cells in rows] == ["1×", "2×", "20×"]


def test_a_line_break_in_a_record_does_not_break_the_row() -> None:
    rows = rows_in(to_markdown([run_of(row(), row("a\nb", processes=()))]))

    assert [cells["implementation"] for cells in rows] == ["torch_eager", "a b"]


def test_the_caption_says_how_many_rounds_there_are_and_why_not_all() -> None:
    short = row(processes=tuple(process(i, 1e-6, 1e-6) for i in range(4)))

    assert "4 of 6 rounds: time was up (--max-time sets how much there is)" in caption(run_of(short))
    failed = row("jax_jit", verdict=Verdict.FAILED, reason="killed", processes=short.processes)
    assert caption(run_of(row(), failed)).endswith("6 rounds")
    assert caption(run_of(short, interrupted="Ctrl-C")).endswith("4 of 6 rounds")
    assert caption(run_of(row())).endswith("6 rounds")


def test_a_large_ratio_is_written_out() -> None:
    fast = row("native_floor", processes=tuple(process(i, 0.1e-6, 0.1e-6) for i in range(6)))

    assert ratio_in(to_markdown([run_of(row(), fast)])) == ("1,025×", "1,000 to 1,050")


def test_a_row_shows_what_it_costs_its_author_and_an_older_record_a_dash() -> None:
    costly = replace(FAST, gradient="by hand", more_lines=43, private_names=("torch._a", "xla_b"))

    first, second = rows_in(to_markdown([run_of(costly, row(more_lines=0, private_names=()))]))
    (older,) = rows_in(to_markdown([run_of(row())]))

    cells = ("gradient", "more lines", "private names")
    assert [first[name] for name in cells] == ["by hand", "+43", "2"]
    assert [second[name] for name in cells] == ["framework", "+0", "0"]
    assert [older[name] for name in cells] == ["framework", "—", "—"]
