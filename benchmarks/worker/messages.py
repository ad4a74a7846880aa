"""What the harness sends to a worker, and what the worker answers: values that travel as JSON."""

import json
import math
import sys
from dataclasses import asdict, dataclass, field
from typing import Any, Self, TypeAlias, get_args

from benchmarks.decode import AnyFloat, decode
from benchmarks.hosts import Equipment
from benchmarks.worker.samples import Summary
from impls.contract import Device, Precision, Problem


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The Python that a worker runs in, and its variables, which override the harness's own."""

    python: str = sys.executable
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Job:
    """One implementation, in one process, on one device, over several problems in this order.

    The problems have one precision. Without problems, the worker only reports on which of the devices the
    implementation can run.
    """

    path: str  # the implementation's file
    framework: str
    devices: tuple[Device, ...]  # exactly one if there are problems
    problems: tuple[Problem, ...] = ()
    others: tuple[str, ...] = ()  # without problems: more files of the framework to ask in this process
    n_ranks: int = 1  # processes that train together, each with the same job
    cpus: tuple[int, ...] = ()  # keep to these, each rank to its share in order; none: the system chooses
    prepare_on: tuple[int, ...] = ()  # instead of these, until it is timed; see benchmarks.worker.turns
    gate: str | None = None  # the start of the paths of locks by which workers take turns; None: it is alone
    is_first: bool = False  # of those that take turns
    wakes: bool = True  # the framework, before the first problem: else its first call pays for that
    sample_s: float = 0.4  # time this much per problem; 0: run and verify once, inspect, time nothing
    inspects: bool = False  # also after timing
    worker_timeout_s: float = 120.0  # for each problem
    unseen_seed: int = 0  # of the values that are drawn for this process
    n_unseen: int = 1  # combinations of sizes to inspect each variant on; see benchmarks.cases.unseen
    caches: str | None = None  # the compilers' folder; None: their own default
    counter: str | None = None  # the library to count by, too; see benchmarks.ab.instructions
    runtime: Runtime = field(default_factory=Runtime)

    @property
    def precision(self) -> Precision:
        """The problems' precision, set once for the whole process; float32 if there are none.

        Raises:
            ValueError: there are several.
        """
        precisions: set[Precision] = {problem.precision for problem in self.problems} or {"float32"}
        (precision,) = precisions
        return precision

    def to_json(self) -> str:
        """Return it as one JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the output of `to_json`.

        Raises:
            ValueError: it is not a job.
        """
        return decode(cls, json.loads(text))


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """The worker's first message: the implementation is loaded; why it can't run on a device, or None."""

    unavailable: dict[Device, str | None]
    host: Equipment | None = None  # that a rank runs on; None: the process is the only rank


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The worker waits for its turn, to be timed or to work on, or it has come."""

    came: bool


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The values that a training computed, as plain lists."""

    losses: list[AnyFloat]  # (n_steps,)
    weight: list[AnyFloat]  # (n_features,)
    bias: list[AnyFloat]  # (1,)


@dataclass(frozen=True, kw_only=True)
class GpuReading:
    """The GPU at the end of the timed trainings."""

    sm_clock_mhz: int
    memory_clock_mhz: int
    throttled_by: list[str]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A whole training on unseen data, its costs in seconds, and the values at its end."""

    seed: int  # of its parameters
    n_epochs: int
    cpu_s: float  # of all threads, from the call of `prepare` to NumPy arrays in hand
    wall_s: float  # over the same time
    waited_s: float  # of all threads that could run but had no core
    export_s: float  # CPU time, part of cpu_s
    end: Outcome  # the losses are those of the last epoch


@dataclass(frozen=True, kw_only=True)
class Conservation:
    """The costs of whole trainings on unseen data, in seconds; see benchmarks.worker.trials."""

    data_seed: int
    trials: tuple[Trial, ...]  # those that set the marginal costs: the cheapest of each length
    marginal_cpu_s: float  # an epoch more, in CPU time divided by the number of cores
    marginal_wall_s: float
    fixed_s: float  # of a training of no epoch, without `place`
    place_s: float  # CPU time for the trials' data
    export_s: float  # CPU time
    copy_s: float  # CPU time in which NumPy copies and transposes the trials' data
    is_fresh: bool | None  # whether the placed data changed before each trial; None: can't be
    n_ranks: int = 1  # that trained together
    others_share: float | None = None  # of the trials' time: others had the core; None: not observable
    quiet_s: float = math.inf  # the mean epoch of a fast timed training; see trials.quiet_s
    net_s: float | None = None  # the mean epoch of all timed trainings, without the wait for a core
    calls_cpu_s: tuple[float, ...] = ()  # per core: `prepare`, each epoch, `export`; if a time is too short


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One process's times for one problem, in seconds."""

    summary: Summary  # of the warm epochs
    conservation: Conservation
    cpu_per_wall: float  # CPU time of all threads over wall time, in the epochs
    n_compilations: int | None  # since the first training; None: not observable
    children_cpu_s: float  # of programs that ended meanwhile, for example compilers
    n_processes: int | None  # it and its descendants, at most, and one for any let go; None: not observable
    sampled_s: float  # all epochs of the timed trainings
    gpu: GpuReading | None  # None: on a CPU, or not readable
    n_instructions: float | None = None  # of an epoch, counted while timing; None: not counted
    power_w: float | None = None  # the mean of the whole device while trainings were timed; None: not metered


