"""The record of one case: its problem, the checks and the times."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from statistics import median
from typing import Annotated, Any, Literal, NamedTuple

from benchmarks.cases.problems import case_name, group_name, placed_on
from benchmarks.cases.tolerances import AMBIGUITY, tolerances
from benchmarks.decode import Within
from benchmarks.records.process import Costs, Count, ProcessResult
from benchmarks.records.schema import require, require_once
from impls.contract import Device, Problem

LARGEST = 1e300  # from there on, sums overflow
Loss = Annotated[float, Within(-LARGEST, LARGEST)]
Deviation = Annotated[float, Within(0, LARGEST)]

KEY = "perceptron_bench"
SCHEMA_VERSION = 3


class LossPoint(NamedTuple):
    """The loss after one step, and the largest deviation since the point before. None: not finite."""

    step: Annotated[int, Within(1, 2**53)]
    loss: Loss | None
    reference_loss: Loss
    max_deviation: Deviation | None  # the largest |loss - reference| since the last point


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far an implementation is from the reference, and the first fault, if there is one."""

    reference: Literal["float64", "float32"]  # its precision
    n_steps: Count
    max_loss_deviation: Deviation | None = None  # None: not comparable
    max_parameter_deviation: Deviation | None = None
    fault: str | None
    curve: tuple[LossPoint, ...] = ()  # empty: not comparable, or not recorded

    def __post_init__(self) -> None:
        """Refuse a curve whose steps do not ascend to the last one at most."""
        steps = [point.step for point in self.curve]
        require(steps == sorted({*steps}), "curve", "ascending steps", steps)
        last = max(steps, default=0)
        require(last <= self.n_steps, "curve", f"steps up to {self.n_steps}", last)

    @property
    def badness(self) -> tuple[bool, float]:
        """Return a sort key: agreements with a fault come last, the others by the loss's deviation."""
        return self.fault is not None, self.max_loss_deviation or 0.0


@dataclass(frozen=True, kw_only=True)
class Check:
    """One fairness check."""

    name: str
    expected: str
    found: str
    holds: bool | None  # None: not checked, or for the reader's information

    @property
    def fault(self) -> str:
        """Describe the fault of a check that does not hold."""
        return f"{self.name}: expected {self.expected}, found {self.found}"


class Verdict(StrEnum):
    """Whether a row may show a time, and if not, why not."""

    VERIFIED = "verified"
    INVALID = "INVALID"  # computed something else, or was timed unfairly
    FAILED = "FAILED"  # crashed, hung or raised
    NOT_MEASURED = "not measured"  # can't run here


