"""Digests of code change where a time may change, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.cases import code_digest
from benchmarks.cases.code_digest import same_code, timed_code_digest
from benchmarks.paths import CODE, IMPLEMENTATIONS

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = '"""A loop."""\nimport math\n\ndef step(x):\n    """Return it."""\n    return math.exp(x) + 1\n'


def digest_after(path: Path, source: str) -> str:
    path.write_text(source, encoding="utf-8")
    return timed_code_digest(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A loop.", "The loop."),
        ("Return it.", "Compute it."),
        ("import math", "import math  # with a comment"),
        ("math.exp(x) + 1", "(\n        math.exp(x)\n        + 1\n    )"),
    ],
    ids=["module's docstring", "function's docstring", "comment", "line breaks"],
)
def test_what_can_change_no_time_leaves_the_digest_as_it_is(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "own.py"

    assert digest_after(path, SOURCE.replace(old, new)) == digest_after(path, SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [("+ 1", "+ 2"), ("exp", "log"), ("step(x)", "step(x, y=1)"), ("import math", "import cmath as math")],
)
def test_a_change_of_the_program_changes_the_digest(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "own.py"

    assert digest_after(path, SOURCE.replace(old, new)) != digest_after(path, SOURCE)


def test_code_that_runs_where_types_are_not_checked_is_part_of_the_digest(tmp_path: Path) -> None:
    path, source = tmp_path / "own.py", "if TYPE_CHECKING:\n    import x\nelse:\n    y = 1\n"

    assert digest_after(path, source.replace("y = 1", "y = 2")) != digest_after(path, source)


def test_an_import_for_the_type_checker_leaves_the_digest_as_it_is(tmp_path: Path) -> None:
    path, source = tmp_path / "own.py", "if TYPE_CHECKING:\n    import x\ny = 1\n"

    assert digest_after(path, source.replace("import x", "import z")) == digest_after(path, source)


def test_a_moved_import_of_the_harness_changes_no_digest_of_a_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, harness = tmp_path / "own.py", tmp_path / "launch.py"
    monkeypatch.setattr(code_digest, "TIMING_CODE", (str(harness),))
    harness.write_text("from benchmarks.a import launch\nlaunch()\n")
    first = digest_after(path, SOURCE)

    harness.write_text("from benchmarks.b.c import launch\nlaunch()\n")
    assert timed_code_digest(path) == first
    harness.write_text("from benchmarks.b.c import launch\nlaunch(1)\n")
    assert timed_code_digest(path) != first


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("from time import clock", "from time import process_time as clock"),
        ("from time import clock", "from fast import clock"),
        ("from benchmarks.a import clock", "from benchmarks.a import slow as clock"),
    ],
)
def test_another_function_under_the_same_name_in_the_harness_changes_the_digest(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, harness = tmp_path / "own.py", tmp_path / "measure.py"
    monkeypatch.setattr(code_digest, "TIMING_CODE", (str(harness),))
    harness.write_text(f"{old}\nclock()\n")
    first = digest_after(path, SOURCE)

    harness.write_text(f"{new}\nclock()\n")
    assert timed_code_digest(path) != first


def test_the_digest_covers_the_c_file_of_the_same_name_and_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    first = digest_after(path, SOURCE)
    (tmp_path / "other.c").write_text("int a;\n")
    assert timed_code_digest(path) == first

    (tmp_path / "own.c").write_text("int a;\n")
    assert timed_code_digest(path) != first


def test_a_helper_that_the_loop_imports_from_its_folder_is_part_of_the_digest(tmp_path: Path) -> None:
    path, helper, its_own, other = (tmp_path / f"{name}.py" for name in ("own", "helper", "deeper", "other"))
    for file in (helper, its_own, other):
        file.write_text("A = 1\n")
    helper.write_text("from impls import deeper\n")
    first = digest_after(path, SOURCE.replace("import math", "import math\nfrom helper import A"))

    other.write_text("A = 2\n")
    assert timed_code_digest(path) == first
    its_own.write_text("A = 2\n")
    assert timed_code_digest(path) != first


def test_a_loop_that_is_moved_has_the_same_digest(tmp_path: Path) -> None:
    path = IMPLEMENTATIONS / "numpy_float32.py"

    assert timed_code_digest(path) == digest_after(tmp_path / path.name, path.read_text(encoding="utf-8"))


def test_a_file_that_is_no_python_has_a_digest_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "own.py"

    assert digest_after(path, "def (:") != digest_after(path, "def ):")


def test_digests_of_two_algorithms_can_not_be_compared() -> None:
    now = f"{code_digest.ALGORITHM}:0123456789abcdef"

    assert same_code(now, now) is True
    assert same_code(now, f"{code_digest.ALGORITHM}:fedcba9876543210") is False
    assert same_code(now, "0123456789abcdef") is None  # of the bytes, as records before version 3 have it
    assert same_code(now, None) is None


def test_the_digest_covers_every_file_of_the_harness_that_a_worker_loads() -> None:
    command = (
        "import sys; from unittest.mock import MagicMock;"
        "names = 'torch', 'torch.utils._python_dispatch', 'torch.utils._pytree', 'jax';"
        "sys.modules |= {name: MagicMock() for name in names};"  # not ours, and slow to load
        "sys.modules['torch'].optim.__path__ = ['torch/optim'];"
        "import benchmarks.worker.__main__;"
        "import benchmarks.worker.observe_torch, benchmarks.worker.observe_jax;"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.startswith(('benchmarks.', 'impls.'))))"
    )
    loaded = subprocess.run(  # noqa: S603 - our own code, without a shell
        [sys.executable, "-c", command], cwd=CODE, capture_output=True, text=True, check=True
    ).stdout.split()

    covered = {str(file) for file in code_digest.files_below(code_digest.TIMING_CODE)}
    not_covered = {name.removeprefix(f"{CODE}/") for name in {*loaded} - covered}
    # These few change no time: how messages are read, errors, hosts, paths, sums, the limits of a comparison.
    assert not_covered <= {
        *(f"benchmarks/{name}.py" for name in ("decode", "errors", "hosts", "paths", "stats")),
        *(f"benchmarks/cases/{name}.py" for name in ("__init__", "tolerances", "unseen")),
        "impls/numpy_reference.py",
    }
