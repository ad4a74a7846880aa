"""The mean power while a worker times, against stand-ins for the meters: this machine may have none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.worker.inspection import gpu
from benchmarks.worker.inspection.gpu import PowerMeter, RaplMeter

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the clock show this time."""
    now_s = [100.0]
    monkeypatch.setattr(gpu, "perf_counter", lambda: now_s[0])
    return now_s


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Make two packages, and a part of the first, as Linux shows them."""
    monkeypatch.setattr(gpu, "POWERCAP", tmp_path)
    for folder, name in (("0", "package-0"), ("0:0", "core"), ("1", "package-1")):
        meter = tmp_path / f"intel-rapl:{folder}"
        meter.mkdir()
        (meter / "name").write_text(f"{name}\n", encoding="ascii")
        (meter / "max_energy_range_uj").write_text("9999999\n", encoding="ascii")
        (meter / "energy_uj").write_text("9000000\n", encoding="ascii")
    return tmp_path


def _gpu(*energies_j: float | None) -> Any:
    values = iter(energies_j)
    return SimpleNamespace(energy_j=lambda: next(values))


def test_a_gpus_energy_is_divided_by_the_time_in_which_it_was_used(clock: list[float]) -> None:
    meter = PowerMeter("cuda", _gpu(1000.0, 1300.0))
    clock[0] += 2

    assert meter.mean_w() == 150


def test_a_gpu_without_a_meter_has_no_power(clock: list[float]) -> None:
    meter = PowerMeter("cuda", _gpu(None, None))
    clock[0] += 2

    assert meter.mean_w() is None


def test_the_packages_of_a_cpu_are_added_up_and_may_begin_anew(clock: list[float], packages: Path) -> None:
    meter = PowerMeter("cpu", _gpu())
    clock[0] += 2
    (packages / "intel-rapl:0" / "energy_uj").write_text("9500000\n", encoding="ascii")
    (packages / "intel-rapl:1" / "energy_uj").write_text("1000000\n", encoding="ascii")  # 10 J is the end

    assert meter.mean_w() == pytest.approx((0.5 + 2) / 2)


def test_of_a_hosts_ranks_one_meters_its_processors(clock: list[float], packages: Path) -> None:
    meters = [PowerMeter("cpu", _gpu(), rank) for rank in range(2)]
    clock[0] += 2
    (packages / "intel-rapl:0" / "energy_uj").write_text("9500000\n", encoding="ascii")

    assert [meter.mean_w() for meter in meters] == [0.25, 0]


def test_without_rapl_or_the_right_to_read_it_a_cpu_has_no_power(packages: Path) -> None:
    (packages / "intel-rapl:1" / "energy_uj").unlink()

    assert RaplMeter().energy_j() is None
