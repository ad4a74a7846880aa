"""A case and its result: each process is verified as its answer arrives; all together are the row."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self, TypeVar, cast

from benchmarks.cases.implementations import ImplementationFile
from benchmarks.cases.problems import case_name, group_name, place_marks, placed_on
from benchmarks.decode import decode
from benchmarks.errors import shortened
from benchmarks.hosts import Equipment
from benchmarks.records.process import Costs, ProcessResult
from benchmarks.records.row import Agreement, Check, Row, Verdict
from benchmarks.runner.answers import Answer
from benchmarks.runner.system import unsupported_reason
from benchmarks.verify import agreement, conservation, fairness, ranks
from benchmarks.verify.conservation import Judgement
from benchmarks.worker.messages import Failure, Measurement, Runtime, Timing
from impls.contract import Device, Precision, Problem

T = TypeVar("T")


@dataclass(frozen=True)
class Case:
    """The implementation, device, problem, ranks and cores that one row measures."""

    entry: ImplementationFile
    device: Device
    problem: Problem
    runtime: Runtime = field(default_factory=Runtime)
    n_cores: int = 1  # of each rank
    n_ranks: int = 1

    @property
    def name(self) -> str:
        """Return its name, as its row and pytest's benchmark have it."""
        return case_name(self.entry.name, self.device, self.problem, self.n_cores, self.n_ranks)

    @property
    def place(self) -> str:
        """Name the device, the ranks and the cores."""
        return placed_on(self.device, self.n_cores, self.n_ranks)

    @property
    def marks(self) -> str:
        """Return the end of its name, for ranks and cores."""
        return place_marks(self.n_cores, self.n_ranks)

    @property
    def process_key(self) -> tuple[ImplementationFile, Device, Precision, int, int]:
        """Return all that the cases of one process have in common."""
        return self.entry, self.device, self.problem.precision, self.n_cores, self.n_ranks

    @property
    def group(self) -> str:
        """Return the name of the cases that it may be compared with."""
        return group_name(self.problem, self.device, self.n_cores, self.n_ranks)

    @property
    def skip_reason(self) -> str | None:
        """Why it can't be measured, where that is certain without loading a framework; else None."""
        lacking = unsupported_reason(self.device, self.problem.precision, self.n_ranks)
        return lacking or self.entry.declines(self.problem, self.n_ranks)


@dataclass(frozen=True, kw_only=True)
class EndReason:
    """Why a case is not measured further."""

    verdict: Verdict
    reason: str
    details: str = ""  # a traceback or a log, for the person who fixes it


UNREACHED = EndReason(verdict=Verdict.NOT_MEASURED, reason="interrupted before its first round ended")


