"""Fixtures that write the records of parallel jobs, and merge them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.jobs import merge, rows_of_job, with_benchmarks, write_document
from tests.helpers.runs import run_of_day

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.cli.jobs import Job


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Write the record of a job, with other provenance, settings or fields of its first row where given."""

    def written(
        day: int,
        *,
        settings: Mapping[str, Any] | None = None,
        first: Mapping[str, Any] | None = None,
        **at: Any,
    ) -> Path:
        rows = rows_of_job(day)
        rows[0] = replace(rows[0], **(first or {}))
        run = run_of_day(day, *rows, settings=settings, **({"machine": f"runner-{day}"} | at))
        return write_document(with_benchmarks(run), tmp_path / f"job{day}.json")

    return written


@pytest.fixture
def merged(job: Job, tmp_path: Path) -> Path:
    """Merge three jobs."""
    output = tmp_path / "new folder" / "run.json"
    assert merge(job(0), job(1), job(2), output=output) == 0
    return output
