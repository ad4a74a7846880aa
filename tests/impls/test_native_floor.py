"""The native floor: its kernel in odd sizes, and how its compilation can fail."""

from __future__ import annotations

import shutil
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.cases.tolerances import PARAMETER_TOLERANCE
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.verify.agreement import reference_for
from benchmarks.worker.start import load
from benchmarks.worker.training import Workload, train
from impls.contract import Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

PATH = Path(IMPLEMENTATIONS, "native_floor.py")
needs_a_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="no C compiler here"
)


@pytest.fixture
def floor() -> Any:
    """Load it again: it does not know of any compiled kernel in this process."""
    return load(PATH)


def _compiler(folder: Path, script: str) -> Path:
    path = folder / "compiler"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _deviation(found: NDArray[Any], expected: NDArray[Any]) -> float:
    return float(abs(found - expected).max())


def test_without_a_compiler_it_says_where_it_looked(floor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    monkeypatch.setenv("PATH", "")

    assert floor.unavailable("cpu") == "no C compiler: looked for $CC, cc, gcc and clang"


def test_the_compiler_named_by_cc_goes_first_with_its_arguments(
    floor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", f"{sys.executable} -m compiler")

    assert floor.find_compiler() == [sys.executable, "-m", "compiler"]


@needs_a_compiler
@pytest.mark.parametrize("loss", ["bce", "bce_with_logits"])
@pytest.mark.parametrize("batch_size", [1, 7, 8, 9, 31, 1025])
@pytest.mark.parametrize("n_features", [1, 2, 3, 4, 5, 15, 17, 33])
def test_sizes_around_those_of_blocks_and_vectors_agree_with_the_oracle(
    floor: Any, n_features: int, batch_size: int, loss: Any
) -> None:
    problem = Problem(
        n_features=n_features,
        batch_size=batch_size,
        n_batches=2,
        last_batch_size=(batch_size + 1) // 2,
        n_epochs=2,
        loss=loss,
    )

    trained = train(Workload.of(floor, problem))

    expected = reference_for(problem).training
    assert _deviation(trained.losses, expected.losses) < 1e-6
    assert _deviation(trained.weight, expected.weight) < PARAMETER_TOLERANCE / 10
    assert _deviation(trained.bias, expected.bias) < PARAMETER_TOLERANCE / 10


@needs_a_compiler
def test_more_features_than_a_prefetch_reaches_agree_with_the_oracle(floor: Any) -> None:
    problem = Problem(n_features=4096, batch_size=9, n_batches=2, n_epochs=2)

    trained = train(Workload.of(floor, problem))

    assert _deviation(trained.losses, reference_for(problem).training.losses) < 1e-6


@needs_a_compiler
def test_sums_over_very_many_samples_keep_their_digits(floor: Any) -> None:
    problem = Problem(batch_size=1_000_000, n_batches=1, n_epochs=2)

    trained = train(Workload.of(floor, problem))

    assert _deviation(trained.losses, reference_for(problem).training.losses) < 2e-7


@needs_a_compiler
def test_another_process_finds_the_library_and_does_not_compile_again(
    floor: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiler = _compiler(tmp_path, f'echo "$@" >> {tmp_path}/calls; exec {shutil.which("cc")} "$@"')
    monkeypatch.setenv("CC", str(compiler))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    floor.kernel()
    load(PATH).kernel()  # type: ignore[attr-defined] # the floor's own

    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert [call == "--version" for call in calls] == [True, False, True]
    assert len(list(tmp_path.glob("cache/*/*"))) == 1


@needs_a_compiler
def test_nothing_is_compiled_before_the_first_epoch(
    floor: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    workload = Workload.of(floor, Problem(batch_size=4, n_batches=1))

    state = workload.start()
    assert not list(tmp_path.iterdir())
    floor.run_epoch(state, workload.batches(0))

    assert list(tmp_path.glob("perceptron-bench/*.so"))


@needs_a_compiler
def test_an_error_of_the_compiler_is_reported_in_its_words_and_leaves_nothing_behind(
    floor: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    with pytest.raises(RuntimeError, match=r"(?s)-O3 .* failed:\n.*error: .*nonsense"):
        floor.compiled("int f(void) { return nonsense; }")

    assert not list(tmp_path.glob("perceptron-bench/*"))


@needs_a_compiler
def test_changed_source_is_compiled_anew(floor: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    values = [floor.compiled(f"int f(void) {{ return {value}; }}").f() for value in (1, 2)]

    assert values == [1, 2]
