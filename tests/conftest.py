"""Fixtures that several rooms' tests share: changed copies of implementations, measured by a worker."""

from __future__ import annotations

import gc
import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import cpuinfo
import pytest

from benchmarks.cases.implementations import read_entry
from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.runner import launch as launcher
from benchmarks.runner.case import Case, CaseResult
from benchmarks.runner.system import choose_cpus, unsupported_reason
from benchmarks.verify import conservation
from benchmarks.verify.conservation import Judgement
from benchmarks.worker.messages import Job
from impls.contract import Problem
from tests.helpers.forks import Forks
from tests.helpers.quiet import CPU, HURRIED, QUIET
from tests.units import place_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.cases.implementations import ImplementationFile
    from benchmarks.records.row import Row
    from benchmarks.worker.messages import Timing
    from impls.contract import Device

CPUS = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set[int]()
"""On which all tests together may run: a configured process of pytest-xdist keeps to one of them."""

for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        # A shell starts background processes with Ctrl-C ignored, nohup with SIGHUP, and this is inherited:
        # the tests that interrupt a run would wait until it ends.
        signal.signal(number, handler)

cpuinfo.get_cpu_info = CPU.copy

JUDGE, WORKER = conservation.judge, launcher.WORKER

SMALL = Problem(batch_size=32, n_batches=4, n_epochs=3)
"""A problem that takes no time and whose losses still move."""


@pytest.fixture(scope="module")
def every_cpu() -> Iterator[None]:
    """Let ranks have a CPU each."""
    if len(CPUS) < 2:
        pytest.skip("two ranks need a CPU each, to which they can be pinned")
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, CPUS)
    yield
    os.sched_setaffinity(0, own)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Let --dist loadfile give out the longest files in parts: then no process ends long after the others."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415 - it may be missing

    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = unit_of  # noqa: SLF001 - the documented way to do it
    return scheduler


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest."""
    items.sort(key=lambda item: place_of(item.nodeid))


def pytest_collection_finish() -> None:
    """Keep all modules loaded so far out of garbage collection, which would scan them every time."""
    gc.freeze()


@pytest.fixture(autouse=True)
def conserved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge times as on a quiet machine, and hurry workers: most tests are about something else.

    A test of the judgement requests the fixture `judged`.
    """
    monkeypatch.setattr(launcher, "WORKER", HURRIED)
    monkeypatch.setattr(conservation, "judge", lambda *_: QUIET)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch, conserved: None, forks: Forks) -> None:
    """Let workers time, try and watch for as long as in a run."""
    monkeypatch.setattr(launcher, "WORKER", WORKER)
    del conserved
    monkeypatch.setattr(forks, "hurries", False)


@pytest.fixture
def ends_judged(monkeypatch: pytest.MonkeyPatch, conserved: None, unhurried: None) -> None:
    """Judge the ends of the trials and their data, which do not depend on the machine, but no times."""
    del conserved, unhurried

    def judge(timing: Timing, problem: Problem, device: Device) -> Judgement:
        return replace(QUIET, checks=JUDGE(timing, problem, device).checks[:2])

    monkeypatch.setattr(conservation, "judge", judge)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch, conserved: None, unhurried: None) -> None:
    """Judge times as a run does."""
    del conserved, unhurried
    monkeypatch.setattr(conservation, "judge", JUDGE)


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


class Measured(Protocol):
    def __call__(
        self,
        path: Path,
        problem: Problem = ...,
        *,
        sample_s: float = ...,
        pinned: bool = ...,
        n_unseen: int = ...,
        caches: Path | None = ...,
        worker_timeout_s: float = ...,
    ) -> Row:
        """Measure the file in one worker, also on `n_unseen` unseen combinations, and return its row."""


@pytest.fixture(scope="session")
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this run of the tests share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if hasattr(request.config, "workerinput") else folder


@pytest.fixture(scope="session")
def forks(shared: Path) -> Iterator[Forks]:
    """Make what stands in for `subprocess` in `launch`, in tests that are not about starting workers."""
    temporary = shared / "temporary"
    temporary.mkdir(exist_ok=True)
    forks = Forks(temporary)
    yield forks
    forks.close()


@pytest.fixture(scope="session")
def starters(forks: Forks) -> list[Forks]:
    """Return what starts each of two ranks."""
    return [forks, forks]


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch, forks: Forks) -> None:
    """Fork this test's workers."""
    monkeypatch.setattr(launcher, "subprocess", forks)


@pytest.fixture
def measured(tmp_path: Path, forked: None, caches: Path) -> Measured:
    """Measure an implementation's file as a run does, but in one process.

    Without its own caches, a loop in JAX shares those of all tests.
    """
    del forked
    shared_caches = {"jax": str(caches)}

    def measure(
        path: Path,
        problem: Problem = SMALL,
        *,
        sample_s: float = 0.0,
        pinned: bool = True,
        n_unseen: int = 0,
        caches: Path | None = None,
        worker_timeout_s: float = 120.0,
    ) -> Row:
        entry = read_entry(path)
        result = CaseResult(Case(entry, "cpu", problem))
        job = Job(
            path=str(path),
            framework=entry.framework,
            devices=("cpu",),
            problems=(problem,),
            cpus=choose_cpus(1) if pinned else (),
            sample_s=sample_s,
            n_unseen=n_unseen,
            caches=str(caches) if caches else shared_caches.get(entry.framework),
            worker_timeout_s=worker_timeout_s,
        )
        report = launcher.launch(job, tmp_path, f"{path.stem}-{sample_s}")
        assert report.error is None, report.log
        (answer,) = report.results
        result.add(answer, round_=0, position=0)
        return result.row()

    return measure


def skip_if_nothing_can_run(entry: ImplementationFile) -> None:
    """Skip an implementation that needs a GPU, where there is none: loading PyTorch takes seconds."""
    if entry.cuda_graph and (reason := unsupported_reason("cuda")):
        pytest.skip(reason)


class NoProgress:
    """A progress listener that shows nothing."""

    def planned(self, n_workers: int) -> None:
        """Do nothing."""

    def advanced(self, description: str) -> None:
        """Do nothing."""

    def recalled(self) -> None:
        """Do nothing."""


@pytest.fixture(scope="session")
def caches(shared: Path) -> Path:
    """Return the folder of one cache for the compilers."""
    return shared / "caches"
