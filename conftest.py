"""Here, at the top, so that pytest knows our options whatever it is asked to run."""

import os

pytest_plugins = ["benchmarks.plugin"]


def pytest_configure() -> None:
    """Keep each of pytest-xdist's processes, and the workers it starts, to a CPU of its own."""
    # Taken out, so that a pytest that a test starts is not mistaken for a part of this one.
    name = os.environ.pop("PYTEST_XDIST_WORKER", "")
    if name.startswith("gw") and hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[int(name.removeprefix("gw")) % len(allowed)]})
