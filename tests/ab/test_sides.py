"""The two sides of a comparison: what the user says of them, and what is made of it."""

from __future__ import annotations

import sys
import venv
from pathlib import Path

import pytest

from benchmarks.ab import sides
from benchmarks.ab.sides import (
    SideOptions,
    find_python,
    open_side,
    parse_variable,
)
from benchmarks.ab.versions import versions_in
from benchmarks.cases.implementations import contract_version, read_entry, select
from benchmarks.cases.problems import NAMED
from benchmarks.cli.main import main
from benchmarks.errors import UsageError
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.pytest_plugin.session import with_commits
from benchmarks.runner import git as runner_git
from benchmarks.runner.case import Case
from benchmarks.runner.git import worktree
from benchmarks.worker.messages import Runtime
from impls.contract import CONTRACT_VERSION
from tests.conftest import Copy
from tests.helpers.records import run_of
from tests.helpers.repository import commit_all, git


def test_a_commit_is_checked_out_beside_the_checkout_and_cleaned_up_afterwards(
    checkout: Path, tmp_path: Path
) -> None:
    with open_side(
        "base", SideOptions(ref="first"), checkout, file_as="", scratch=tmp_path / "scratch"
    ) as side:
        path = side.entries["numpy_float32"].path
        assert path.read_text(encoding="utf-8").endswith("# first\n")
        assert side.record.commit == git(checkout, "rev-parse", "--short=10", "first").strip()
        assert len(git(checkout, "worktree", "list").splitlines()) == 2

    assert not path.exists()
    assert len(git(checkout, "worktree", "list").splitlines()) == 1
    assert (checkout / "numpy_float32.py").read_text(encoding="utf-8").endswith("# second\n")


def test_the_worktree_is_cleaned_up_after_an_interrupt_too(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), worktree(checkout, "first", tmp_path / "scratch"):
        raise KeyboardInterrupt

    assert len(git(checkout, "worktree", "list").splitlines()) == 1


def test_a_worktree_that_a_killed_process_left_is_replaced(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "worktree", "add", "--detach", str(tmp_path / "scratch" / "worktree"), "first")

    with worktree(checkout, "second", tmp_path / "scratch") as folder:
        assert (folder / "numpy_float32.py").read_text(encoding="utf-8").endswith("# second\n")
    assert len(git(checkout, "worktree", "list").splitlines()) == 1


def test_a_run_of_files_from_elsewhere_records_their_checkouts_commit_too(checkout: Path) -> None:
    file = next(checkout.glob("*.py"))

    elsewhere, here = (
        with_commits(run_of().provenance, [Case(entry, "cpu", NAMED["book"])])
        for entry in (read_entry(file), *select(["numpy_float32"]))
    )

    assert elsewhere.commit_elsewhere == git(checkout, "rev-parse", "--short=10", "HEAD").strip()
    assert here.commit_elsewhere is None


def test_files_that_differ_from_their_commit_are_marked(checkout: Path, tmp_path: Path) -> None:
    (checkout / "numpy_float32.py").write_text("changed", encoding="utf-8")

    with open_side("new", SideOptions(), checkout, file_as="", scratch=tmp_path / "scratch") as side:
        assert (side.record.commit or "").endswith(" with changes")


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("no-such-branch", "expected a commit named 'no-such-branch'"),
        ("--help", "expected a commit named '--help'"),
    ],
)
def test_an_unknown_commit_is_named(ref: str, message: str, checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message), worktree(checkout, ref, tmp_path):
        pass


def test_a_folder_that_is_in_no_checkout_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected a git checkout, found .*not a git repository"):
        worktree(tmp_path, "main", tmp_path).__enter__()


def test_a_commit_without_the_folder_has_no_implementations(checkout: Path, tmp_path: Path) -> None:
    later = checkout.parent / "later"
    later.mkdir()

    with open_side("base", SideOptions(ref="first"), later, file_as="", scratch=tmp_path / "scratch") as side:
        assert side.entries == {}
        assert side.record.commit == git(checkout, "rev-parse", "--short=10", "first").strip()


