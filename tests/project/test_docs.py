"""The commands of the documentation work, its links lead somewhere, its workflows are the tested ones."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from benchmarks.cli.main import main
from benchmarks.paths import CODE
from tests.helpers.documents import PAGES, calls_in, code_in, fault_of, lines_of
from tests.helpers.rehearsal import EARLIER, ELSEWHERE, RECORD
from tests.helpers.rehearser import Rehearser
from tests.helpers.repository import copy_code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_is_understood(page: Path) -> None:
    calls = [
        (call, token.type != "code_inline")
        for token in code_in(page.read_text(encoding="utf-8"))
        if token.info != "yaml"  # tests.project.test_workflows runs those
        for call in calls_in(token.content)
    ]

    assert calls
    assert [(call, fault) for call, whole in calls if (fault := fault_of(call, whole=whole))] == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("perceptron-bench ab --bas-ref main", "unknown arguments: --bas-ref main"),
        ("perceptron-bench abc", "invalid choice: 'abc'"),
        ("perceptron-bench ab --max-pairs ten", "expected a whole number of at least 1, found 'ten'"),
        ("perceptron-bench compare a.json", "required: NEW.json"),
        ("env/bin/perceptron-bench ab --base-python", "expected one argument"),
        ("python3 -m benchmarks lst", "invalid choice: 'lst'"),
        ("python -m benchmarks.no_such_module", "no module benchmarks.no_such_module"),
        ("python -m pytest tests/test_dosc.py", "no file tests/test_dosc.py"),
        ("python -m benchmarks.studies.roofline --pairz 3", "unrecognized arguments: --pairz 3"),
        ("perceptron-bench run --problem book,feeed=host", "unknown field of a problem 'feeed'"),
        ("perceptron-bench run --impl torch_eagr", "unknown implementation 'torch_eagr'"),
        ("make bnech", "no target bnech"),
    ],
)
def test_a_command_that_would_fail_is_found(line: str, fault: str) -> None:
    (call,) = calls_in(line)

    assert fault in str(fault_of(call))


@pytest.mark.parametrize(
    "line", ["perceptron-bench list", "make bench ARGS=--quick | tee log  # a look", "make check && ls"]
)
def test_a_command_that_works_is_no_fault(line: str) -> None:
    (call,) = calls_in(line)

    assert fault_of(call) is None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_workflow_on_a_page_is_the_file_that_was_checked(page: Path) -> None:
    checked = [path.read_text(encoding="utf-8") for path in (CODE / "docs").glob("*.yml")]
    blocks = [token for token in code_in(page.read_text(encoding="utf-8")) if token.info == "yaml"]
    workflows = [block.content for block in blocks if "\njobs:" in block.content]

    assert [workflow for workflow in workflows if workflow not in checked] == []
    assert bool(workflows) == (page.name == "tracking.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_or_a_heading_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    pictures = re.findall(r'(?:src|srcset)="([^"]+)"', text)
    targets = [each for each in [*re.findall(r"\]\(([^)\s]+)\)", text), *pictures] if "://" not in each]

    assert targets
    assert [target for target in targets if not _leads_somewhere(page, target)] == []


def _leads_somewhere(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    linked = page.parent / path if path else page
    if not linked.exists():
        return False
    return not anchor or anchor in anchors_of(linked.read_text(encoding="utf-8"))


def anchors_of(page: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    tokens = MarkdownIt().parse(page)
    headings = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what a reader clones, and may write to; of the records few, for the others would say the same."""
    copy = tmp_path_factory.mktemp("documents") / "perceptron-bench"
    copy_code(copy, "benchmarks", "docs", "impls", "results", "tests")
    named_in_the_readme = (CODE / "README.md").read_text(encoding="utf-8")
    for record in set((copy / "results" / "runs").iterdir()):
        if record.name not in (EARLIER.name, RECORD.name, *re.findall(r"\w+\.json", named_in_the_readme)):
            record.unlink()
    for name in (
        "CONTRIBUTING.md",
        "Makefile",
        "README.md",
        "conftest.py",
        "constraints.txt",
        "pyproject.toml",
    ):
        shutil.copyfile(CODE / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def rehearser(checkout: Path) -> Iterator[Rehearser]:
    """Start a process that rehearses pages of the copy."""
    rehearser = Rehearser(checkout)
    yield rehearser
    rehearser.close()


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)], ids=["", "every"])
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_does_what_it_says(
    page: Path, checkout: Path, rehearser: Rehearser, tmp_path: Path, *, every: bool
) -> None:
    output = tmp_path / "output"

    status = rehearser.status_of(checkout / page.relative_to(CODE), output, every=every)

    assert status == 0, output.read_text()


@pytest.mark.parametrize("line", ELSEWHERE)
def test_a_command_that_only_one_page_runs_is_on_that_page(line: str) -> None:
    (page,) = (page for page in PAGES if page.name == ELSEWHERE[line])

    assert line in lines_of(page.read_text(encoding="utf-8"))


def reading_calls() -> list[tuple[str, ...]]:
    """Return the arguments of the calls that read the published results, not the reader's own."""
    codes = [token.content for page in PAGES for token in code_in(page.read_text(encoding="utf-8"))]
    calls = {tuple(call[1:]) for code in codes for call in calls_in(code)}
    reading = [call for call in calls if call[:1] in (("explain",), ("table",))]
    return sorted(call for call in reading if len(call) > 1 and not any(map(is_readers_own, call)))


def is_readers_own(word: str) -> bool:
    """Return whether a word of a call is for the reader to replace, or names a file that the reader makes."""
    return word in ("CASE", "--write") or (word.endswith(".json") and not word.startswith("results/"))


@pytest.mark.parametrize("arguments", reading_calls(), ids=" ".join)
def test_a_command_that_reads_the_results_does_so(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(str(path) for path in (CODE / "results" / "runs").glob("*.json"))
    words = [each for word in arguments for each in (files if word == "results/runs/*.json" else [word])]

    assert main(words) == 0
    assert len(capsys.readouterr().out.splitlines()) > 5
