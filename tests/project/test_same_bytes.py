"""The same records give the same report, byte for byte, wherever it is written."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.paths import CODE
from impls.contract import Problem
from tests.helpers.runs import run_of_day, timed, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.records.row import Row

pytest.importorskip("altair")
pytest.importorskip("vl_convert")

HERE = {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "0", "COLUMNS": "200"}
THERE = {
    "TZ": "Asia/Kolkata",
    "LC_ALL": "de_DE.UTF-8",
    "PYTHONHASHSEED": "1",
    "COLUMNS": "40",
    # The code that BLAS, NumPy and the C library choose on an old processor: it rounds differently.
    "OPENBLAS_CORETYPE": "Prescott",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR AVX2 FMA3 AVX512F AVX512_SKX",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX512F,-FMA,-FMA4",
}
FIXED_S = {"torch_eager": 1e-4, "jax_scan": 5e-6, "native_floor": 1e-6}
BATCH_SIZES = (1, 1000, 30_000)

REPORT_ON_ONE_CPU = """
import os, sys
from benchmarks.__main__ import main
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
sys.exit(main(sys.argv[1:]))
"""


def sweep(seed: int) -> Iterator[Row]:
    """Make timed rows over batch sizes, with all the digits that a clock gives."""
    generator = np.random.default_rng(seed)
    for name, fixed_s in FIXED_S.items():
        for batch_size in BATCH_SIZES:
            typical_s = 5 * (fixed_s + 3e-9 * batch_size)
            minima_s = (typical_s * generator.lognormal(sigma=0.05, size=6)).round(10)
            yield timed(name, minima_s.tolist(), problem=Problem(batch_size=batch_size))


def report(runs: Path, folder: Path, environment: dict[str, str], *program: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, *program, "report", str(runs), "--output", str(folder)]
    return subprocess.Popen(command, cwd=CODE, env=os.environ | environment, stdout=subprocess.DEVNULL)  # noqa: S603 - our own code, without a shell


def test_a_report_has_the_same_bytes_in_another_time_zone_locale_window_and_on_another_processor(
    tmp_path: Path,
) -> None:
    runs, here, there = (tmp_path / name for name in ("runs", "here", "there"))
    runs.mkdir()
    for day in range(3):  # enough for a trend
        write(run_of_day(day, *sweep(day)), runs / f"{day}.json")

    reports = [
        report(runs, here, HERE, "-m", "benchmarks"),
        report(runs, there, THERE, "-c", REPORT_ON_ONE_CPU),
    ]
    assert [each.wait() for each in reports] == [0, 0]

    files = {path.relative_to(here) for path in here.rglob("*") if path.is_file()}
    assert files == {path.relative_to(there) for path in there.rglob("*") if path.is_file()}
    kinds = ("throughput", "decision-map", "cost-split", "trend")
    assert all(any(path.name.startswith(kind) for path in files) for kind in kinds)
    assert [path for path in sorted(files) if (here / path).read_bytes() != (there / path).read_bytes()] == []