@pytest.mark.parametrize(
    ("contract", "found"), [("", 1), ("CONTRACT_VERSION = 99\n", 99), ("no Python\n", 1)]
)
def test_a_side_that_was_written_for_another_contract_ends_with_one_line(
    contract: str, found: int, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "contract.py").write_text(contract, encoding="utf-8")
    commit_all(checkout.parent)
    git(checkout, "tag", "old")
    (checkout / "contract.py").write_text(f"CONTRACT_VERSION = {CONTRACT_VERSION}\n", encoding="utf-8")

    assert main(["ab", f"--impl-dir={checkout}", "--base-ref=old"]) == 4

    (line,) = capsys.readouterr().err.splitlines()
    assert "side base (old)" in line
    assert f"expected version {CONTRACT_VERSION} of impls/contract.py" in line
    assert f"found version {found}; compare with a commit" in line


OLD = ("GRADIENT_CLAMP, LOG_CLAMP, EpochResult", "GRADIENT_CLAMP, LOG_CLAMP, Trained")


@pytest.mark.parametrize(
    ("command", "where", "remedy"),
    [
        (["ab", "--new-env=A=1"], "{folder}/my_loop.py", "change it to"),
        (["ab", "--base-ref=HEAD"], "side base (HEAD): my_loop.py", "compare with a commit that has"),
        (["calibrate"], "{folder}/my_loop.py", "change it to"),
    ],
    ids=["a folder", "a commit", "calibrate"],
)
def test_a_loop_with_old_names_and_no_contract_beside_it_ends_with_one_line(
    command: list[str], where: str, remedy: str, copy_of: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_of("numpy_float32", OLD, as_name="my_loop").parent
    commit_all(folder)

    assert main([*command, f"--impl-dir={folder}", "--impl=my_loop"]) == 4

    (line,) = capsys.readouterr().err.splitlines()
    assert f"{where.format(folder=folder)}: expected an implementation for version {CONTRACT_VERSION}" in line
    assert f"found Trained of another version; {remedy} the new names, see CHANGELOG.md" in line


def test_a_loop_with_old_names_is_not_refused_where_it_is_not_measured(copy_of: Copy, tmp_path: Path) -> None:
    folder = copy_of("numpy_float32", OLD, as_name="her_loop").parent
    copy_of("numpy_float32", as_name="my_loop")

    with open_side("new", SideOptions(), folder, scratch=tmp_path / "scratch") as side:
        side.require_current(["my_loop"])
        with pytest.raises(UsageError, match=r"her_loop\.py: expected an implementation for version"):
            side.require_current(["my_loop", "her_loop"])


def test_the_contract_that_lies_with_our_implementations_has_the_current_version() -> None:
    assert contract_version(IMPLEMENTATIONS) == CONTRACT_VERSION


def test_a_commit_of_an_installed_packages_own_implementations_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sides, "is_checkout", lambda _: False)  # in another repository, say

    with (
        pytest.raises(UsageError, match=r"side base: expected a git checkout, found an installed package"),
        open_side("base", SideOptions(ref="HEAD"), IMPLEMENTATIONS, scratch=tmp_path / "scratch"),
    ):
        pass


def test_a_side_of_an_installed_package_does_not_name_the_commit_of_the_repository_around_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in (sides, runner_git):
        monkeypatch.setattr(module, "is_checkout", lambda _: False)

    with open_side("base", SideOptions(), IMPLEMENTATIONS, scratch=tmp_path) as side:
        assert side.record.commit is None


