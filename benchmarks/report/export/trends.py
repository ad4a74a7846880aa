"""Points of trends → the files of other tools.

Our records are read as they are by pytest-benchmark, github-action-benchmark (`tool: pytest`) and Bencher
(`python_pytest`); but what the last two look at are means. Here is the statistic that gates.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from benchmarks.errors import UsageError
from benchmarks.records.machine import Hardware
from benchmarks.records.provenance import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.records.provenance import Provenance
    from benchmarks.track.trends import Point

COLUMNS = {
    "date": "when the run began, ISO 8601, UTC",
    "commit": "of the harness; 'with changes' if it had any that were not committed",
    "commit_elsewhere": "of the implementations, if they lie elsewhere: of each checkout in which some do",
    "case": "implementation, device and problem, as pytest names the benchmark",
    "implementation": "the first part of it",
    "control": "the implementation that the case is held against",
    "ratio": "the case's time over the control's (fastest epochs of the same round), median over the rounds",
    "ratio_low": "lower end of its 95 % confidence interval (of 5 rounds: 94 %); empty below 5 rounds",
    "ratio_high": "upper end of it",
    "min_us": "the fastest epoch of a process, in µs, median over the rounds",
    "control_min_us": "the control's",
    "n_rounds": "rounds in which both ran",
    "cpu": "model of the machine's processor",
    "n_cpus": "CPUs of the machine",
    "gpu": "models and drivers of its GPUs; empty: none",
    "n_cores": "CPUs that the case's processes were kept to",
    "precision": "what the frameworks were told of the precision of matrix products",
    "machine": "the machine's name",
    "system": "operating system and kernel",
    **{name: f"version of {name}" for name in ("python", *PACKAGES)},
    "record": "name of the record's file",
}
"""The columns of the CSV, and what each means. A row is one case in one run."""


def to_csv(points: Sequence[Point]) -> str:
    """Write one row per case and run, with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_cells(point) for point in points)
    return text.getvalue()


def _cells(point: Point) -> dict[str, object]:
    at = _provenance(point)
    return {
        "date": point.record.date.isoformat(),
        "commit": at.commit,
        "commit_elsewhere": at.commit_elsewhere,
        "case": point.row.case,
        "implementation": point.row.implementation,
        "control": point.control.implementation,
        "ratio": point.ratio.value,
        "ratio_low": point.ratio.low,
        "ratio_high": point.ratio.high,
        "min_us": point.min_s * 1e6,
        "control_min_us": point.control_min_s * 1e6,
        "n_rounds": point.n_rounds,
        "cpu": at.cpu,
        "n_cpus": at.n_cpus,
        "gpu": at.gpu,
        "n_cores": point.row.n_cores,
        "precision": Hardware.of(point.record.run).precision,
        "machine": at.machine,
        "system": at.system,
        **{name: at.versions.get(name) for name in ("python", *PACKAGES)},
        "record": point.record.path.name,
    }


def to_custom_smaller_is_better(points: Sequence[Point]) -> str:
    """Write the points of one run for github-action-benchmark's `tool: customSmallerIsBetter`.

    A JSON array of {name, unit, value, range, extra}, see
    https://github.com/benchmark-action/github-action-benchmark#examples. The value is the ratio to the
    control and nothing else: the action holds each value against that of the last run, by one threshold for
    all, and on a shared runner a time moves by more than any threshold one would want. The time stands in
    `extra`, for the reader. The control is part of the name, so that a run that had another one is not
    held against this.

    Raises:
        UsageError: there is no point; the action refuses an empty array.

    """
    if not points:
        message = (
            "expected a run in which a case was timed together with its control, found none; see --baseline"
        )
        raise UsageError(message)
    return json.dumps([_entry(point) for point in points], indent=1, ensure_ascii=False, allow_nan=False)


def _entry(point: Point) -> dict[str, Any]:
    ratio, control = point.ratio, point.control.implementation
    times = f"{point.min_s * 1e6:.4g} µs an epoch, {control} {point.control_min_s * 1e6:.4g} µs"
    at = _provenance(point)
    versions = ", ".join(f"{name} {version}" for name, version in at.versions.items())
    lines = [times, f"{point.n_rounds} rounds", str(Hardware.of(point.record.run)), versions]
    lines += [f"commit {at.commit or 'unknown'}"]
    lines += [f"commit of the implementations {at.commit_elsewhere}"] if at.commit_elsewhere else []
    entry = {
        "name": f"{point.row.case} vs {control}",
        "unit": f"times {control}",
        "value": _six_digits(ratio.value),
        "extra": "\n".join(lines),
    }
    if ratio.low is None or ratio.high is None:
        return entry
    return entry | {"range": f"± {_six_digits((ratio.high - ratio.low) / 2)}"}


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")


def _provenance(point: Point) -> Provenance:
    return point.record.run.provenance
