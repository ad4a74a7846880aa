"""What the harness tells a worker, and what the worker answers: values that travel as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeAlias, get_args

from benchmarks.decode import AnyFloat, decode
from benchmarks.worker.samples import Summary
from impls.contract import Device, Precision, Problem

if TYPE_CHECKING:
    from impls.contract import Device


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """In which Python a worker runs, and under which variables; these overrule the harness's own."""

    python: str = sys.executable
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Job:
    """One implementation, in one process, on one device, over several problems in this order.

    The problems are of one precision. Without any, the worker only says on which of the devices the
    implementation can run.
    """

    path: str  # the implementation's file
    framework: str
    devices: tuple[Device, ...]  # exactly one where there are problems
    problems: tuple[Problem, ...] = ()
    cpus: tuple[int, ...] = ()  # keep to these; none: wherever the system likes
    sample_s: float = 0.4  # time this much per problem; 0: run and verify once, inspect, and time nothing
    worker_timeout_s: float = 120.0  # for each problem
    caches: str | None = None  # the compilers' folder; None: wherever they like
    counter: str | None = None  # count by this library, too; see benchmarks.ab.instructions
    runtime: Runtime = field(default_factory=Runtime)

    @property
    def precision(self) -> Precision:
        """Give the problems' precision; float32 where there are none.

        A framework is told of it once, for the whole process.

        Raises:
            ValueError: they are of several.

        """
        precisions: set[Precision] = {problem.precision for problem in self.problems} or {"float32"}
        (precision,) = precisions
        return precision

    def to_json(self) -> str:
        """Write it as one JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is not a job.

        """
        return decode(cls, json.loads(text))


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """The worker's first word: the implementation is loaded; why it can't run on a device, or None."""

    unavailable: dict[Device, str | None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a training computed, as plain lists."""

    losses: list[AnyFloat]  # (n_steps,)
    weight: list[AnyFloat]  # (n_features,)
    bias: list[AnyFloat]  # (1,)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What one process took over one problem, in seconds."""

    summary: Summary  # of the warm epochs
    export_s: float  # the median export right after an epoch
    paused_export_s: float  # the median export after a pause: a shorter one betrays a leak
    cpu_per_wall: float  # CPU time of all threads over wall time, in the epochs
    n_compilations: int | None  # in the timed trainings; None: not to be seen
    children_cpu_s: float  # of programs that ended meanwhile: compilers, say
    gpu: GpuReading | None  # None: on a CPU, or not to be read
    n_instructions: float | None = None  # of an epoch; None: not counted. The times are those while counting


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What a process saw that looked at one problem instead of timing it. None: not to be seen."""

    n_graph_breaks: int | None
    gpu_memory: dict[str, str] | None  # how the framework's settings have it taken; None: nothing to tell
    lowered_precision: list[str]  # settings that allow less than float32 in a matrix product
    forward_error: AnyFloat | None  # of the product x·w in the loop itself; see benchmarks.worker.precision
    backward_error: AnyFloat | None  # of the product xᵀ·d
    n_readbacks: int | None  # in one epoch
    uploaded_bytes: int | None  # in one epoch
    n_graph_launches: int | None  # of CUDA graphs, in one epoch
    n_kernel_launches: int | None  # outside of them
    n_host_arrays: int  # among the placed batches
    in_place: bool  # the state that run_epoch gives is the one it was given
    peak_host_bytes: int | None  # above what the process held once the implementation was loaded
    peak_device_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One problem's result in one process.

    Every training lies, value by value, between `lowest` and `highest` (NaN shows in both): where both agree
    with the reference, each training did.
    """

    data_digest: str
    dtypes: list[str]  # floating-point types: of what was exported, the state and the batches
    other_frameworks: list[str]  # that the process had loaded
    n_cpus_allowed: int | None  # that some thread may run on; None: not pinned
    first_call_s: float  # the first epoch of this problem: trace, compile, run
    lowest: Outcome
    highest: Outcome
    timing: Timing | None  # None: not timed
    inspection: Inspection | None  # None: timed instead


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One problem that raised; the process goes on with the next."""

    reason: str
    details: str  # the traceback


Message: TypeAlias = Readiness | Measurement | Failure


def message_to_json(message: Message) -> str:
    """Write a message as one line of JSON; NaN and infinities as Python's json reads them back."""
    return json.dumps({"type": type(message).__name__, **asdict(message)})


def message_from_json(line: str) -> Message:
    """Read what `message_to_json` wrote.

    Raises:
        ValueError: it is no such line.

    """
    fields: dict[str, Any] = json.loads(line)
    kinds: dict[str, type[Message]] = {kind.__name__: kind for kind in get_args(Message)}
    if (name := fields["type"]) not in kinds:
        message = f"expected a worker's message, found type {name!r}"
        raise ValueError(message)
    return decode(kinds[name], fields)


@dataclass(frozen=True, kw_only=True)
class GpuReading:
    """The GPU at the end of the timed trainings, and what each of their epochs has used."""

    sm_clock_mhz: int
    memory_clock_mhz: int
    throttled_by: list[str]
    epoch_energy_j: float | None  # of the whole GPU, all between the epochs included; None: not metered
