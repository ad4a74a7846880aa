"""Implementations are found by their files, without importing them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases.implementations import discover, read_entry, select
from benchmarks.errors import UsageError
from benchmarks.paths import IMPLEMENTATIONS

if TYPE_CHECKING:
    from pathlib import Path


def test_every_file_but_the_contract_and_private_ones_is_an_implementation() -> None:
    assert {"numpy_reference", "torch_eager", "jax_jit", "jax_scan"} <= set(discover())
    assert not {"contract", "__init__"} & set(discover())


def test_discovery_reads_framework_tier_and_summary_off_the_source_and_imports_nothing() -> None:
    before = set(sys.modules)

    entry = discover()["jax_scan"]

    assert (entry.framework, entry.tier) == ("jax", "epoch")
    assert entry.summary == "One call per epoch: the optax step under lax.scan, compiled as a whole."
    assert not {"torch", "jax"} & (set(sys.modules) - before)


def test_gradient_and_usual_are_read_off_the_source_and_have_defaults(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text('GRADIENT = "by hand"\nUSUAL = True\n')
    plain = tmp_path / "plain.py"
    plain.write_text("")

    assert (read_entry(path).gradient, read_entry(path).usual) == ("by hand", True)
    assert (read_entry(plain).gradient, read_entry(plain).usual) == ("framework", False)


def test_private_names_are_read_off_the_source_and_none_by_default(tmp_path: Path) -> None:
    path, plain = tmp_path / "mine.py", tmp_path / "plain.py"
    path.write_text('PRIVATE_NAMES = ("torch._a", "b")')
    plain.write_text("")

    assert read_entry(path).private_names == ("torch._a", "b")
    assert read_entry(plain).private_names == ()


def test_one_file_of_a_framework_and_tier_at_most_declares_that_it_is_the_usual_one() -> None:
    usual = [(entry.framework, entry.tier) for entry in discover().values() if entry.usual]

    assert len(usual) == len(set(usual)), "remove USUAL = True from the copy"


def test_a_file_dropped_in_is_found(tmp_path: Path, numpy_float32: Path) -> None:
    assert list(discover(tmp_path)) == ["numpy_float32"]
    assert select(["numpy_float32"], tmp_path)[0].path == numpy_float32


def test_by_default_all_are_measured_but_the_reference() -> None:
    names = [entry.name for entry in select(())]

    assert "torch_eager" in names
    assert "numpy_reference" not in names


def test_a_file_anywhere_can_be_named_by_its_path(numpy_float32: Path) -> None:
    assert select([str(numpy_float32)])[0].name == "numpy_float32"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torch_eagre", "unknown implementation 'torch_eagre'.* Did you mean 'torch_eager'?"),
        ("numpy_reference", "numpy_reference verifies the others"),
        (str(IMPLEMENTATIONS / "numpy_reference.py"), "numpy_reference.py verifies the others"),
        ("no/such/file.py", "no such file: no/such/file.py"),
    ],
)
def test_a_name_that_can_not_be_measured_is_refused_with_the_reason(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        select([name])


def test_a_file_that_is_no_python_gets_an_entry_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "odd.py"
    path.write_text("def (:")

    assert read_entry(path).summary.startswith("not Python: ")


ODD = {
    "unhashable": "CONFIG = {[1]: 2}",
    "deep": f"X = {'-' * 100_000}1",
    "long": f"X = {'+'.join(['1'] * 100_000)}",
    "many digits": f"X = {'1' * 5000}",
    "NUL": "X = '\0'",
    "unknown encoding": "# coding: unknown",
    "parentheses": f"X = {'(' * 1000}1{')' * 1000}",
    "brackets": f"X = {'[' * 90}1{']' * 90}",
    "lambdas": f"{'lambda: ' * 3000}1",
    "blocks": "\n".join(f"{' ' * n}if 1:" for n in range(99)) + " pass",
    "attributes": "X = 1" + ".a" * 50_000,
    "inverted": f"{'~' * 5000}1",
    "a byte-order mark": "\ufeffX = 1",
    "a mark inside": "X = 1\n\ufeffY = 2",
}


@pytest.mark.parametrize("source", ODD.values(), ids=ODD)
def test_no_file_in_the_folder_keeps_the_others_from_being_found(
    source: str, tmp_path: Path, numpy_float32: Path
) -> None:
    (tmp_path / "odd.py").write_text(source, encoding="utf-8")

    assert list(discover(tmp_path)) == [numpy_float32.stem, "odd"]
    assert [entry.name for entry in select([str(tmp_path / "odd.py")])] == ["odd"]


def test_a_file_is_read_in_the_encoding_that_it_declares(tmp_path: Path) -> None:
    path = tmp_path / "latin.py"
    path.write_text('# coding: latin-1\n"""Café."""\n', encoding="latin-1")

    assert read_entry(path).summary == "Café."


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("from impls.contract import Trained", "", "Trained"),
        ("", 'OFFERS = ("feed=host",)', "OFFERS"),
        ("from impls.contract import LOG_CLAMP, Trained", "OFFERS = ()", "Trained, OFFERS"),
    ],
)
def test_a_file_written_for_another_contract_is_refused_with_the_names_that_changed(
    old: str, new: str, found: str, tmp_path: Path
) -> None:
    file = tmp_path / "old_loop.py"
    file.write_text(f"{old}\n{new}\n", encoding="utf-8")

    with pytest.raises(
        UsageError, match=rf"expected an implementation for version \d of .* found {found} of"
    ):
        select([str(file)])


def test_a_file_that_imports_what_the_contract_has_is_read(tmp_path: Path) -> None:
    file = tmp_path / "loop.py"
    file.write_text("from impls.contract import EpochResult, Problem\n", encoding="utf-8")

    assert [entry.name for entry in select([str(file)])] == ["loop"]
