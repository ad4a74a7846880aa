"""Reads an NVIDIA GPU's clocks, throttling and energy while a worker times (by nvidia-ml-py)."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from benchmarks.worker.messages import GpuReading

if TYPE_CHECKING:
    from impls.contract import Device

THROTTLING = {
    "SwPowerCap": 0x04,
    "HwSlowdown": 0x08,
    "SwThermalSlowdown": 0x20,
    "HwThermalSlowdown": 0x40,
    "HwPowerBrakeSlowdown": 0x80,
}
"""Reasons, numbered as in nvml.h, for a clock lower than the workload needs."""


@dataclass
class GpuMeter:
    """Reads CUDA's first GPU; without a GPU or nvidia-ml-py it reads nothing."""

    nvml: Any = None
    handle: Any = None
    start_mj: int | None = None

    @classmethod
    def of(cls, device: Device) -> Self:
        """Start to meter the energy."""
        if device != "cuda":
            return cls()
        try:
            import pynvml  # noqa: PLC0415 - an optional package, for GPUs only

            pynvml.nvmlInit()
            visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
            by_uuid = visible.startswith("GPU-")
            handle = (
                pynvml.nvmlDeviceGetHandleByUUID(visible)
                if by_uuid
                else pynvml.nvmlDeviceGetHandleByIndex(int(visible))
            )
        except Exception:  # noqa: BLE001 - without a reading the case is measured all the same
            return cls()
        meter = cls(pynvml, handle)
        meter.start_mj = meter.energy_mj()
        return meter

    def energy_mj(self) -> int | None:
        """Return the energy used since the driver was loaded, in mJ; None if it is not metered."""
        with suppress(Exception):
            return int(self.nvml.nvmlDeviceGetTotalEnergyConsumption(self.handle))
        return None

    def read(self, *, n_epochs: int) -> GpuReading | None:
        """Read clocks, throttling and the energy of the epochs since the start; None if that fails."""
        if self.handle is None:
            return None
        end_mj = self.energy_mj()
        used_mj = None if self.start_mj is None or end_mj is None else end_mj - self.start_mj
        with suppress(Exception):  # a virtual or consumer GPU may not report them
            reasons = int(self.nvml.nvmlDeviceGetCurrentClocksThrottleReasons(self.handle))
            return GpuReading(
                sm_clock_mhz=int(self.nvml.nvmlDeviceGetClockInfo(self.handle, self.nvml.NVML_CLOCK_SM)),
                memory_clock_mhz=int(self.nvml.nvmlDeviceGetClockInfo(self.handle, self.nvml.NVML_CLOCK_MEM)),
                throttled_by=[name for name, bit in THROTTLING.items() if reasons & bit],
                epoch_energy_j=None if used_mj is None else used_mj / 1000 / n_epochs,
            )
        return None
