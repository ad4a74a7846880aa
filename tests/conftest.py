"""What several tests share: copies of implementations, changed on purpose, and a worker's verdict on them."""

from __future__ import annotations

import gc
import signal
from typing import TYPE_CHECKING, Protocol

import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.launch import launch
from benchmarks.runner.system import choose_cpus, unsupported_reason
from benchmarks.worker.messages import Job
from impls.contract import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.cases.implementations import ImplementationFile
    from benchmarks.records.row import Row

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell makes what it starts in the background deaf to Ctrl-C, and that is inherited: the tests that
    # interrupt a run would wait for its end.
    signal.signal(signal.SIGINT, signal.default_int_handler)

SMALL = Problem(batch_size=32, n_batches=4, n_epochs=3)
"""A problem that takes no time and whose losses still move."""


def pytest_collection_finish() -> None:
    """Keep what is loaded by now out of the search for garbage, which goes through all of it every time."""
    gc.freeze()


class Copy(Protocol):
    def __call__(self, name: str, *changes: tuple[str, str], as_name: str = ...) -> Path:
        """Copy the implementation, each `old` text (which must occur once) replaced by its `new`."""


@pytest.fixture
def copy_of(tmp_path: Path) -> Copy:
    """Make changed copies of implementations."""

    def copy(name: str, *changes: tuple[str, str], as_name: str = "copy") -> Path:
        source = (IMPLEMENTATIONS / f"{name}.py").read_text(encoding="utf-8")
        for old, new in changes:
            assert source.count(old) == 1, f"{old!r} occurs {source.count(old)} times in {name}"
            source = source.replace(old, new)
        path = tmp_path / f"{as_name}.py"
        path.write_text(source, encoding="utf-8")
        return path

    return copy


@pytest.fixture
def numpy_float32(copy_of: Copy) -> Path:
    """An implementation as a user would drop it in: NumPy, float32; starts fast."""
    return copy_of("numpy_float32", as_name="numpy_float32")


class Judge(Protocol):
    def __call__(
        self, path: Path, problem: Problem = ..., *, sample_s: float = ..., pinned: bool = ...
    ) -> Row:
        """Run the file in one worker and give its row."""


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Measure an implementation's file as a contest does, in one process."""

    def judged(path: Path, problem: Problem = SMALL, *, sample_s: float = 0.0, pinned: bool = True) -> Row:
        entry = read_entry(path)
        case_result = CaseResult(Case(entry, "cpu", problem))
        job = Job(
            path=str(path),
            framework=entry.framework,
            devices=("cpu",),
            problems=(problem,),
            cpus=choose_cpus(1) if pinned else (),
            sample_s=sample_s,
        )
        report = launch(job, tmp_path, f"{path.stem}-{sample_s}")
        assert report.error is None, report.log
        (result,) = report.results
        case_result.add(result, round_=0, position=0)
        return case_result.row()

    return judged


def skip_if_nothing_can_run(entry: ImplementationFile) -> None:
    """Skip what needs a GPU where there is none: loading PyTorch to be told so takes seconds."""
    if entry.cuda_graph and (reason := unsupported_reason("cuda")):
        pytest.skip(reason)


class Silent:
    """Listens to a contest."""

    def planned(self, n_workers: int) -> None:
        """Say nothing."""

    def advanced(self, description: str) -> None:
        """Say nothing."""

    def recalled(self) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def caches(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the compilers one cache for this run of the tests, whichever of its processes they serve."""
    folder = tmp_path_factory.getbasetemp()
    return (folder.parent if hasattr(request.config, "workerinput") else folder) / "caches"