@dataclass
class CaseResult:
    """All that is known of a case so far."""

    case: Case
    end_reason: EndReason | None = None
    data_digest: str | None = None
    agreement: Agreement | None = None
    costs: Costs | None = None
    manifest: dict[str, Check] = field(default_factory=dict)  # by the check's name
    processes: list[ProcessResult] = field(default_factory=list)
    kept_s: list[float] = field(default_factory=list)  # all processes' samples, for the replay
    judgements: list[Judgement] = field(default_factory=list)  # of the processes' trials

    @classmethod
    def of(cls, case: Case) -> Self:
        """Begin without any measurement; a case that can't be measured has ended already."""
        result = cls(case)
        if reason := case.skip_reason:
            result.end(Verdict.NOT_MEASURED, reason)
        return result

    def end(self, verdict: Verdict, reason: str, details: str = "") -> None:
        """Measure the case no further. An invalid case keeps no times."""
        self.end_reason = brief(
            EndReason(verdict=verdict, reason=reason or "no reason given", details=details)
        )
        if verdict is Verdict.INVALID:
            self.processes, self.kept_s, self.costs = [], [], None

    def add(
        self,
        answer: Answer,
        *,
        round_: int,
        position: int,
        wall_s: float | None = None,
        hosts: Sequence[Equipment] = (),
    ) -> None:
        """Verify the answer of a process, or of ranks on these hosts; only then take its times.

        They lived for `wall_s`.
        """
        if isinstance(answer, Failure):
            verdict = Verdict.INVALID if answer.is_invalid else Verdict.FAILED
            self.end(verdict, answer.reason, answer.details)
            return
        by_rank = (answer,) if isinstance(answer, Measurement) else answer
        agreed_by_rank = [agreement.check(self.case.problem, each) for each in by_rank]
        agreed = as_read(brief(ranks.worst_agreement(agreed_by_rank)))
        checks = [*self._checked(by_rank, wall_s), *ranks.of_hosts(hosts)]
        self.agreement = max(self.agreement or agreed, agreed, key=lambda each: each.badness)
        self.data_digest = by_rank[0].data_digest
        self.manifest |= {check.name: brief(check) for check in checks}
        faults = [agreed.fault, *(check.fault for check in checks if check.holds is False)]
        if any(faults):
            self.end(Verdict.INVALID, "; ".join(filter(None, faults)))
            return
        if costs := ranks.costs(by_rank):
            self.costs = as_read(costs)
        timing = ranks.timing(by_rank)
        if timing and not self.judgements[-1].undecided:
            first_call_s = None if costs else ranks.first_call_s(by_rank)
            process = process_of(timing, first_call_s, round_=round_, position=position)
            process = replace(process, marginal_s=self.judgements[-1].cost_s)
            self.processes.append(as_read(process))
            self.kept_s.extend(timing.summary.kept_s)

    def _checked(self, by_rank: Sequence[Measurement], wall_s: float | None) -> list[Check]:
        """Check how each rank trained; add the judgement of its trials, if it was timed."""
        entry, problem, n_cores = self.case.entry, self.case.problem, self.case.n_cores
        manifests = [
            fairness.manifest(entry, problem, each, n_cores=n_cores, wall_s=wall_s) for each in by_rank
        ]
        checks = [*ranks.worst_checks(manifests), *ranks.same(by_rank)]
        judged = [
            conservation.judge(each.timing, problem, self.case.device) for each in by_rank if each.timing
        ]
        if judged:
            self.judgements.append(ranks.worst_judgement(judged))
            checks += self.judgements[-1].checks
        return checks

    def settle(self) -> None:
        """Judge all processes' times together, after the last one.

        A process whose time could not be checked gave none; the next round measures it again.
        """
        if self.end_reason or not self.judgements:
            return
        check = conservation.judge_all(self.judgements)
        self.manifest[check.name] = brief(check)
        if check.holds is None:
            self.end(Verdict.NOT_MEASURED, check.fault)
            self.processes, self.kept_s = [], []
        elif not check.holds:
            self.end(Verdict.INVALID, check.fault)

    def row(self) -> Row:
        """Return the record of the case."""
        end = self.end_reason or (None if self.agreement else UNREACHED)
        entry = self.case.entry
        row = Row(
            implementation=entry.name,
            framework=entry.framework,
            tier=entry.tier,
            summary=entry.summary,
            gradient=entry.gradient,
            more_lines=entry.more_lines,
            private_names=entry.private_names,
            device=self.case.device,
            problem=self.case.problem,
            n_cores=self.case.n_cores,
            n_ranks=self.case.n_ranks,
            code_digest=entry.code_digest,
            data_digest=self.data_digest,
            verdict=end.verdict if end else Verdict.VERIFIED,
            reason=end.reason if end else None,
            agreement=self.agreement,
            costs=self.costs,
            manifest=tuple(self.manifest.values()),
            processes=tuple(self.processes),
        )
        return brief(row)


def process_of(timing: Timing, first_call_s: float | None, *, round_: int, position: int) -> ProcessResult:
    """Return a worker's figures as the record keeps them, without the samples; times in s per epoch.

    `first_call_s` is that of a process with warm caches, else None.
    """
    figures = asdict(timing.summary)
    return ProcessResult(
        round=round_,
        position=position,
        n_kept=len(figures.pop("kept_s")),
        first_call_s=first_call_s,
        cpu_per_wall=timing.cpu_per_wall,
        power_w=timing.power_w,
        n_instructions=timing.n_instructions,
        **figures,
    )


def brief(value: T) -> T:
    """Return the dataclass with its long texts shortened: they come from a worker, and are stored."""
    texts = {each.name: getattr(value, each.name) for each in fields(cast("Any", value))}
    short = {name: shortened(text) for name, text in texts.items() if isinstance(text, str)}
    return replace(cast("Any", value), **short) if short else value


def as_read(value: T) -> T:
    """Return the dataclass as readers of the record will find it.

    Raises:
        ValueError: they would refuse it.
    """
    return decode(type(value), json.loads(json.dumps(asdict(cast("Any", value)))))
