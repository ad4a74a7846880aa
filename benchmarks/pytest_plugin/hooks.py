"""The hooks of the pytest plugin: options, the cases to collect, their measuring, and our own tables."""

import warnings
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from pytest_benchmark.session import BenchmarkSession

from benchmarks.errors import UsageError
from benchmarks.files import explain_refusal, try_to_replace, try_to_write
from benchmarks.pytest_plugin.clock import ReplayClock
from benchmarks.pytest_plugin.options import Options, declare, read
from benchmarks.pytest_plugin.session import CaseKey, MeasuringSession
from benchmarks.records.compact import thin_samples
from benchmarks.records.row import KEY
from benchmarks.records.run import read_run
from benchmarks.report.tables.run import print_run
from benchmarks.runner.case import Case, CaseResult
from benchmarks.terminal import Terminal

if TYPE_CHECKING:
    from _pytest.capture import CaptureManager

SESSION = pytest.StashKey[MeasuringSession]()
GIVEN = pytest.StashKey[Options]()
"""Where `run` puts its options for the plugin, which reads them off pytest's command line otherwise."""

PARAMETERS = ("implementation", "device", "problem", "place")
"""Of pytest, for a case: the parts of its key."""

PARALLEL = (
    "expected one process where times are taken, found one of pytest-xdist's: cases that are measured at the "
    "same time slow each other down; leave out -n, or add --benchmark-disable to verify without times"
)

COLUMNS = ("min", "median", "max", "iqr", "rounds")
"""Columns of pytest-benchmark's table that a narrow terminal shows, the most important one first."""
COLUMN_WIDTH = 25
"""Of one of them, about: a long number, and its ratio to the group's best."""
WIDE = 200
"""From here on, a terminal has room for all of them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add our options to pytest's."""
    declare(Options, parser.getgroup("perceptron-bench").addoption)


def pytest_configure(config: pytest.Config) -> None:
    """Find the cases, or refuse options that make no sense and files that can't be written."""
    try:
        _require_writable(config)
        options = config.stash.get(GIVEN, None) or read(Options, config.getoption)
        config.stash[SESSION] = MeasuringSession.of(options)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
    _choose_columns(config, config.stash[SESSION].cases.values())


def _require_writable(config: pytest.Config) -> None:
    """Check, before hours of measuring, that pytest-benchmark can write its files.

    Raises:
        UsageError: it can't.
    """
    if file := config.getoption("benchmark_json", None):
        with explain_refusal(file, remedy="name another file with --benchmark-json"):
            try_to_write(file)
    saves = config.getoption("benchmark_save", None) or config.getoption("benchmark_autosave", None)
    scheme, _, storage = config.getoption("benchmark_storage", "").partition("://")
    if saves and scheme == "file":
        with explain_refusal(Path(storage), remedy="name another folder with --benchmark-storage"):
            try_to_replace(Path(storage, "record.json"))


