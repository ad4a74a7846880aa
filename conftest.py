"""Here, at the top, so that pytest knows our options whatever it is asked to run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["benchmarks.pytest_plugin.hooks"]


def pytest_configure(config: pytest.Config) -> None:
    """Let Inductor not try out vector extensions where nothing is timed; keep each process to a CPU."""
    if config.getoption("benchmark_disable", default=False):  # no first call is timed
        # Else Inductor compiles and runs a program for each vector extension before it takes it for there.
        os.environ.setdefault("TORCHINDUCTOR_VEC_ISA_OK", "1")
    # Each of pytest-xdist's processes, and the workers that it starts, has a CPU of its own. The name is
    # taken out, so that a pytest that a test starts is not mistaken for a part of this one.
    name = os.environ.pop("PYTEST_XDIST_WORKER", "")
    if name.startswith("gw") and hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[int(name.removeprefix("gw")) % len(allowed)]})
