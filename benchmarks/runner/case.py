"""A case and its results so far: each process is judged as it comes in, and the sum is the row."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from benchmarks.records.process import Costs, ProcessResult
from benchmarks.records.row import Row, Verdict
from benchmarks.runner.system import unsupported_reason
from benchmarks.verify import agreement, fairness
from benchmarks.worker.messages import Failure, Runtime

if TYPE_CHECKING:
    from benchmarks.cases.implementations import ImplementationFile
    from benchmarks.records.row import Agreement, Check
    from benchmarks.worker.messages import Measurement, Timing
    from impls.contract import Device, Problem


@dataclass(frozen=True)
class Case:
    """What a row is about."""

    entry: ImplementationFile
    device: Device
    problem: Problem
    runtime: Runtime = field(default_factory=Runtime)

    @property
    def skip_reason(self) -> str | None:
        """Say why it can't be measured, where that is certain without asking a framework."""
        return unsupported_reason(self.device, self.problem.precision) or self.entry.declines(self.problem)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What ended a case's part in the contest."""

    verdict: Verdict
    reason: str
    details: str = ""  # a traceback or a log, for the person who mends it


UNREACHED = Fault(verdict=Verdict.NOT_MEASURED, reason="interrupted before its first round ended")


@dataclass
class CaseResult:
    """A case's results so far."""

    case: Case
    fault: Fault | None = None
    data_digest: str | None = None
    agreement: Agreement | None = None
    costs: Costs | None = None
    manifest: dict[str, Check] = field(default_factory=dict)  # by the item's name
    processes: list[ProcessResult] = field(default_factory=list)
    kept_s: list[float] = field(default_factory=list)  # all processes' samples, for the replay

    def rule_out(self, verdict: Verdict, reason: str, details: str = "") -> None:
        """End its part. What an invalid case took is not kept."""
        self.fault = Fault(verdict=verdict, reason=reason, details=details)
        if verdict is Verdict.INVALID:
            self.processes, self.kept_s, self.costs = [], [], None

    def judge(self, result: Measurement | Failure, *, round_: int, position: int, n_cores: int) -> None:
        """Verify one process's result, and only then take its times."""
        if isinstance(result, Failure):
            self.rule_out(Verdict.FAILED, result.reason, result.details)
            return
        entry, problem = self.case.entry, self.case.problem
        checked = agreement.check(problem, result)
        items = fairness.manifest(entry, problem, result, n_cores=n_cores)
        self.agreement = max(self.agreement or checked, checked, key=agreement.badness)
        self.data_digest = result.data_digest
        self.manifest |= {item.name: item for item in items}
        faults = [checked.fault, *(item.fault for item in items if item.holds is False)]
        if any(faults):
            self.rule_out(Verdict.INVALID, "; ".join(filter(None, faults)))
        elif result.inspection:
            self.costs = Costs(
                cold_first_call_s=result.first_call_s,
                peak_host_bytes=result.inspection.peak_host_bytes,
                peak_device_bytes=result.inspection.peak_device_bytes,
            )
        elif result.timing:
            self.kept_s.extend(result.timing.summary.kept_s)
            self.processes.append(
                process_of(result.timing, first_call_s=result.first_call_s, round_=round_, position=position)
            )

    def row(self) -> Row:
        """Give the record of it."""
        fault = self.fault or (None if self.agreement else UNREACHED)
        entry = self.case.entry
        return Row(
            implementation=entry.name,
            framework=entry.framework,
            tier=entry.tier,
            summary=entry.summary,
            gradient=entry.gradient,
            device=self.case.device,
            problem=self.case.problem,
            code_digest=entry.code_digest,
            data_digest=self.data_digest,
            verdict=fault.verdict if fault else Verdict.VERIFIED,
            reason=fault.reason if fault else None,
            agreement=self.agreement,
            costs=self.costs,
            manifest=tuple(self.manifest.values()),
            processes=tuple(self.processes),
        )


def process_of(timing: Timing, *, first_call_s: float, round_: int, position: int) -> ProcessResult:
    """Turn a worker's figures into the record's, without the samples; times in s per epoch."""
    figures = asdict(timing.summary)
    return ProcessResult(
        round=round_,
        position=position,
        n_kept=len(figures.pop("kept_s")),
        first_call_s=first_call_s,
        cpu_per_wall=timing.cpu_per_wall,
        epoch_energy_j=timing.gpu.epoch_energy_j if timing.gpu else None,
        n_instructions=timing.n_instructions,
        **figures,
    )
