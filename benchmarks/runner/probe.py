"""Asks implementations where they can run: all of a framework in one process, while it answers."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from benchmarks.cases.implementations import Description
from benchmarks.records.row import Verdict
from benchmarks.runner.case import EndReason
from benchmarks.runner.dispatch import unavailable_reasons
from benchmarks.runner.launch import launch
from benchmarks.runner.system import unsupported_reason
from benchmarks.worker.messages import Job
from impls.contract import Device

Answer: TypeAlias = Mapping[Device, EndReason | None]
"""Why an implementation can't be measured on a device, or None."""

TOGETHER_TIMEOUT_S = 30.0
"""An implementation that takes longer is asked again, alone, with the usual limit."""
ALONE_TIMEOUT_S = Job.worker_timeout_s


def probe_all(entries: Sequence[Description], devices: Sequence[Device], folder: Path) -> list[Answer]:
    """Return each implementation's answer, in this order; a file that breaks costs no other's.

    As in a run, no implementation is asked about a device that the machine lacks.
    """
    absent = {
        device: EndReason(verdict=Verdict.NOT_MEASURED, reason=reason)
        for device in devices
        if (reason := unsupported_reason(device))
    }
    devices = [device for device in devices if device not in absent]
    groups: dict[str, list[Description]] = defaultdict(list)
    for entry in entries:
        groups[entry.framework].append(entry)
    largest_first = sorted(groups.values(), key=len, reverse=True)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        asked = list(pool.map(lambda group: _probe(group, devices, folder), largest_first))
    answers: dict[Description, Answer] = {
        entry: {**{device: answer[device] for device in devices}, **absent}
        for group, found in zip(largest_first, asked, strict=True)
        for entry, answer in zip(group, found, strict=True)
    }
    return [answers[entry] for entry in entries]


def _probe(entries: Sequence[Description], devices: Sequence[Device], folder: Path) -> list[Answer]:
    """Ask implementations of one framework in one process.

    If it ends or hangs before the last answer, the one that it was at is asked alone, and those after it in
    another process. If it leaves processes behind, all of them are asked alone.
    """
    first, *others = entries
    job = Job(
        path=str(first.path),
        others=tuple(str(entry.path) for entry in others),
        framework=first.framework,
        devices=tuple(devices),
        worker_timeout_s=TOGETHER_TIMEOUT_S if others else ALONE_TIMEOUT_S,
    )
    report = launch(job, folder, f"probe-{first.name}")
    if not others:
        return [unavailable_reasons(report)]
    if report.n_strays:
        return [answer for entry in entries for answer in _probe([entry], devices, folder)]
    ready = [report.readiness, *report.others] if report.readiness else []
    answers = [unavailable_reasons(replace(report, readiness=each)) for each in ready]
    for unanswered in (entries[len(ready) : len(ready) + 1], entries[len(ready) + 1 :]):
        answers += _probe(unanswered, devices, folder) if unanswered else []
    return answers
