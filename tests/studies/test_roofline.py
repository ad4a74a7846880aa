"""The roofline's verdict: the median of paired ratios, over all bytes that an epoch reads."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rich.console import Console

from benchmarks.errors import UsageError
from benchmarks.report.tables.markdown import plain_in_markdown
from benchmarks.runner.system import choose_cpus, collect_provenance
from benchmarks.studies import roofline
from benchmarks.studies.findings import Findings
from benchmarks.studies.roofline import (
    Pair,
    main,
    measure,
    report,
)
from benchmarks.worker.start import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _pairs(*ratios: float) -> list[Pair]:
    return [Pair(read_s=i * 1e-3, epoch_s=i * ratio * 1e-3) for i, ratio in enumerate(ratios, start=1)]


@pytest.mark.parametrize(("ratios", "status"), [((1.2, 1.29, 9.0), 0), ((1.0, 1.31, 1.31), 1)])
def test_the_median_ratio_decides_whatever_the_outliers(ratios: tuple[float, ...], status: int) -> None:
    found = Findings(Console(quiet=True))

    assert report(_pairs(*ratios), found, x_bytes=100, epoch_bytes=100) == status


def test_the_bytes_that_no_reader_read_count_at_the_same_bandwidth() -> None:
    console = Console(width=120)
    with console.capture() as capture:
        status = report(
            [Pair(read_s=1e-3, epoch_s=1.5e-3)], Findings(console), x_bytes=8_000_000, epoch_bytes=12_000_000
        )

    assert status == 0
    assert "8.0 GB/s" in capture.get()
    assert "1.000" in capture.get()


def test_readers_and_epochs_alternate_and_the_first_pair_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def timeit(function: Callable[[], object], *, number: int) -> float:
        function()
        return float(number)

    monkeypatch.setattr(roofline, "timeit", timeit)
    implementation = SimpleNamespace(run_epoch=lambda *_: order.append("epoch"))
    workload: Any = SimpleNamespace(implementation=implementation, start=lambda: None, batches=lambda _: None)

    pairs = measure(workload, [lambda: order.append("a"), lambda: order.append("b")], n_pairs=2)

    assert order == ["a", "epoch", "b", "epoch"] * 3
    assert pairs == [Pair(read_s=1, epoch_s=1)] * 2


def test_each_reader_sums_what_it_is_given() -> None:
    floor: Any = load(roofline.FLOOR_FILE)
    if reason := floor.unavailable("cpu"):
        pytest.skip(reason)
    library = floor.compiled(roofline.READERS_SOURCE)
    x = np.arange(1000, dtype=np.float32)

    for name in roofline.READERS:
        reader = getattr(library, name)
        reader.restype = ctypes.c_float
        assert reader(x.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(x.size)) == x.sum()


def test_what_was_found_is_kept_as_a_page_that_says_where_and_with_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roofline, "pin", lambda _: None)
    floor = load(roofline.FLOOR_FILE)
    if reason := floor.unavailable("cpu"):
        pytest.skip(reason)
    page = tmp_path / "new" / "roofline.md"

    status = main(["--pairs=3", "--problem=book", f"--output={page}"])

    title, about, table, measured = page.read_text(encoding="utf-8").rstrip().split("\n\n")
    assert title == "# Is the native floor a floor?"
    assert "`native_floor` on book-B1000-D2-N5-E12, compared with" in about
    assert "of 3 pairs" in about
    headings, _, figures = table.splitlines()
    assert headings.startswith("| bytes")
    assert f"| {'beyond' if status else 'within'} 1.3 times |" in figures
    at = collect_provenance(choose_cpus(1))
    assert f"- {plain_in_markdown(at.host.machine)}: {plain_in_markdown(at.host.cpu)} (" in measured
    assert f"numpy {np.__version__}" in measured
    assert f" · commit {at.commit}\n- {at.date[:10]}" in measured


def test_a_page_that_can_not_be_written_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    findings = Findings(Console(quiet=True))

    with pytest.raises(UsageError, match="name another file with -o"):
        findings.write(tmp_path / "file" / "page.md", "# Title", ())


def test_a_page_is_replaced_as_a_whole(tmp_path: Path) -> None:
    page, same_file = tmp_path / "page.md", tmp_path / "before.md"
    page.write_text("before")
    same_file.hardlink_to(page)

    Findings(Console(quiet=True)).write(page, "# After", ())

    assert page.read_text(encoding="utf-8").startswith("# After\n")
    assert same_file.read_text() == "before"
