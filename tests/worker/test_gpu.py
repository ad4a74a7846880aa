"""Reading the GPU, against a stand-in for nvidia-ml-py: this machine may have none."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from benchmarks.worker.inspection.gpu import GpuMeter


def nvml(*, reasons: int = 0, metered: bool = True) -> SimpleNamespace:
    """Make a GPU whose energy meter goes on by 600 mJ at each look."""
    energy_mj = iter(range(1000, 10_000, 600))

    def energy(_: object) -> int:
        if not metered:
            raise RuntimeError
        return next(energy_mj)

    return SimpleNamespace(
        NVML_CLOCK_SM=1,
        NVML_CLOCK_MEM=2,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda index: f"GPU {index}",
        nvmlDeviceGetHandleByUUID=str,
        nvmlDeviceGetTotalEnergyConsumption=energy,
        nvmlDeviceGetClockInfo=lambda _, kind: 1000 * kind,
        nvmlDeviceGetCurrentClocksThrottleReasons=lambda _: reasons,
    )


def test_clocks_throttling_and_energy_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml(reasons=0x01 | 0x08 | 0x40))

    meter = GpuMeter("cuda")
    reading = meter.read()

    assert reading is not None
    assert (reading.sm_clock_mhz, reading.memory_clock_mhz) == (1000, 2000)
    assert reading.throttled_by == ["HwSlowdown", "HwThermalSlowdown"]  # 0x01 is an idle GPU
    assert (meter.energy_j(), meter.energy_j()) == (1.0, 1.6)


def test_a_gpu_that_does_not_tell_its_clocks_costs_no_case(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise RuntimeError

    silent = nvml()
    silent.nvmlDeviceGetClockInfo = refuse
    monkeypatch.setitem(sys.modules, "pynvml", silent)

    assert GpuMeter("cuda").read() is None


def test_a_gpu_without_a_meter_has_no_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml(metered=False))

    assert GpuMeter("cuda").energy_j() is None


def test_the_gpu_that_cuda_sees_first_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml())

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    assert GpuMeter("cuda").handle == "GPU 3"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-abc")
    assert GpuMeter("cuda").handle == "GPU-abc"


def test_on_a_cpu_or_without_the_package_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)

    assert GpuMeter("cuda").read() is None
    assert GpuMeter("cpu").read() is None