def test_a_virtual_environment_is_found_by_its_folder(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", symlinks=True)

    assert find_python(str(tmp_path / "env")) == str(tmp_path / "env" / "bin" / "python")


def test_a_python_without_numpy_is_refused_with_the_remedy(tmp_path: Path) -> None:
    venv.create(tmp_path / "env", symlinks=True)
    python = find_python(str(tmp_path / "env"))

    with pytest.raises(UsageError, match=r"has no NumPy.*-m pip install numpy"):
        versions_in(Runtime(python=python))


def test_versions_are_those_of_the_other_python() -> None:
    assert versions_in(Runtime())["python"] == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.parametrize("program", ["no-such-python", "/bin/false", "/bin/true", "/bin/echo"])
def test_what_is_no_python_is_refused(program: str) -> None:
    with pytest.raises(UsageError, match=r"no Python at|expected a Python"):
        versions_in(Runtime(python=find_python(program)))


@pytest.mark.parametrize("text", ["NAME", "=value", ""])
def test_a_variable_must_have_a_name_and_a_value(text: str) -> None:
    with pytest.raises(UsageError, match=f"expected NAME=VALUE, found '{text}'"):
        parse_variable(text)


def test_a_variable_may_hold_equal_signs_and_be_empty() -> None:
    assert parse_variable("XLA_FLAGS=--a=b") == ("XLA_FLAGS", "--a=b")
    assert parse_variable("XLA_FLAGS=") == ("XLA_FLAGS", "")


def test_a_file_takes_part_under_the_other_sides_name(tmp_path: Path) -> None:
    file = tmp_path / "other_name.py"
    file.write_text((IMPLEMENTATIONS / "numpy_float32.py").read_text(encoding="utf-8"), encoding="utf-8")

    with open_side(
        "new", SideOptions(impl=file), IMPLEMENTATIONS, file_as="numpy_float32", scratch=tmp_path / "scratch"
    ) as side:
        assert list(side.entries) == ["numpy_float32"]
        assert side.entries["numpy_float32"].path == file
    with (
        pytest.raises(UsageError, match="no such file"),
        open_side(
            "new",
            SideOptions(impl=tmp_path / "absent.py"),
            IMPLEMENTATIONS,
            file_as="x",
            scratch=tmp_path / "scratch",
        ),
    ):
        pass


def test_an_implementation_of_the_folder_takes_part_by_its_name_and_the_side_is_called_by_it(
    tmp_path: Path, numpy_float32: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "importable_by", lambda _: "")
    named = SideOptions(impl=Path(numpy_float32.stem))

    with open_side("base", named, numpy_float32.parent, file_as="my_loop", scratch=tmp_path / "s") as side:
        assert side.entries["my_loop"].path == numpy_float32
        assert side.record.differs == {"impl": "numpy_float32"}
    before = named.identity(numpy_float32.parent)
    numpy_float32.write_text("A = 1")
    assert named.identity(numpy_float32.parent) != before


def test_versions_are_asked_for_under_the_sides_variables(tmp_path: Path) -> None:
    other = tmp_path / "jax-9.9.9.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: jax\nVersion: 9.9.9\n", encoding="utf-8")

    assert versions_in(Runtime(variables=(("PYTHONPATH", str(tmp_path)),)))["jax"] == "9.9.9"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"), worktree(tmp_path / "nowhere", "main", tmp_path):
        pass


def test_a_side_is_a_file_or_a_commit_and_not_both(tmp_path: Path) -> None:
    both = SideOptions(impl=IMPLEMENTATIONS / "numpy_float32.py", ref="HEAD")

    with (
        pytest.raises(UsageError, match="side new: expected --new-impl or --new-ref, found both"),
        open_side("new", both, IMPLEMENTATIONS, scratch=tmp_path),
    ):
        pass


@pytest.mark.parametrize("name", ["loop", "loop[1]", "a *loop?"])
def test_an_edited_file_of_any_name_is_another_side(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "importable_by", lambda _: "")
    file = tmp_path / f"{name}.py"
    file.write_text("A = 1")
    first = SideOptions(impl=file).identity(tmp_path)
    file.write_text("A = 10")

    assert SideOptions(impl=file).identity(tmp_path) != first
