"""The page on adding an implementation: its example is one, and its mistake is found as it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_type_hints

from benchmarks.cases.implementations import read_entry
from benchmarks.cases.problems import NAMED
from benchmarks.paths import CODE
from benchmarks.records.row import Verdict
from impls.contract import VARIANTS, Implementation, SpansRanks
from tests.conftest import SMALL
from tests.helpers.documents import code_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Copy, Measured

PAGE = (CODE / "docs" / "adding.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = (token.content for token in code_in(PAGE) if token.info == language)
    return found


def test_the_example_is_an_implementation_and_verified(tmp_path: Path, measured: Measured) -> None:
    path = tmp_path / "torch_by_hand.py"
    path.write_text(block("python"), encoding="utf-8")

    row = measured(path, SMALL)

    assert row.verdict in (Verdict.VERIFIED, Verdict.NOT_MEASURED), row.reason
    assert row.gradient == "by hand"
    assert (row.private_names, row.more_lines) == ((), read_entry(path).more_lines)
    assert row.summary == "The textbook loop without autograd: the gradient by hand, PyTorch's own Adam."


def test_the_mistake_on_the_page_is_found_as_the_page_says(copy_of: Copy, measured: Measured) -> None:
    assert "`lr=problem.learning_rate`" in PAGE
    assert "lr=problem.learning_rate," in block("python")

    # The same mistake in NumPy's loop, which starts in a tenth of the time; it takes the same losses.
    row = measured(
        copy_of("numpy_float32", ("criterion, problem.learning_rate", "criterion, 1e-3")), NAMED["book"]
    )

    assert f"{row.verdict}: {row.reason}".startswith(block("text").strip())


def names_in(protocol: type) -> set[str]:
    """Return the names that a protocol asks for."""
    return {*get_type_hints(protocol), *(name for name in vars(protocol) if not name.startswith("_"))}


def test_the_page_names_all_that_a_file_must_or_may_define() -> None:
    rows = re.findall(r"^\| `(\w+)", PAGE, re.MULTILINE)
    required, over_ranks = map(names_in, (Implementation, SpansRanks))

    optional = {"SUPPORTS", "CUDA_GRAPH", "GRADIENT", "PRIVATE_NAMES", "USUAL", "SPANS_RANKS"}
    assert required | over_ranks | optional == set(rows)
    for field, (_, *others) in VARIANTS.items():
        assert all(f"`{field}={value}`" in PAGE for value in others)
