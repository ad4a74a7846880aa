"""How a record is written: few samples, no spaces."""

import json
from itertools import islice
from typing import Any

from benchmarks.records.row import KEY

MAX_STORED = 11
"""Samples stored per process. They show its quantiles in steps of a tenth; all figures are of all samples."""


def thin_samples(document: dict[str, Any]) -> None:
    """Keep at most MAX_STORED samples of each process in pytest-benchmark's file.

    A process's samples are ascending; those kept are evenly spaced in rank from the fastest to the slowest.
    """
    rows = {row["case"]: row for row in document[KEY]["rows"]}
    for benchmark in document["benchmarks"]:
        stats, own = benchmark["stats"], benchmark["extra_info"].get(KEY)
        if own and "data" in stats:  # it is not there under --benchmark-save without --benchmark-save-data
            stats["data"] = _thinned(stats["data"], rows[own["case"]]["processes"])


def _thinned(samples_s: list[float], processes: list[dict[str, Any]]) -> list[float]:
    thinned_s, rest_s = [], iter(samples_s)
    for process in processes:
        own_s = list(islice(rest_s, process["n_kept"]))
        process["n_kept"] = n = min(len(own_s), MAX_STORED)
        thinned_s += [own_s[round(i * (len(own_s) - 1) / max(1, n - 1))] for i in range(n)]
    return thinned_s


def to_json(document: dict[str, Any]) -> str:
    """Write JSON without spaces, on one line.

    Raises:
        ValueError: there is NaN or an infinity, which JSON lacks.
    """
    return json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n"
