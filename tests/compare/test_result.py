"""What a comparison found, and the files it is written to: JSON, Markdown, JUnit, a workflow's summary."""

from __future__ import annotations

import argparse
import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from benchmarks.cli.outputs import Outputs
from benchmarks.compare.result import (
    SCHEMA_VERSION,
    CaseVerdict,
    Comparison,
    SideRecord,
    ordered,
    read_comparison,
)
from benchmarks.compare.rule import Category, Decision, Rule
from benchmarks.errors import UsageError
from benchmarks.report.export.junit import to_junit
from benchmarks.report.tables.comparison import print_comparison, printable, to_markdown
from tests.helpers.records import row, run_of

SIDE = SideRecord(name="base", versions={"torch": "2.13.0"}, commit=None, differs={"ref": "main"})
DECISION = Decision(
    category=Category.SLOWER, ratio=1.1, low=1.05, high=1.2, coverage=0.98, detectable=0.05, n_pairs=10
)
HOSTILE = {
    "markup": "<script>alert(1)</script> ]]> &amp; \" '",
    "of rich": "[red]no[/red] [/] :bug: \\",
    "of Markdown": "| `a` | **b** [c](http://d) <br>",
    "control characters": "a\x00\x08\x1b[31m\x7f\ufffe\ud800b",
    "lines": "a\n\n# b\r\n| c |",
    "long": "x" * 100_000,
}


def verdict(name: str, category: Category, **changes: Any) -> CaseVerdict:
    made = CaseVerdict(
        name=name, category=category, threshold=0.025, decision=DECISION, base=row(), new=row()
    )
    return replace(made, **changes)


def comparison(*verdicts: CaseVerdict, **changes: Any) -> Comparison:
    made = Comparison(
        method="as ever",
        base=SIDE,
        new=replace(SIDE, name="new"),
        provenance=run_of().provenance,
        rule=Rule(),
        wall_s=12.5,
        interrupted=None,
        notes=("no calibration",),
        verdicts=ordered(verdicts),
    )
    return replace(made, **changes)


ALL = comparison(*(verdict(f"case_{category.name}", category) for category in Category))


def shown(found: Comparison) -> str:
    terminal = Console(width=300, record=True, force_terminal=True, quiet=True)
    terminal.quiet = False
    with terminal.capture() as captured:
        print_comparison(found, terminal)
    return captured.get()


def test_it_is_read_back_from_json_as_it_was(tmp_path: Path) -> None:
    gone = verdict("gone", Category.MISSING, decision=None, new=None, reason="not measured")
    made = replace(ALL, verdicts=(*ALL.verdicts, gone), interrupted="Ctrl-C or SIGTERM")
    path = tmp_path / "report.json"
    path.write_text(made.to_json(), encoding="utf-8")

    assert read_comparison(path) == made


def test_its_json_tells_ratios_and_exit_status_and_holds_no_nan() -> None:
    def refuse(constant: str) -> NoReturn:
        message = f"{constant} is no JSON"
        raise ValueError(message)

    fields = json.loads(ALL.to_json(), parse_constant=refuse)["perceptron_bench_comparison"]

    assert fields["exit_status"] == 1
    assert fields["verdicts"][0]["ratios"] == [1.0] * 6
    with pytest.raises(ValueError, match="JSON"):
        replace(ALL, wall_s=float("nan")).to_json()


@pytest.mark.parametrize(
    ("categories", "interrupted", "status"),
    [
        (list(Category), "Ctrl-C", 2),
        (list(Category), None, 1),
        ([Category.MISSING, Category.UNDECIDED, Category.UNCHANGED], None, 5),
        ([Category.INVALID, Category.UNDECIDED, Category.UNCHANGED], None, 5),
        ([Category.UNDECIDED, Category.FASTER], None, 3),
        ([Category.FASTER, Category.UNCHANGED, Category.NEW], None, 0),
        ([Category.NEW, Category.NEW], None, 5),
        ([], None, 5),
    ],
)
def test_of_several_exit_statuses_the_gravest_counts_in_the_documented_order_and_junit_is_red_where_ci_fails(
    categories: list[Category], interrupted: str | None, status: int
) -> None:
    made = (verdict(f"case_{i}", each) for i, each in enumerate(categories))
    found = comparison(*made, interrupted=interrupted)

    assert found.exit_status() == status
    assert found.exit_status(undecided_is_fine=True) == (0 if status == 3 else status)
    (suite,) = ET.fromstring(to_junit(found))  # noqa: S314 - our own
    red = [child.tag for case in suite for child in case if child.tag in ("failure", "error")]
    counted = [red.count("failure"), red.count("error")]
    assert bool(red) == (status in (1, 2, 5))
    assert [int(suite.get(name, "")) for name in ("failures", "errors")] == counted
    assert int(suite.get("tests", "")) == len(suite)


def test_what_needs_a_look_comes_first_and_what_one_side_lacks_last() -> None:
    assert [each.category for each in ALL.verdicts] == [
        *(Category.SLOWER, Category.INVALID, Category.FASTER),
        *(Category.UNDECIDED, Category.UNCHANGED),
        *(Category.MISSING, Category.NEW),
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (f'"schema_version":{SCHEMA_VERSION}}}}}', '"schema_version":99}}', "found 99; read it with"),
        ('"perceptron_bench_comparison"', '"other"', "no 'perceptron_bench_comparison' in it"),
        ('"category":"new"', '"category":"fine"', "'fine'"),
        ('"wall_s":12.5', '"wall_s":"12"', "wall_s: expected a number, found '12'"),
        ('"ratio":1.1', '"ratio":NaN', "verdicts[0].decision.ratio: expected a number, found nan"),
        ('"name":"case_NEW"', '"name":"case_SLOWER"', "expected each case once, found case_SLOWER 2 times"),
    ],
)
def test_a_comparison_of_the_future_or_edited_is_refused_by_name(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    text = ALL.to_json()
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")

    with pytest.raises(UsageError) as error:
        read_comparison(path)
    assert str(error.value).startswith(f"{path}: expected ")
    assert message in str(error.value)


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


@pytest.fixture
def files(tmp_path: Path) -> argparse.Namespace:
    return argparse.Namespace(**{name: tmp_path / f"report.{name}" for name in ("json", "markdown", "junit")})


def test_every_report_asked_for_is_written_and_a_job_summary_appended_to(
    files: argparse.Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("what another step said\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    Outputs.of(files).write(ALL)

    assert read_comparison(files.json) == ALL
    assert files.markdown.read_text(encoding="utf-8") == to_markdown(ALL)
    assert files.junit.read_bytes() == to_junit(ALL)
    assert summary.read_text(encoding="utf-8") == "what another step said\n" + to_markdown(ALL)


def test_finding_out_whether_a_file_can_be_written_leaves_everything_as_it_was(
    files: argparse.Namespace, tmp_path: Path
) -> None:
    files.junit.write_text("of an earlier run", encoding="utf-8")

    Outputs.of(files)

    assert list(tmp_path.iterdir()) == [files.junit]
    assert files.junit.read_text(encoding="utf-8") == "of an earlier run"


def test_what_cannot_be_written_is_refused_by_name_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=stat.S_IRUSR)
    for path in (tmp_path, Path("/proc/none/a.json"), tmp_path / "file" / "a.json"):
        with pytest.raises(UsageError, match=r"can't be written \(.*\); name another file"):
            Outputs.of(argparse.Namespace(json=path, markdown=None, junit=None))
