"""The fairness manifest: all checks of one process. A check that does not hold makes the row INVALID."""

from collections.abc import Iterator

from benchmarks.cases.implementations import ImplementationFile
from benchmarks.records.row import Check
from benchmarks.verify import unseen
from benchmarks.verify.isolation import of_isolation
from benchmarks.verify.labels import of_labels
from benchmarks.worker.inspection.precision import FLOAT32_ERROR, SUM_ERROR, error_range
from benchmarks.worker.messages import GpuReading, Inspection, Measurement, Timing
from benchmarks.worker.start import COMPILER_S
from impls.contract import EPSILON, Problem

LAST_ROWS = "loss and step of the last rows, where nothing is rounded"
GPU_MEMORY = {"allocator": "default", "preallocation": "off", "unified memory": "off"}
"""JAX's settings must be these: preallocation would hide the peak; another allocator is another program."""

CPU_SLACK = 1.1
"""CPU time over wall time that one core may show, because of the clocks' granularity."""


def manifest(
    entry: ImplementationFile,
    problem: Problem,
    measurement: Measurement,
    *,
    n_cores: int,
    wall_s: float | None = None,
) -> list[Check]:
    """Check all observations of one process except its results, which `agreement` compares."""
    checks = [*_of_any_process(measurement, problem, entry)]
    checks += of_isolation(measurement, n_cores=n_cores, wall_s=wall_s)
    if measurement.inspection is not None:
        checks += _of_inspection(measurement.inspection, problem, entry)
        checks += of_labels(measurement.inspection, entry)
    if measurement.timing is not None:
        checks += _of_timing(measurement.timing, n_cores)
    return checks


def _of_any_process(measurement: Measurement, problem: Problem, entry: ImplementationFile) -> Iterator[Check]:
    yield Check(
        name="floating-point types of parameters, optimizer state, batches and losses",
        expected="float32",
        found=" and ".join(measurement.dtypes) or "none",
        holds=measurement.dtypes == ["float32"],
    )
    if measurement.own_size is not None:
        yield unseen.check_own_size(problem, measurement.own_size)
    yield _values(measurement)
    yield Check(
        name="other frameworks in the process",
        expected=f"none but {entry.framework}",
        found=", ".join(measurement.other_frameworks) or "none",
        holds=not measurement.other_frameworks,
    )


def _values(measurement: Measurement) -> Check:
    n_missing, n_foreign = measurement.n_missing, measurement.n_foreign
    found = "not observable"
    if n_missing is not None:
        found = f"{n_missing:,} values of the features missing, {n_foreign:,} others"
    return Check(
        name="values of the placed batches",
        expected="the features', bit for bit, and 0 and 1",
        found=found,
        holds=None if n_missing is None else not n_missing and not n_foreign,
    )


def _of_timing(timing: Timing, n_cores: int) -> Iterator[Check]:
    yield _count("compilations while timed", 0, timing.n_compilations)
    yield Check(
        name="CPU time of other programs started while timed",
        expected="none",
        found=f"{timing.children_cpu_s:.2f} s",
        holds=timing.children_cpu_s < COMPILER_S,
    )
    yield Check(
        name="CPU time over wall time",
        expected=f"at most {n_cores} core{'s' * (n_cores > 1)}",
        found=f"{timing.cpu_per_wall:.2f} cores",
        holds=timing.cpu_per_wall <= n_cores * CPU_SLACK,
    )
    if timing.gpu is not None:
        yield _clocks(timing.gpu)


def _clocks(gpu: GpuReading) -> Check:
    clocks = f"streaming multiprocessors at {gpu.sm_clock_mhz} MHz, memory at {gpu.memory_clock_mhz} MHz"
    return Check(
        name="GPU clocks",
        expected="not throttled",
        found=", ".join([clocks, *gpu.throttled_by]),
        holds=not gpu.throttled_by,
    )


