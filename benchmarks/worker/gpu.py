"""Reads an NVIDIA GPU's clocks, throttling and energy while a worker times (by nvidia-ml-py)."""

import os
from contextlib import suppress
from typing import Any

from benchmarks.worker.messages import GpuReading
from impls.contract import Device

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
        """Start to meter the energy."""
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
        self._start_mj = self._energy_mj()

    def _energy_mj(self) -> int | None:
        """Return the energy used since the driver was loaded, in mJ; None if it is not metered."""
        with suppress(Exception):
            return int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self.handle))
        return None

    def read(self, *, n_epochs: int) -> GpuReading | None:
        """Read clocks, throttling and the energy of the epochs since the start; None if that fails."""
        end_mj = self._energy_mj()
        used_mj = None if self._start_mj is None or end_mj is None else end_mj - self._start_mj
        with suppress(Exception):  # no GPU, or a virtual or consumer GPU that does not report them
            nvml, handle = self._nvml, self.handle
            reasons = int(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))
            return GpuReading(
                sm_clock_mhz=int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)),
                memory_clock_mhz=int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM)),
                throttled_by=[name for name, bit in THROTTLING.items() if reasons & bit],
                epoch_energy_j=None if used_mj is None else used_mj / 1000 / n_epochs,
            )
        return None
