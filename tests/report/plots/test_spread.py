"""The plot of each process's distribution."""

from __future__ import annotations

import pytest

from tests.helpers.plots import one_of
from tests.helpers.records import row, run_of


@pytest.mark.parametrize(("n_rows", "columns"), [(2, 3), (5, 5), (7, 4), (8, 4), (9, 3), (10, 5)])
def test_as_few_places_as_can_be_stay_empty_where_processes_are_drawn(n_rows: int, columns: int) -> None:
    plot = one_of(run_of(*(row(f"torch_{i}") for i in range(n_rows))), "spread")

    assert plot.chart.to_dict()["columns"] == columns
