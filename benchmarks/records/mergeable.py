"""Whether several records may be joined as one run."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from benchmarks.errors import UsageError
from benchmarks.hosts import NOT_INSTALLED, differences, hardware_facts
from benchmarks.records.process import ProcessResult
from benchmarks.records.run import Run

Records = Sequence[tuple[Path, Run]]

MAX_REASONS = 5  # named in a message

WHICH_GPU = "_VISIBLE_DEVICES"
"""The end of variables that choose a GPU: jobs on one machine take different ones."""

REMEDY = "Measure all of them alike, or show them side by side: `perceptron-bench report FILE…`"


def require_one_run(records: Records) -> None:
    """Refuse records that can't be joined as one run.

    Raises:
        UsageError: there is only one, two have a process in common, or they differ in something that one run
            has only once: commit, versions, hardware, settings, or the code or the data of a case.
    """
    if len(records) == 1:
        message = f"expected at least two records, found only {records[0][0]}; name the record of each job"
        raise UsageError(message)
    for path, run in records:
        if (n_hosts := len(run.provenance.hosts)) > 1 and not run.provenance.parts:
            message = f"{path}: expected a run on one machine, found one on {n_hosts}; leave it out"
            raise UsageError(message)
    _require_distinct(records)
    if found := contradictions(records):
        more = f"; and {len(found) - MAX_REASONS} more" if len(found) > MAX_REASONS else ""
        message = f"the records can't be one run: {'; '.join(found[:MAX_REASONS])}{more}. {REMEDY}"
        raise UsageError(message)


def contradictions(records: Records) -> list[str]:
    """Describe what the records say differently: "expected one CPU, found A in a.json and B in b.json"."""
    named = dict.fromkeys(name for _, run in records for name in run.provenance.host.worker_variables)
    variables = [name for name in named if not name.endswith(WHICH_GPU)]
    return differences((f"in {path}", _facts(run, variables)) for path, run in records)


def _facts(run: Run, variables: Sequence[str]) -> Iterator[tuple[str, object]]:
    """Name what one run has only once, with its value; what the run does not know contradicts nothing."""
    at, host, settings = run.provenance, run.provenance.host, run.settings
    yield "commit", at.commit or "unknown"
    if at.commit_elsewhere:
        yield "commit of the implementations", at.commit_elsewhere
    yield from ((name, version) for name, version in at.versions.items() if version != NOT_INSTALLED)
    yield from hardware_facts(host.cpu, host.n_cpus, host.gpu)
    yield "CPU quota", at.throttle or "none"
    yield from ((f"{name} of the workers", host.worker_variables.get(name, "unset")) for name in variables)
    yield from (("number of rounds", settings.rounds), ("baseline", settings.baseline))
    yield "--quick", settings.quick
    for row in run.rows:
        if row.code_digest:
            yield f"digest of the code of {row.case}", row.code_digest
        if row.data_digest:
            yield f"digest of the data of {row.case}", row.data_digest


def _require_distinct(records: Records) -> None:
    """Refuse two records with a process in common: it would count twice.

    Raises:
        UsageError: a record is named twice, or one contains a process of another.
    """
    known = [(path, run, _processes(run)) for path, run in records]
    for (path, run, own), (other_path, other, others) in combinations(known, 2):
        if run == other:
            same = f"the same run in {path} and {other_path}"
            message = f"expected different records, found {same}; name it once"
            raise UsageError(message)
        if shared := own & others:
            case = min(case for case, _ in shared)
            message = (
                f"expected processes of different jobs, found one of {case} in both {path} and {other_path}: "
                "one run resumed the other, or is merged from it; leave out the one that the other contains"
            )
            raise UsageError(message)


def _processes(run: Run) -> set[tuple[str, ProcessResult]]:
    """Return each case's processes, without what a merge changes of them."""
    return {(row.case, replace(each, round=0, n_kept=0)) for row in run.rows for each in row.processes}


def groups_without_baseline(run: Run) -> list[str]:
    """Return the groups that have times, but none of the baseline: their rows have no ratio to it."""
    timed = {(row.group, row.implementation) for row in run.rows if row.is_timed}
    return sorted({group for group, _ in timed if (group, run.settings.baseline) not in timed})
