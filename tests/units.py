"""What pytest-xdist gives to one of its processes at a time, and in which order."""

from __future__ import annotations

AGREEMENT = "tests/impls/test_implementations.py"
BROWSER = "tests/report/html/"
PAGES = "tests/project/test_docs.py"
TIMED = "tests/pytest_plugin/test_timed_implementations.py"

LONGEST = (
    *(AGREEMENT, PAGES, "benchmarks/bench_epoch.py", TIMED),
    *("tests/verify/", "tests/impls/", BROWSER, "tests/pytest_plugin/", "tests/worker/"),
)
"""Where the tests are that take longest: a process begins with them."""


def unit_of(nodeid: str) -> str:
    """Return the name of the unit that a test belongs to: the loops of a framework, or a file.

    The files that need a browser are one unit: it starts once, and the pages that they share are made once.
    """
    if nodeid.startswith(BROWSER):
        return BROWSER
    file, _, test = nodeid.partition("::")
    framework = test.partition("[")[2].partition("_")[0]
    return f"{file} {framework}" if file in (AGREEMENT, TIMED) else file


def place_of(nodeid: str) -> int:
    """Return the test's place in the order; tests of one place stay as they were collected."""
    return next((place for place, start in enumerate(LONGEST) if nodeid.startswith(start)), len(LONGEST))
