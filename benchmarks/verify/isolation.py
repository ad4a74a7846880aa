"""Checks that all that was timed is one process, on its own CPUs, by the system's clocks."""

from collections.abc import Iterator

from benchmarks.records.row import Check
from benchmarks.worker.messages import Measurement


def of_isolation(measurement: Measurement, *, n_cores: int, wall_s: float | None) -> Iterator[Check]:
    """Check the CPUs, the clocks and the processes; the process lived for `wall_s`, if known."""
    n_cpus, others = measurement.n_cpus_allowed, measurement.other_cpus
    beyond = f", of which {', '.join(map(str, others))} not allotted" if others else ""
    yield Check(
        name="CPUs that its threads may run on",
        expected=f"{n_cores}",
        found=f"{'not observable' if n_cpus is None else n_cpus}{beyond}",
        holds=None if n_cpus is None else n_cpus <= n_cores and not others,
    )
    replaced = measurement.replaced_clocks
    yield Check(
        name="clocks",
        expected="Python's own",
        found=f"replaced: {', '.join(replaced)}" if replaced else "Python's own",
        holds=not replaced,
    )
    timing = measurement.timing
    if timing is None:
        return
    n = timing.n_processes
    yield Check(
        name="processes at the end of each training",
        expected="one process",
        found="not observable" if n is None else f"{n}",
        holds=None if n is None else n == 1,
    )
    if wall_s is not None:
        yield Check(
            name="time sampled, by the harness's clock",
            expected=f"at most the {wall_s:.1f} s that the process lived",
            found=f"{timing.sampled_s:.1f} s",
            holds=timing.sampled_s <= wall_s,
        )