@dataclass(frozen=True, kw_only=True)
class UnseenOutcomes:
    """The values computed on the problems that follow from a seed; see benchmarks.cases.unseen."""

    seed: int
    n_asked: int  # combinations of sizes, or kinds of values at the case's own size
    n_ranks: int = 1  # that divide the sizes
    outcomes: list[Outcome]  # of each problem, as far as none raised an error
    error: str | None


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """The observations of a process that inspected a problem. None: not observable."""

    n_graph_breaks: int | None
    gpu_memory: dict[str, str] | None  # the framework's settings for it; None: it has none
    lowered_precision: list[str]  # settings that allow less than float32 in a matrix product
    forward_error: (
        AnyFloat | None
    )  # of the product x·w in the loop itself; see benchmarks.worker.inspection.precision
    backward_error: AnyFloat | None  # of the product xᵀ·d
    loss_error: AnyFloat | None  # where nothing is rounded
    ordinary_error: AnyFloat | None  # of a loss of ordinary logits and labels
    step_error: AnyFloat | None  # where nothing is rounded and the gradient is far below Adam's ε
    n_operations: int | None  # kinds of operation that Python starts in one epoch
    n_graphs: int | None  # compiled as a whole in this process; None: or each operation is
    framework_computes: bool | None  # the losses; None: also of a loop that is compiled
    n_readbacks: int | None  # in one epoch
    reads_in_time: bool | None  # each loss before the next step begins
    losses_computed: bool | None  # when the epoch ends: `export` needs nothing but the losses
    uploaded_bytes: int | None  # in one epoch
    n_graph_launches: int | None  # of CUDA graphs, in one epoch
    n_kernel_launches: int | None  # outside of them
    n_cache_files: int | None  # that the compilers left in the run's folder; None: they keep none there
    n_host_arrays: int  # among the placed batches
    placed_bytes: int | None  # that `place` leaves on the device, of one epoch
    in_place: bool  # run_epoch returns the same state that it received
    peak_host_bytes: int | None  # above the memory in use after the implementation was loaded
    peak_device_bytes: int | None
    unseen: UnseenOutcomes | None = None  # None: inspected on another case of this variant


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One problem's result in one process."""

    data_digest: str
    dtypes: list[str]  # floating-point types of the export, the state and the batches
    other_frameworks: list[str]  # that the process had loaded
    n_cpus_allowed: int | None  # the number of CPUs that some thread may run on; None: not pinned
    other_cpus: list[int]  # the ones that were not allotted to it
    replaced_clocks: list[str]  # functions of Python's `time`
    first_call_s: float  # `place`, `prepare` and the first epoch of this problem: trace, compile, run
    lowest: Outcome  # of every training, each value; NaN shows in both
    highest: Outcome  # where both agree with the reference, each training did
    own_size: UnseenOutcomes | None = None  # on unseen values of the case's own size; None: not asked
    n_missing: int | None = None  # values of the features that are not among the placed ones; None: unknown
    n_foreign: int | None = None  # placed values that are neither the features' nor 0 or 1
    timing: Timing | None  # None: not timed
    inspection: Inspection | None  # None: not inspected


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One problem that raised; the process continues with the next."""

    reason: str
    details: str  # the traceback
    is_invalid: bool = False  # it breaks the contract


Message: TypeAlias = Readiness | Turn | Measurement | Failure


def message_to_json(message: Message) -> str:
    """Return a message as one line of JSON; NaN and infinities as Python's json reads them."""
    return json.dumps({"type": type(message).__name__, **asdict(message)})


def message_from_json(line: str) -> Message:
    """Read the output of `message_to_json`.

    Raises:
        ValueError: it is not a worker's message.
    """
    fields: dict[str, Any] = json.loads(line)
    kinds: dict[str, type[Message]] = {kind.__name__: kind for kind in get_args(Message)}
    if (name := fields["type"]) not in kinds:
        message = f"expected a worker's message, found type {name!r}"
        raise ValueError(message)
    return decode(kinds[name], fields)