def _of_inspection(seen: Inspection, problem: Problem, entry: ImplementationFile) -> Iterator[Check]:
    yield _products(seen, problem)
    yield _exact(seen)
    yield _ordinary(seen, problem)
    if seen.unseen is not None:
        yield unseen.check(problem, seen.unseen)
    if seen.gpu_memory is not None:
        expected, found = (
            ", ".join(f"{name} {value}" for name, value in settings.items())
            for settings in (GPU_MEMORY, seen.gpu_memory)
        )
        holds = seen.gpu_memory == GPU_MEMORY
        yield Check(name="GPU memory settings", expected=expected, found=found, holds=holds)
    yield _count("graph breaks", 0, seen.n_graph_breaks)
    n_files = seen.n_cache_files
    own = ": it compiled into its own cache, which is never empty" if n_files == 0 else ""
    yield Check(
        name="compiled code kept in the run's cache folder",
        expected="at least 1 file",
        found=_or_unseen(n_files) + own,
        holds=None if n_files is None else n_files > 0,
    )
    yield _placed(seen, problem, entry)
    yield _uploads(seen.uploaded_bytes, problem)
    computed = {True: "so", False: "export computes them from other arrays", None: "not observable"}
    yield Check(
        name="losses when the epoch ends",
        expected="computed: export only copies them",
        found=computed[seen.losses_computed],
        holds=seen.losses_computed,
    )
    n_readbacks = problem.n_batches if problem.readback == "step" else 0
    yield _count("readbacks in an epoch", n_readbacks, seen.n_readbacks)
    if problem.readback == "step":
        late = {True: "so", False: "a later step had begun when a loss was read", None: "not observable"}
        yield Check(
            name="time of the readbacks",
            expected="each loss is read before the next step begins",
            found=late[seen.reads_in_time],
            holds=seen.reads_in_time,
        )
    if entry.cuda_graph:
        launches = seen.n_graph_launches
        # A blind profiler sees neither.
        is_seen = launches is not None and (launches or seen.n_kernel_launches)
        yield Check(
            name="launches of a captured CUDA graph in an epoch",
            expected="at least 1",
            found=_or_unseen(launches),
            holds=bool(launches) if is_seen else None,
        )
    kernels = _or_unseen(seen.n_kernel_launches)
    yield Check(name="kernels launched one by one in an epoch", expected="any", found=kernels, holds=None)
    in_place = "updated in place" if seen.in_place else "returned anew by each epoch"
    yield Check(name="state", expected="either way", found=in_place, holds=None)


def _placed(seen: Inspection, problem: Problem, entry: ImplementationFile) -> Check:
    name, n_bytes = "batches in host memory when the epoch begins", seen.placed_bytes
    if problem.feed == "host":
        return Check(
            name=name,
            expected="all: place leaves 0 bytes on the device",
            found=_or_unseen(n_bytes, ","),
            holds=None if n_bytes is None else n_bytes <= 0,
        )
    return Check(
        name=name,
        expected="none: they are on the device",
        found=f"{seen.n_host_arrays} arrays of NumPy",
        holds=None if entry.framework == "numpy" else seen.n_host_arrays == 0,
    )


def _products(seen: Inspection, problem: Problem) -> Check:
    low, high = error_range(problem.precision)
    errors = {"forward": seen.forward_error, "backward": seen.backward_error}
    # Below float32 a setting must be lowered; the products show whether it is the right one.
    lowered = seen.lowered_precision if problem.precision == "float32" else []
    found = [f"{_or_unseen(error, '.1e')} {way}" for way, error in errors.items()]
    return Check(
        name="precision of the two matrix products",
        expected=f"{problem.precision}: relative errors from {low:.2g} to {high:.2g}",
        found="; ".join([", ".join(found), *lowered]),
        holds=not lowered and all(error is not None and low <= error <= high for error in errors.values()),
    )


def _exact(seen: Inspection) -> Check:
    """Check what is right or wrong whatever the precision, where only the last rows of a batch count."""
    errors = {"of the loss": seen.loss_error, "of the step": seen.step_error}
    wrong = [name for name, error in errors.items() if error is None or not error <= FLOAT32_ERROR]
    cause = ""
    if "of the loss" in wrong:
        cause = ": rows at a batch's end are left out or weigh less than others"
    elif wrong:
        cause = f": Adam's ε is not {EPSILON:g}, or the gradient is changed before Adam takes it"
    found = ", ".join(f"{_or_unseen(error, '.1e')} {name}" for name, error in errors.items())
    return Check(
        name=LAST_ROWS,
        expected=f"relative errors up to {FLOAT32_ERROR:.2g}",
        found=found + cause,
        holds=not wrong,
    )


def _ordinary(seen: Inspection, problem: Problem) -> Check:
    error, limit = seen.ordinary_error, FLOAT32_ERROR + SUM_ERROR * problem.batch_size
    return Check(
        name="loss of ordinary logits and labels",
        expected=f"relative error up to {limit:.2g}",
        found=_or_unseen(error, ".1e"),
        holds=error is not None and error <= limit,
    )


def _uploads(uploaded_bytes: int | None, problem: Problem) -> Check:
    from_host = problem.feed == "host"
    if from_host and not uploaded_bytes:
        uploaded_bytes = None  # uploaded in a way that is not observable
    most_bytes = 4 * problem.samples_per_epoch * (problem.n_features + 1) if from_host else 0
    return Check(
        name="bytes uploaded to the device in an epoch",
        expected=f"at most {most_bytes:,}, each batch once" if from_host else "0",
        found=_or_unseen(uploaded_bytes, ","),
        holds=None if uploaded_bytes is None else uploaded_bytes <= most_bytes,
    )


def _count(name: str, expected: int, found: int | None) -> Check:
    """Check a number that must be exactly this; None: not observable."""
    holds = None if found is None else found == expected
    return Check(name=name, expected=str(expected), found=_or_unseen(found), holds=holds)


def _or_unseen(value: float | None, form: str = "") -> str:
    return "not observable" if value is None else format(value, form)
