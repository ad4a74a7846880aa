"""Reads a GPU's clocks, throttling and energy (by nvidia-ml-py), and the mean power of a GPU or of CPUs."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.worker.messages import GpuReading
from impls.contract import Device

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows the energy meters of Intel's and AMD's processors; often for root only."""

THROTTLING = {
    "SwPowerCap": 0x04,
    "HwSlowdown": 0x08,
    "SwThermalSlowdown": 0x20,
    "HwThermalSlowdown": 0x40,
    "HwPowerBrakeSlowdown": 0x80,
}
"""Reasons, numbered as in nvml.h, for a clock lower than the workload needs."""


class GpuMeter:
    """Reads CUDA's first GPU; without a GPU or nvidia-ml-py it reads nothing."""

    def __init__(self, device: Device) -> None:
        """Find the GPU."""
        self.handle: Any = None
        if device == "cuda":
            with suppress(Exception):  # without a reading the case is measured all the same
                import pynvml  # noqa: PLC0415 - an optional package, for GPUs only

                pynvml.nvmlInit()
                self._nvml = pynvml
                visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
                self.handle = (
                    pynvml.nvmlDeviceGetHandleByUUID(visible)
                    if visible.startswith("GPU-")
                    else pynvml.nvmlDeviceGetHandleByIndex(int(visible))
                )

    def energy_j(self) -> float | None:
        """Return the energy used since the driver was loaded, in J; None if it is not metered."""
        with suppress(Exception):
            return int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self.handle)) / 1000
        return None

    def read(self) -> GpuReading | None:
        """Read clocks and throttling; None if that fails."""
        with suppress(Exception):  # no GPU, or a virtual or consumer GPU that does not report them
            nvml, handle = self._nvml, self.handle
            reasons = int(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))
            return GpuReading(
                sm_clock_mhz=int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)),
                memory_clock_mhz=int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM)),
                throttled_by=[name for name, bit in THROTTLING.items() if reasons & bit],
            )
        return None


class PowerMeter:
    """Divides the energy used since its making by the time since then."""

    def __init__(self, device: Device, gpu: GpuMeter, local_rank: int = 0) -> None:
        """Start to meter; of the ranks of a host, only the first one meters its processors."""
        self._energy_j: Callable[[], float | None] = gpu.energy_j
        if device == "cpu":
            self._energy_j = RaplMeter().energy_j if local_rank == 0 else lambda: 0.0
        self._start_j, self._start_s = self._energy_j(), perf_counter()

    def mean_w(self) -> float | None:
        """Return the mean power since the start, of the whole device, in W; None: it is not metered."""
        end_j, window_s = self._energy_j(), perf_counter() - self._start_s
        if self._start_j is None or end_j is None:
            return None
        return (end_j - self._start_j) / window_s


class RaplMeter:
    """Adds up the energy of all processor packages; without RAPL, or not allowed to read it, it has none."""

    def __init__(self) -> None:
        """Read the counters, which begin anew at some maximum."""
        self._total_uj, self._last_uj = 0, self._read_uj()

    def energy_j(self) -> float | None:
        """Return the energy used since the first reading, in J."""
        now_uj = self._read_uj()
        if not now_uj or now_uj.keys() != self._last_uj.keys():
            return None
        with suppress(OSError, ValueError):
            for package, value_uj in now_uj.items():
                range_uj = int((package / "max_energy_range_uj").read_text(encoding="ascii")) + 1
                self._total_uj += (value_uj - self._last_uj[package]) % range_uj
            self._last_uj = now_uj
            return self._total_uj / 1e6
        return None

    def _read_uj(self) -> dict[Path, int]:
        with suppress(OSError, ValueError):
            return {
                package: int((package / "energy_uj").read_text(encoding="ascii"))
                for package in POWERCAP.glob("intel-rapl:*")
                if (package / "name").read_text(encoding="ascii").startswith("package")
            }
        return {}
