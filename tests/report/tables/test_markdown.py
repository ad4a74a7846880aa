"""Text from records in Markdown, and tables of it."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from benchmarks.report.tables.markdown import markdown_table, plain_in_markdown, shortened


@pytest.mark.parametrize(
    "text",
    [
        "see http://x.y", "www.x.y", "costs $1 and $2", "a_b _c_ `d` <e> | ~f~ #g &amp;", "- a", "+ b",
        "1. c", "23) d", "---", "- - -", "-", "-5.2 %", "1.5",
    ],
)  # fmt: skip
def test_addresses_formulas_lists_and_markup_stay_text(text: str) -> None:
    parser = MarkdownIt("gfm-like", {"linkify": False}).disable("linkify")

    (_, inline, _) = parser.parse(plain_in_markdown(text))

    assert {child.type for child in inline.children or []} <= {"text", "text_special"}
    assert "".join(child.content for child in inline.children or []) == text
    assert "http://" not in plain_in_markdown(text)
    assert "www." not in plain_in_markdown(text)
    assert "$" not in plain_in_markdown(text)


def test_a_table_is_aligned_in_its_source_too() -> None:
    text = markdown_table(["name", "time"], [("a", "1.00 µs"), ("longer", "—")], right=[1])

    assert text == (
        "| name   |    time |\n"
        "| ------ | ------: |\n"
        "| a      | 1.00 µs |\n"
        "| longer |       — |\n"
    )  # fmt: skip


def test_a_text_that_is_too_long_is_cut_and_says_so() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"
