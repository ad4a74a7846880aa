"""Points of trends → the files of other tools.

pytest-benchmark, github-action-benchmark (`tool: pytest`) and Bencher (`python_pytest`) read our records as
they are, but the last two use means. These files hold the statistic that gates.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks.analysis.cells import without_formula
from benchmarks.analysis.columns import Column, columns_of
from benchmarks.analysis.record_columns import RunLine
from benchmarks.errors import UsageError
from benchmarks.hosts import PACKAGES
from benchmarks.records.machine import Hardware
from benchmarks.records.provenance import Provenance
from benchmarks.track.trends import Point


def _at(point: Point) -> Provenance:
    return point.record.run.provenance


def _version(name: str) -> Column:
    return Column(name, f"version of {name}", value=lambda p: _at(p).versions.get(name))


def _of_run(name: str) -> Column:
    (column,) = (each for each in columns_of(RunLine) if each.name == name)
    return replace(column, title=name, value=lambda p: column.of(p.record.run))


COLUMNS = (
    Column("date", "when the run began, ISO 8601, UTC", value=lambda p: p.record.date.isoformat()),
    _of_run("commit"),
    Column(
        "commit_elsewhere",
        "commit of each other checkout that holds an implementation",
        value=lambda p: _at(p).commit_elsewhere,
    ),
    Column("case", "implementation, device and problem", value=lambda p: p.row.case),
    Column("implementation", "the first part of the case", value=lambda p: p.row.implementation),
    Column("baseline", "what the case is compared with", value=lambda p: p.baseline.implementation),
    Column(
        "ratio",
        "the case's time over the baseline's (fastest epochs of the same round), median over the rounds",
        value=lambda p: p.ratio.value,
    ),
    Column(
        "ratio_low",
        "lower end of its 95 % confidence interval (of 5 rounds: 94 %); empty below 5 rounds",
        value=lambda p: p.ratio.low,
    ),
    Column("ratio_high", "upper end of the interval", value=lambda p: p.ratio.high),
    Column("min_us", "median over the rounds of the fastest epoch, in µs", value=lambda p: p.min_s * 1e6),
    Column("baseline_min_us", "the same of the baseline", value=lambda p: p.baseline_min_s * 1e6),
    Column("n_rounds", "rounds in which both ran", value=lambda p: p.n_rounds),
    *map(_of_run, ("cpu", "n_cpus", "gpu")),
    Column("n_cores", "CPUs that each of the case's processes was kept to", value=lambda p: p.row.n_cores),
    Column("n_ranks", "processes that trained together", value=lambda p: p.row.n_ranks),
    Column(
        "precision",
        "precision of matrix products that was asked for",
        value=lambda p: Hardware.of(p.record.run).precision,
    ),
    Column("machine", "the machine's name", value=lambda p: _at(p).host.machine),
    _of_run("system"),
    *map(_version, ("python", *PACKAGES)),
    Column("record", "name of the record's file", value=lambda p: p.record.path.name),
)
"""The columns of the CSV. A row is one case in one run."""


def to_csv(points: Sequence[Point]) -> str:
    """Write one row per case and run, with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.title for column in COLUMNS)
    writer.writerows([without_formula(column.of(point)) for column in COLUMNS] for point in points)
    return text.getvalue()


def to_custom_smaller_is_better(points: Sequence[Point]) -> str:
    """Write the points of one run for github-action-benchmark's `tool: customSmallerIsBetter`.

    A JSON array of {name, unit, value, range, extra}, see
    https://github.com/benchmark-action/github-action-benchmark#examples. The value is the ratio to the
    baseline: the action compares each value with the last run's by one threshold for all, and on a shared
    runner a time moves by more than any useful threshold. The time is in `extra`, for the reader. The name
    holds the baseline, so that runs with different baselines are not compared.

    Raises:
        UsageError: there is no point; the action refuses an empty array.
    """
    if not points:
        message = (
            "expected a run in which a case was timed together with its baseline, found none; see --baseline"
        )
        raise UsageError(message)
    return json.dumps([_entry(point) for point in points], indent=1, ensure_ascii=False, allow_nan=False)


def _entry(point: Point) -> dict[str, Any]:
    ratio, baseline = point.ratio, point.baseline.implementation
    times = f"{point.min_s * 1e6:.4g} µs an epoch, {baseline} {point.baseline_min_s * 1e6:.4g} µs"
    at = _at(point)
    versions = ", ".join(f"{name} {version}" for name, version in at.versions.items())
    lines = [times, f"{point.n_rounds} rounds", str(Hardware.of(point.record.run)), versions]
    lines.append(f"commit {at.commit or 'unknown'}")
    if at.commit_elsewhere:
        lines.append(f"commit of the implementations {at.commit_elsewhere}")
    entry = {
        "name": f"{point.row.case} vs {baseline}",
        "unit": f"times {baseline}",
        "value": _six_digits(ratio.value),
        "extra": "\n".join(lines),
    }
    if ratio.low is None or ratio.high is None:
        return entry
    return entry | {"range": f"± {_six_digits((ratio.high - ratio.low) / 2)}"}


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")
