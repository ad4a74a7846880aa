"""Observes one more epoch of a problem, once all others have been timed."""

import gc
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from benchmarks.cases.data import draw_epochs
from benchmarks.worker import observe
from benchmarks.worker.inspection.framework import framework_computes
from benchmarks.worker.inspection.losses import losses_are_computed
from benchmarks.worker.inspection.precision import probe_errors
from benchmarks.worker.inspection.readback import reads_in_time
from benchmarks.worker.inspection.unseen import train_unseen
from benchmarks.worker.messages import Inspection, Job
from benchmarks.worker.observe import FrameworkObserver
from benchmarks.worker.training import Workload
from impls.contract import Device, State


@dataclass(frozen=True)
class Peak:
    """The peak of a process's memory, in bytes; None: not observable."""

    host_bytes: int | None  # above its memory once the implementation was loaded
    device_bytes: int | None
    start_bytes: int = 0  # of host_bytes, when the first training began

    @classmethod
    def of(
        cls, observer: FrameworkObserver, device: Device, loaded_bytes: int | None, start_bytes: int | None
    ) -> Self:
        """Read it, before timing and observing take memory, too."""
        peak_bytes, device_bytes = observe.peak_host_bytes(), observer.peak_device_bytes(device)
        if not (peak_bytes and loaded_bytes and start_bytes):
            return cls(None, device_bytes)
        return cls(peak_bytes - loaded_bytes, device_bytes, start_bytes - loaded_bytes)

    def or_later(self, growth_bytes: int) -> Self:
        """Return it if a later training took so much more than there was when it began."""
        if self.host_bytes is None:
            return self
        return replace(self, host_bytes=max(self.host_bytes, self.start_bytes + growth_bytes))


def inspect(workload: Workload, job: Job, observer: FrameworkObserver, peak: Peak) -> Inspection:
    """Observe one more epoch, then train on unseen problems."""
    in_place = False

    def epoch(state: State) -> State:
        nonlocal in_place
        after = workload.implementation.run_epoch(state, workload.batches(0))
        in_place = after is state
        return after

    traffic = observer.traffic(workload.start, epoch, workload.device)
    on_host = [a for a in observe.arrays_in(workload.placed) if isinstance(a, np.ndarray)]
    errors = probe_errors(workload)
    computed = losses_are_computed(workload, observer)
    by_framework = None if traffic.n_graph_launches else framework_computes(workload, observer)
    in_time, n_graphs = reads_in_time(workload, observer, job.unseen_seed), observer.n_graphs()
    n_operations = observer.n_operations(workload.start, epoch)  # last: compiled code is lost
    return Inspection(
        **vars(traffic),
        n_operations=n_operations,
        n_graphs=n_graphs,
        framework_computes=by_framework,
        n_graph_breaks=observer.n_graph_breaks(),
        lowered_precision=observer.lowered_precision(),
        gpu_memory=observer.gpu_memory(),
        n_cache_files=observe.n_files(job.caches) if job.caches and observer.keeps_compiled() else None,
        reads_in_time=in_time,
        losses_computed=computed,
        n_host_arrays=len(on_host),
        placed_bytes=placed_bytes(workload, observer),
        in_place=in_place,
        **{f"{name}_error": value for name, value in errors._asdict().items()},
        peak_host_bytes=peak.host_bytes,
        peak_device_bytes=peak.device_bytes,
        unseen=train_unseen(workload, job.unseen_seed, job.n_unseen),
    )


def placed_bytes(workload: Workload, observer: FrameworkObserver) -> int | None:
    """Return the memory on the device that placing an epoch takes; None: not observable."""
    problem, batches = workload.problem, next(iter(draw_epochs(workload.problem)))
    gc.collect()  # nothing else may be freed meanwhile
    before = observer.device_bytes(workload.device)
    placed = workload.implementation.place(problem, batches, workload.device)
    after = observer.device_bytes(workload.device)
    del placed
    return None if before is None or after is None else after - before
