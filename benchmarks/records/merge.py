"""The records of parallel jobs → the record of one run.

The rounds of each job get their own numbers, after those of the job before. Ratios pair processes of the
same round, so that a case is compared only with processes of the same job, at the same moment on the same
machine. A case that several jobs measured, such as the baseline, has the rounds of all of them.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

from benchmarks.decode import decode
from benchmarks.errors import UsageError
from benchmarks.files import read_bytes
from benchmarks.hosts import NOT_INSTALLED
from benchmarks.records.compact import to_json
from benchmarks.records.provenance import Host, Part, Provenance
from benchmarks.records.row import KEY, Row, Verdict
from benchmarks.records.run import Run, RunSettings, parse_run

Fields = dict[str, Any]

OUTWEIGHED_FIRST = (Verdict.NOT_MEASURED, Verdict.VERIFIED, Verdict.FAILED, Verdict.INVALID)
"""The verdicts of a case in several jobs: the last one counts, as it would within one run."""


def join_runs(runs: Sequence[Run]) -> Run:
    """Join runs that `require_one_run` accepts; rows of a group come together, in the order of the runs."""
    first_rounds = list(accumulate(map(_n_rounds, runs[:-1]), initial=0))
    found: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for run, first_round in zip(runs, first_rounds, strict=True):
        for row in run.rows:
            found[row.group][row.case].append(_shifted(row, first_round))
    return Run(
        rows=tuple(_join_rows(rows) for cases in found.values() for rows in cases.values()),
        provenance=_join_provenance(runs, first_rounds),
        settings=_join_settings([run.settings for run in runs]),
        converted_from=next((run.converted_from for run in runs if run.converted_from), None),
    )


def _n_rounds(run: Run) -> int:
    """Return how many numbers of rounds a run takes, the rounds that it did not reach included."""
    last_part = max((part.first_round for part in run.provenance.parts), default=0)
    rounds = (process.round + 1 for row in run.rows for process in row.processes)
    return max(last_part + run.settings.rounds, *rounds, 0)


def _shifted(row: Row, first_round: int) -> Row:
    moved = (replace(process, round=first_round + process.round) for process in row.processes)
    return replace(row, processes=tuple(moved))


def _join_rows(rows: Sequence[Row]) -> Row:
    """Join the rows of one case that have the verdict which counts; the costs are those of the first."""
    verdict = max((row.verdict for row in rows), key=OUTWEIGHED_FIRST.index)
    first, *others = alike = [row for row in rows if row.verdict is verdict]
    checks = [check for row in alike for check in row.manifest]
    checks.sort(key=lambda check: check.holds is False)  # the last one of a name counts
    return replace(
        first,
        reason="; ".join(dict.fromkeys(row.reason for row in alike if row.reason)) or None,
        agreement=max(
            (row.agreement for row in alike if row.agreement), key=lambda each: each.badness, default=None
        ),
        manifest=tuple({check.name: check for check in checks}.values()),
        processes=(
            *first.processes,
            # pytest-benchmark's part has the samples of the first job only
            *(replace(process, n_kept=0) for row in others for process in row.processes),
        ),
    )


def _join_provenance(runs: Sequence[Run], first_rounds: Sequence[int]) -> Provenance:
    every = [run.provenance for run in runs]
    hosts: list[Host] = []
    versions: dict[str, str] = {}
    for at in every:
        hosts += [host for host in at.hosts if host not in hosts]
        known = {name for name, version in versions.items() if version != NOT_INSTALLED}
        versions |= {name: version for name, version in at.versions.items() if name not in known}
    return Provenance(
        date=min(at.date for at in every),
        versions=versions,
        commit=every[0].commit,
        commit_elsewhere=next((at.commit_elsewhere for at in every if at.commit_elsewhere), None),
        hosts=hosts,
        parts=[*chain.from_iterable(map(_parts, every, first_rounds))],
    )


def _parts(at: Provenance, first_round: int) -> Iterator[Part]:
    for part in at.parts or [Part(date=at.date, machine=at.host.machine, first_round=0)]:
        yield replace(part, first_round=first_round + part.first_round)


def _join_settings(every: Sequence[RunSettings]) -> RunSettings:
    suites = {settings.suite for settings in every}
    interruptions = dict.fromkeys(settings.interrupted for settings in every if settings.interrupted)
    return replace(
        every[0],
        suite=every[0].suite if len(suites) == 1 else None,
        interrupted=", ".join(interruptions) or None,
    )


@dataclass(frozen=True, kw_only=True)
class _OwnCase:
    """What a benchmark of ours says in its `extra_info`."""

    case: str


@dataclass(frozen=True, kw_only=True)
class _ExtraInfo:
    """The `extra_info` of one benchmark; the name of the field is KEY."""

    perceptron_bench: _OwnCase | None = None  # None: it is a benchmark of somebody else


@dataclass(frozen=True, kw_only=True)
class _Benchmark:
    """One benchmark in pytest-benchmark's part of the file."""

    extra_info: _ExtraInfo


@dataclass(frozen=True, kw_only=True)
class _Benchmarks:
    """Pytest-benchmark's part of the file."""

    benchmarks: list[_Benchmark]


def read_document(path: Path) -> tuple[Run, Fields]:
    """Read a record: the run in it, and the whole file.

    Raises:
        UsageError: it is no record, or its part of pytest-benchmark was edited.
    """
    content = read_bytes(path)
    run, document = parse_run(content, path), json.loads(content)
    try:
        decode(_Benchmarks, document)
        to_json(document)
    except (ValueError, RecursionError) as error:
        message = f"{path}: expected a record as it was written, found an edited one ({error}); restore it"
        raise UsageError(message) from None
    return run, document


def join_documents(documents: Sequence[Fields], run: Run) -> Fields:
    """Return the file of a run that was joined from these files.

    Of each timed case it has the benchmark of the first job, as pytest-benchmark wrote it, then the
    benchmarks that are not ours. The rest of pytest-benchmark's part is the first job's.
    """
    ours: dict[str, Fields] = {}
    foreign: list[Fields] = []
    for document in documents:
        for known, benchmark in zip(
            decode(_Benchmarks, document).benchmarks, document["benchmarks"], strict=True
        ):
            if own := known.extra_info.perceptron_bench:
                ours.setdefault(own.case, benchmark)
            else:
                foreign.append(benchmark)
    benchmarks = [ours[row.case] for row in run.rows if row.is_timed and row.case in ours]
    return documents[0] | {"benchmarks": [*benchmarks, *foreign], KEY: run.to_dict()}
