"""Needs the extra `report`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from benchmarks.report.plots.plot import Plot

collect_ignore_glob = [] if find_spec("altair") and find_spec("vl_convert") else ["test_*.py"]


@pytest.fixture(scope="session")
def plots() -> dict[str, Plot]:
    """Draw a sweep once, for all tests that only look; of each kind the last plot."""
    from tests.helpers.plots import drawn_of, swept  # noqa: PLC0415 - needs the extra
    from tests.helpers.records import run_of  # noqa: PLC0415 - as above

    return {plot.kind: plot for plot in drawn_of(run_of(*swept()))}