def _choose_columns(config: pytest.Config, cases: Iterable[Case]) -> None:
    """Let pytest-benchmark's table fit into a narrow terminal, unless the user chose its columns."""
    width = Terminal().width
    if width < WIDE and not config.getoption("benchmark_columns", None):
        name = max((len(f"bench_epoch[{case.name}]") for case in cases), default=0)
        config.option.benchmark_columns = COLUMNS[: max(1, (width - name) // COLUMN_WIDTH)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a benchmark of each case; a group is a problem on a device, and each case has its own clock."""
    if "case_result" not in metafunc.fixturenames:
        return
    cases = [
        pytest.param(
            *key,
            id=case.name,
            marks=pytest.mark.benchmark(group=case.group, timer=ReplayClock()),
        )
        for key, case in metafunc.config.stash[SESSION].cases.items()
    ]
    metafunc.parametrize(PARAMETERS, cases)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Claim the run before its first case: a second process with the same run is refused in one line."""
    keys, timed = _selected(session), not _benchmarks(session.config).disabled
    is_parallel = timed and hasattr(session.config, "workerinput")
    if keys and not is_parallel and not session.config.option.collectonly:
        try:
            with _as_outside_of_tests():
                session.config.stash[SESSION].claim(keys, timed=timed)
        except UsageError as error:
            if reporter := session.config.pluginmanager.get_plugin("terminalreporter"):
                session.config.pluginmanager.unregister(reporter)  # it would add that nothing ran
            raise pytest.UsageError(str(error)) from None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the files for resuming, if the record is written; `run` writes it itself, later."""
    if SESSION in config.stash and GIVEN not in config.stash:
        config.stash[SESSION].close(recorded=_is_recorded(config))


def _is_recorded(config: pytest.Config) -> bool:
    """Check whether pytest-benchmark's file holds all that was measured: a full disk cuts it short."""
    benchmarks, provenance = _benchmarks(config), config.stash[SESSION].provenance
    files = [Path(benchmarks.json)] if benchmarks.json else []
    if not files and (benchmarks.save or benchmarks.autosave):
        files = sorted(benchmarks.storage.path.rglob("*.json"), key=lambda file: file.stat().st_mtime)
    if not files or provenance is None:
        return False
    try:
        return read_run(files[-1]).provenance.date == provenance.date
    except UsageError:
        return False


def document_of(config: pytest.Config) -> dict[str, Any]:
    """Return the record as pytest-benchmark writes it; `run` writes it later, under its own name."""
    benchmarks, hook = _benchmarks(config), config.hook
    commit_info = hook.pytest_benchmark_generate_commit_info(config=config)
    hook.pytest_benchmark_update_commit_info(config=config, commit_info=commit_info)
    document: dict[str, Any] = hook.pytest_benchmark_generate_json(
        config=config,
        benchmarks=benchmarks.benchmarks,
        include_data=True,
        machine_info=benchmarks.get_machine_info(),
        commit_info=commit_info,
    )
    hook.pytest_benchmark_update_json(config=config, benchmarks=benchmarks.benchmarks, output_json=document)
    return document


def _benchmarks(config: pytest.Config) -> BenchmarkSession:
    return cast("BenchmarkSession", config.pluginmanager.get_plugin("pytest-benchmark"))


@pytest.fixture
def replay_clock(request: pytest.FixtureRequest) -> ReplayClock:
    """Return the clock that pytest-benchmark reads for this case."""
    marker = request.node.get_closest_marker("benchmark")
    return cast("ReplayClock", marker.kwargs["timer"])


@pytest.fixture
def case_result(
    request: pytest.FixtureRequest,
    implementation: str,
    device: str,
    problem: str,
    place: str,
) -> CaseResult:
    """Return the case's result; the first call measures all selected cases, interleaved."""
    session = request.config.stash[SESSION]
    if session.settings is None:
        pytest.fail(PARALLEL, pytrace=False)
    if not session.has_begun:
        capture = cast("CaptureManager", request.config.pluginmanager.getplugin("capturemanager"))
        with capture.global_and_fixture_disabled(), _as_outside_of_tests():
            console = Terminal()
            console.print()
            settings = session.settings
            if not settings.rounds:
                temporary: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
                settings = replace(settings, caches=_shared(temporary.getbasetemp(), request.config))
            session.measure(settings, console)
    key = (implementation, device, problem, place)
    if key not in session.case_results:
        pytest.fail("the measuring was interrupted by an error; see the first one", pytrace=False)
    return session.case_results[key]


def _shared(folder: Path, config: pytest.Config) -> Path:
    """Return where compilers keep their output if nothing is timed: all tests of a session share it."""
    return (folder.parent if hasattr(config, "workerinput") else folder) / "caches"


@contextmanager
def _as_outside_of_tests() -> Iterator[None]:
    """Show warnings: errors are for tests, not for measuring."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        yield


def _selected(session: pytest.Session) -> set[CaseKey]:
    """Return the cases that -k, -m and the like have left."""
    return {
        cast("CaseKey", tuple(item.callspec.params[name] for name in PARAMETERS))
        for item in session.items
        if isinstance(item, pytest.Function) and "case_result" in item.fixturenames
    }


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    """Add the whole run, and thin the samples."""
    output_json[KEY] = config.stash[SESSION].run().to_dict()
    thin_samples(output_json)


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
    """Print our tables below pytest-benchmark's, even if its comparison raises."""
    try:
        return (yield)
    finally:
        _print_tables(terminalreporter)


def _print_tables(terminalreporter: pytest.TerminalReporter) -> None:
    session = terminalreporter.config.stash[SESSION]
    if not session.case_results:
        return
    console = Terminal(force_terminal=terminalreporter.hasmarkup)
    terminalreporter.section("perceptron-bench")
    with console.capture() as captured:
        print_run(session.run(), console)
    terminalreporter.write(captured.get())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Set the exit status if measuring was interrupted, or if nothing could be measured."""
    measuring = session.config.stash[SESSION]
    if measuring.interrupted:
        session.exitstatus = pytest.ExitCode.INTERRUPTED
    elif measuring.measured_nothing:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