@dataclass(frozen=True, kw_only=True)
class Row:
    """One implementation on one device, problem, ranks and cores: is it right, and if so, how fast."""

    implementation: str
    framework: str
    tier: str
    summary: str
    gradient: str | None = None  # who derives it, as its file declared; None: not recorded
    more_lines: Annotated[int, Within(-1e6, 1e6)] | None = (
        None  # of code than the textbook's loop; None: likewise
    )
    private_names: tuple[str, ...] | None = None  # that it declared to rest on; None: likewise
    device: Device
    problem: Problem
    n_cores: Annotated[int, Within(1, 1e6)]  # that each of its processes was kept to
    n_ranks: Annotated[int, Within(1, 1e6)] = 1  # processes that trained together in each round
    code_digest: str | None = None  # of the code that decides its times; None: not recorded
    data_digest: str | None  # None: no process reported it
    verdict: Verdict
    reason: str | None = None  # why it is not verified
    agreement: Agreement | None  # of the process that was furthest from the reference
    costs: Costs | None
    manifest: tuple[Check, ...]  # the fairness checks of its processes
    processes: tuple[ProcessResult, ...]

    def __post_init__(self) -> None:
        """Refuse two processes of one round, and a verdict that another field contradicts."""
        require_once("round", (process.round for process in self.processes))
        if self.verdict is Verdict.VERIFIED:
            self._require_verified()
            return
        require(bool(self.reason), "reason", f"why it is {self.verdict}", self.reason)
        has_times = self.verdict is Verdict.INVALID and self.processes
        require(not has_times, "processes", "none of an INVALID row", len(self.processes))

    def _require_verified(self) -> None:
        """Refuse a verified row that is at fault, or further from the reference than is allowed."""
        found = self.agreement
        require(self.reason is None, "reason", "none of a verified row", self.reason)
        require(self.data_digest is not None, "data_digest", "one of a verified row", None)
        faults = [check.fault for check in self.manifest if check.holds is False]
        require(not faults, "manifest", "no fault of a verified row", faults)
        if found is None:
            message = "agreement: expected one of a verified row, found none"
            raise ValueError(message)
        require(found.fault is None, "agreement.fault", "none of a verified row", found.fault)
        most_steps = self.problem.n_batches * self.problem.n_epochs
        require(1 <= found.n_steps <= most_steps, "agreement.n_steps", f"1 to {most_steps}", found.n_steps)
        loss, parameter = tolerances(self.problem)
        limits = {"max_parameter_deviation": parameter}
        if found.reference == "float64":  # how far two correct programs are apart otherwise is not recorded
            limits["max_loss_deviation"] = loss + AMBIGUITY
        for name, limit in limits.items():
            deviation = getattr(found, name)
            is_within = deviation is not None and deviation <= limit
            require(is_within, f"agreement.{name}", f"at most {limit:g} of a verified row", deviation)

    @cached_property
    def group(self) -> str:
        """Name the rows that it may be compared with."""
        return group_name(self.problem, self.device, self.n_cores, self.n_ranks)

    @cached_property
    def case(self) -> str:
        """Name the row as pytest names its benchmark."""
        return case_name(self.implementation, self.device, self.problem, self.n_cores, self.n_ranks)

    @property
    def place(self) -> str:
        """Name the device, the ranks and the cores: "cpu", "cpu, 2 cores", "cpu, 2 ranks"."""
        return placed_on(self.device, self.n_cores, self.n_ranks)

    @property
    def n_cores_in_all(self) -> int:
        """Return the cores of all ranks."""
        return self.n_cores * self.n_ranks

    @property
    def curve(self) -> tuple[LossPoint, ...]:
        """Return the losses of the process that was furthest from the reference; empty: not known."""
        return self.agreement.curve if self.agreement else ()

    @cached_property
    def is_timed(self) -> bool:
        """Return whether it has times that may be shown."""
        return self.verdict is Verdict.VERIFIED and bool(self.processes)

    @cached_property
    def typical_s(self) -> float:
        """Return the median over the rounds of each process's median epoch; the row must be timed."""
        return median(process.median_s for process in self.processes)

    @property
    def million_samples_j(self) -> float | None:
        """Return the energy of a million samples at the typical time, in J; None: no process was metered."""
        powers_w = [process.power_w for process in self.processes if process.power_w is not None]
        epochs = 1e6 / self.problem.samples_per_epoch
        return median(powers_w) * self.typical_s * epochs if powers_w else None

    @property
    def peak_bytes(self) -> int | None:
        """Return the peak memory on the row's device, in bytes; None if it was not measured."""
        if self.costs is None:
            return None
        size_bytes = self.costs.peak_host_bytes if self.device == "cpu" else self.costs.peak_device_bytes
        return None if size_bytes is None else max(size_bytes, 0)  # the process may have returned some memory

    @property
    def best_s(self) -> float:
        """Return the fastest epoch of all; the row must be timed."""
        return min(process.min_s for process in self.processes)

    @property
    def conserved(self) -> float | None:
        """Return the median over the rounds of the fastest epoch over its cost; None: not recorded."""
        shares = [process.min_s / process.marginal_s for process in self.processes if process.marginal_s]
        return median(shares) if shares else None

    @property
    def n_instructions(self) -> float | None:
        """Return the fewest instructions of an epoch; None: not counted."""
        counts = [process.n_instructions for process in self.processes]
        return min((count for count in counts if count is not None), default=None)

    @cached_property
    def first_call_s(self) -> float | None:
        """Return the median over the rounds of the first call, with warm caches; None: no round had them."""
        known_s = [process.first_call_s for process in self.processes if process.first_call_s is not None]
        return median(known_s) if known_s else None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's types, without NaN, and with the name of its case."""
        return {"case": self.case} | asdict(self)
