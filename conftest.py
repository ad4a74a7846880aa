"""At the top of the checkout, so that pytest knows our options in every folder."""

from __future__ import annotations

import os

import pytest


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load our plugin; pytest allows no list of plugins here if it is started in another folder."""
    pluginmanager.import_plugin("benchmarks.pytest_plugin.hooks")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Use two processes more than there are CPUs, at most two for each: tests often wait."""
    n_cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(2 * n_cpus, n_cpus + 2)


def pytest_configure(config: pytest.Config) -> None:
    """Keep each process of pytest-xdist to one CPU; where nothing is timed, save compiling time."""
    if config.getoption("benchmark_disable", default=False):
        # Else Inductor compiles and runs a program for each vector extension before it uses it.
        os.environ.setdefault("TORCHINDUCTOR_VEC_ISA_OK", "1")
    if config.getoption("benchmark_only", default=False):
        config.addinivalue_line("filterwarnings", "default")  # errors are for tests, not for measuring
    # The variable is removed so that a pytest that a test starts does not take itself for one of these.
    name = os.environ.pop("PYTEST_XDIST_WORKER", "")
    # pytest imports readline, which gives its child processes these variables, for a terminal or none.
    for variable in ("COLUMNS", "LINES"):
        if name or variable not in os.environ:
            os.environ.pop(variable, None)
            os.unsetenv(variable)
    if name.startswith("gw") and hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[int(name.removeprefix("gw")) % len(allowed)]})
