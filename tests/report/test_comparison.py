"""A comparison as a reader meets it: in the terminal, in Markdown, in JUnit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from benchmarks.compare.rule import Category
from benchmarks.report.export.junit import to_junit
from benchmarks.report.tables.comparison import print_comparison, printable, to_markdown
from tests.helpers.comparisons import ALL, DECISION, comparison, verdict

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.compare.result import (
        Comparison,
    )

HOSTILE = {
    "markup": "<script>alert(1)</script> ]]> &amp; \" '",
    "of rich": "[red]no[/red] [/] :bug: \\",
    "of Markdown": "| `a` | **b** [c](http://d) <br>",
    "control characters": "a\x00\x08\x1b[31m\x7f\ufffe\ud800b",
    "lines": "a\n\n# b\r\n| c |",
    "long": "x" * 100_000,
}


def shown(found: Comparison) -> str:
    terminal = Console(width=300, record=True, force_terminal=True, quiet=True)
    terminal.quiet = False
    with terminal.capture() as captured:
        print_comparison(found, terminal)
    return captured.get()


def test_junit_counts_what_it_holds() -> None:
    root = ET.fromstring(to_junit(ALL))  # noqa: S314 - our own
    (suite,) = root

    for element in (root, suite):
        counts = {name: element.get(name) for name in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": "7", "failures": "1", "errors": "2", "skipped": "2"}
    found = {case.get("name"): [child.tag for child in case] for case in suite}
    assert found == {
        "case_SLOWER": ["failure"],
        "case_INVALID": ["error"],
        "case_MISSING": ["error"],
        "case_UNDECIDED": ["skipped"],
        "case_NEW": ["skipped"],
        "case_FASTER": [],
        "case_UNCHANGED": [],
    }
    message = suite[0][0].get("message")
    assert message == "slower: +10.0 % (interval +5.0 % to +20.0 %, 10 pairs, threshold +2.5 %)"


@pytest.mark.parametrize(
    ("detectable", "reason", "text"),
    [
        (0.08, None, "could detect a slowdown of 8.0 % (power 50 %); the change may be up to +20.0 %"),
        (None, None, "10 pairs are too few to detect any slowdown"),
        (None, "interrupted", "interrupted"),
    ],
)
def test_every_report_says_which_slowdown_could_be_detected_in_an_undecided_case(
    detectable: float | None, reason: str | None, text: str
) -> None:
    decision = replace(DECISION, category=Category.UNDECIDED, detectable=detectable)
    made = comparison(verdict("a", Category.UNDECIDED, decision=decision, reason=reason))

    assert f"undecided: a: {text}\n" in to_markdown(made)
    assert f"undecided: a: {text}\n" in shown(made)
    assert ET.fromstring(to_junit(made))[0][0][0].get("message", "").endswith(f"): {text}")  # noqa: S314 - our own


def test_junitparser_reads_it_and_counts_the_same(tmp_path: Path) -> None:
    junitparser = pytest.importorskip("junitparser", reason="junitparser is not installed (extra dev)")
    path = tmp_path / "report.xml"
    path.write_bytes(to_junit(ALL))

    read = junitparser.JUnitXml.fromfile(str(path))
    counted = ("tests", "failures", "errors", "skipped", "time")
    before = [getattr(read, name) for name in counted]
    (suite,) = read
    results = {case.name: [type(result).__name__ for result in case.result] for case in suite}
    for each in (suite, read):
        each.update_statistics()

    assert [getattr(read, name) for name in counted][:4] == before[:4] == [7, 1, 2, 2]
    assert results["case_SLOWER"] == ["Failure"]
    assert results["case_MISSING"] == ["Error"]
    assert results["case_UNDECIDED"] == ["Skipped"]
    assert results["case_UNCHANGED"] == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_and_messages_stay_text_in_junit(text: str) -> None:
    made = comparison(verdict(text, Category.INVALID, decision=None, reason=text))

    (case,) = ET.fromstring(to_junit(made))[0]  # noqa: S314 - our own

    assert [child.tag for child in case] == ["error"]
    assert [len(child) for child in case] == [0]
    expected = "".join(each if each in "\n\t" or each.isprintable() else "\ufffd" for each in text)
    assert case.get("name") == expected
    assert case[0].get("message") == f"INVALID: {expected}"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_and_messages_stay_text_in_markdown_and_keep_to_their_row(text: str) -> None:
    made = comparison(verdict(text, Category.INVALID, decision=None, reason=text), notes=(text,))
    plain = to_markdown(comparison(verdict("a", Category.INVALID, decision=None, reason="a"), notes=("a",)))

    markdown = to_markdown(made)

    markdown.encode()  # no half of a surrogate pair
    assert len(markdown.splitlines()) == len(plain.splitlines())
    (line,) = [line for line in markdown.splitlines() if line.startswith("|") and "INVALID" in line]
    header = markdown.splitlines()[2]
    assert line.replace("\\\\", "").replace("\\|", "").count("|") == header.count("|")
    for unescaped in ("<script>", "<br>", "[c](", "**b**", "\x1b", "\x00"):
        assert unescaped not in markdown
    if text.startswith("[red]"):
        assert ":bug:" in line
        assert "red" in line


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_a_reader_of_the_markdown_sees_is_the_text_itself(text: str) -> None:
    made = comparison(verdict(text, Category.INVALID, decision=None), notes=(text,))
    document = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(to_markdown(made))
    children = [token.children or [] for token in document if token.type == "inline"]
    texts = ["".join(child.content for child in each) for each in children if len(each) > 0]
    emphasized = [each for each in children if {child.type for child in each} - {"text", "text_special"}]

    assert texts.count(" ".join(printable(text).split())) == 2  # in the table and in the list
    assert len(emphasized) == 1  # the paragraph that explains the columns


def test_hostile_names_and_messages_do_not_steer_the_terminal() -> None:
    names = {name: text for name, text in HOSTILE.items() if name != "long"}
    quiet = shown(comparison(verdict("a", Category.UNCHANGED)))
    loud = shown(comparison(*(verdict(text, Category.UNCHANGED, reason=text) for text in names.values())))

    assert "[red]no[/red] [/] :bug: \\" in loud
    assert "\x1b[31m" not in loud.replace(quiet, "")
    assert "\x00" not in loud
