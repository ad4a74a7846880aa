"""The loops that are compiled ahead of time: their steps, their layout, and the programs that they keep."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import pytest
import torch

from benchmarks.cases.data import draw_epochs
from benchmarks.cases.tolerances import LOSS_TOLERANCE, PARAMETER_TOLERANCE
from benchmarks.cases.unseen import COMBINATIONS
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.records.row import Verdict
from benchmarks.verify.agreement import reference_for
from benchmarks.worker.observe_torch import Observer
from benchmarks.worker.start import load
from benchmarks.worker.training import Workload, train
from impls import torch_aoti, torch_aoti_hand, torch_aoti_onelog
from impls.contract import Problem

if TYPE_CHECKING:
    from tests.conftest import Copy, Measured

# Inductor, when it is first imported, uses deprecated parts of PyTorch, and torch.export does.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit.*` is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:`isinstance:FutureWarning"),
]

AHEAD = [torch_aoti, torch_aoti_onelog, torch_aoti_hand]

TAIL = COMBINATIONS[0]
"""A ragged problem, which the inspection trains on, too: two tests share its program."""

PATIENCE_S = 600.0
"""On a busy core, a minute of compiling takes minutes."""

PROBLEMS = {
    "more batches than a call has": Problem(batch_size=16, n_batches=23, last_batch_size=5, n_epochs=3),
    "as many batches as two calls have": Problem(batch_size=7, n_batches=40, n_epochs=2),
    "one batch, one sample, one feature": Problem(n_features=1, batch_size=1, n_batches=1, n_epochs=5),
    "many features": Problem(n_features=257, batch_size=16, n_batches=3, last_batch_size=1, n_epochs=5),
    "as many features as are narrow, and a stream": replace(TAIL, n_features=4, data="stream"),
    "a feature more": replace(TAIL, n_features=5),
    "strong saturation": replace(TAIL, feature_scale=100.0, seed=1),
    "the loss on logits": replace(TAIL, loss="bce_with_logits"),
}

every_loop = pytest.mark.parametrize("module", AHEAD, ids=lambda module: module.__name__)


@pytest.fixture
def again() -> Any:
    """Load torch_aoti again: it has loaded no program yet."""
    return load(Path(torch_aoti.__file__))


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, again: Any, tmp_path: Path) -> list[Path]:
    """Let nothing be compiled; return where the packages would have been kept."""
    packages: list[Path] = []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(again, "native", lambda: "a compiler")
    monkeypatch.setattr(again, "compile_steps", lambda *_: None)
    monkeypatch.setattr(again, "load", packages.append)
    return packages


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
@every_loop
def test_the_steps_agree_with_the_reference_before_they_are_compiled(
    module: Any, problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "program", lambda loss, *_: lambda inputs: module.train_steps(loss, *inputs))

    trained = train(Workload.of(module, problem))

    expected = reference_for(problem).training
    assert abs(trained.losses - expected.losses).max() < LOSS_TOLERANCE
    assert abs(trained.weight - expected.weight).max() < PARAMETER_TOLERANCE
    assert abs(trained.bias - expected.bias) < PARAMETER_TOLERANCE


@every_loop
def test_a_row_of_values_is_contiguous_so_that_the_program_reads_it_in_vectors(module: Any) -> None:
    (batches,) = draw_epochs(TAIL)

    ((full, tail),) = module.place(TAIL, batches, "cpu")

    assert [stack.shape for stack in (full, tail)] == [(3, 4, 37), (1, 4, 5)]
    assert all(stack.is_contiguous() for stack in (full, tail))
    assert np.array_equal(full[1, :-1].T, batches[1][0])
    assert np.array_equal(tail[0, -1], batches[-1][1])


def test_a_layout_that_would_not_be_vectorized_is_refused_rather_than_slow(copy_of: Copy) -> None:
    twin: Any = load(copy_of("torch_aoti", ("np.array([", "np.stack(["), (', order="C")', ")")))
    (batches,) = draw_epochs(TAIL)

    with pytest.raises(ValueError, match="next to each other in memory, found strides of"):
        twin.place(TAIL, batches, "cpu")


@pytest.mark.long
def test_a_kept_program_serves_other_processes_and_is_verified_in_each(
    measured: Measured, caches: Path
) -> None:
    path = IMPLEMENTATIONS / "torch_aoti.py"
    cold = measured(path, TAIL, caches=caches, worker_timeout_s=PATIENCE_S)
    packages = {each: each.stat() for each in caches.glob("perceptron-bench/*.pt2")}

    warm = measured(path, TAIL, sample_s=0.02, caches=caches)

    assert [cold.verdict, warm.verdict] == [Verdict.VERIFIED] * 2, (cold.reason, warm.reason)
    assert packages
    assert packages == {each: each.stat() for each in caches.glob("perceptron-bench/*.pt2")}


def require_refused(again: Any, whole: Path) -> None:
    """Check that what is damaged, or compiled under another name, is not loaded."""
    content = whole.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    damaged = whole.with_name("damaged.pt2")
    for bad in (b"", b"no package", content[:middle], flipped):
        damaged.write_bytes(bad)
        with pytest.raises(BadZipFile):
            again.load(damaged)
    with pytest.raises(RuntimeError, match="expected the program compiled as"):
        again.load(shutil.copyfile(whole, whole.with_name("other.pt2")))


@pytest.mark.long
def test_a_compiled_program_is_loaded_unless_it_is_damaged_or_another_one(
    again: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(again, "OPTIONS", again.OPTIONS | {"aot_inductor.precompile_headers": False})
    whole, shapes = tmp_path / "steps.pt2", [torch.Size((1, 2, 3))]
    again.compile_steps(whole, "bce", shapes)
    inputs = [torch.full((8,), 0.1), torch.zeros(1), torch.ones(1, 2, 3)]
    expected = [each.clone() for each in inputs]
    again.train_steps("bce", *expected)

    again.load(whole)(inputs)

    assert all(torch.allclose(*pair) for pair in zip(inputs, expected, strict=True))
    assert list(tmp_path.iterdir()) == [whole]
    require_refused(again, whole)


def test_a_package_is_loaded_unless_it_is_damaged_or_another_one(
    again: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    loader = SimpleNamespace(get_metadata=lambda: {"key": "steps"}, run="the program")
    monkeypatch.setattr(again, "AOTIModelPackageLoader", lambda *_: loader)
    whole = tmp_path / "steps.pt2"
    with ZipFile(whole, "w") as archive:
        archive.writestr("model.so", bytes(1000))

    assert again.load(whole) == "the program"
    require_refused(again, whole)


@pytest.mark.parametrize("error", [FileNotFoundError, BadZipFile, RuntimeError])
def test_a_package_that_can_not_be_loaded_is_compiled_again(
    error: type[Exception], again: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiled: list[Path] = []

    def load_compiled(package: Path) -> str:
        if package not in compiled:
            raise error
        return "the program"

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(again, "load", load_compiled)
    monkeypatch.setattr(again, "compile_steps", lambda package, *_: compiled.append(package))

    programs = [again.program("bce", torch.Size((5, 3, 8))) for _ in range(2)]

    assert programs == ["the program"] * 2
    assert [package.parent for package in compiled] == [tmp_path / "perceptron-bench"]


def test_all_that_decides_the_code_names_the_package(
    again: Any, kept: list[Path], monkeypatch: pytest.MonkeyPatch, copy_of: Copy
) -> None:
    shapes = torch.Size((5, 3, 8)), torch.Size((1, 3, 2))
    again.program("bce", *shapes)
    for loss, args in [("bce_with_logits", shapes), ("bce", shapes[:1]), ("bce", shapes[::-1])]:
        again.program(loss, *args)
    for owner, name, value in [
        (torch, "get_num_threads", lambda: 64),
        (torch, "__version__", "3.0.0"),
        (again, "native", lambda: "another compiler"),
        (again, "__file__", str(copy_of("torch_aoti", ("CHUNK = 20", "CHUNK = 21")))),
    ]:
        again.program.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, value)
            again.program("bce", *shapes)
    assert len({package.name for package in kept}) == len(kept) == 8

    again.program.cache_clear()
    again.program("bce", *shapes)
    assert kept[-1] == kept[0]


@every_loop
def test_what_is_missing_is_named_with_its_remedy(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def reason(owner: Any, name: str, value: object) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, value)
            return str(module.unavailable("cpu"))

    options = {**module.OPTIONS, "aot_inductor.no_such_option": True}
    assert module.unavailable("cuda") == "its programs are compiled for the CPU"
    assert reason(module, "MISSING", "no module").endswith("lacks a part (no module); install torch 2.13")
    assert "(aot_inductor.no_such_option); install torch 2.13" in reason(module, "OPTIONS", options)
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert module.unavailable("cpu") == (
        "AOTInductor needs a C++ compiler, and found no no-such-compiler; install one or set CXX"
    )


def test_loading_a_program_that_was_compiled_ahead_of_time_counts_as_a_compilation(
    again: Any, tmp_path: Path
) -> None:
    observer = Observer()
    before = observer.n_compilations()

    with pytest.raises(OSError, match="absent"):
        again.load(tmp_path / "absent.pt2")
    assert observer.n_compilations() == before
    with pytest.raises(RuntimeError):
        again.AOTIModelPackageLoader(str(tmp_path / "absent.pt2"), "model", True, 1, -1)  # noqa: FBT003 - it has no names

    assert observer.n_compilations() == before + 1


@pytest.mark.long
def test_losses_that_are_returned_rather_than_written_are_overwritten_by_the_next_call(
    copy_of: Copy, measured: Measured, caches: Path
) -> None:
    twin = copy_of(
        "torch_aoti",
        ("CHUNK = 20", "CHUNK = 1"),
        ("*stacks: Tensor) -> None:", "*stacks: Tensor) -> Tensor:"),
        ("    losses.copy_(torch.stack(batch_losses))", "    return torch.stack(batch_losses)"),
        ("    for run, losses, stacks in zip(", "    returned = []\n    for run, losses, stacks in zip("),
        (
            "        run([state.vector, losses, *stacks])\n",
            "        returned += run([state.vector, losses, *stacks])\n    state.losses = returned\n",
        ),
    )

    row = measured(
        twin,
        Problem(n_features=3, batch_size=7, n_batches=3, n_epochs=2),
        caches=caches,
        worker_timeout_s=PATIENCE_S,
    )

    assert row.verdict is Verdict.INVALID
    assert "loss of step 1" in (row.reason or "")
