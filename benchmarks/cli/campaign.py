"""The command `campaign`: a suite in slots, each measured by a job; then one record."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

from benchmarks.campaign.slots import Slot, has_wrong, slots_of
from benchmarks.cases.implementations import select
from benchmarks.cases.places import require_spanning
from benchmarks.cli.merge import join_records
from benchmarks.cli.options.campaign import SLURM
from benchmarks.cli.report import report_locally
from benchmarks.cli.run import is_shown, output_of
from benchmarks.errors import UsageError
from benchmarks.files import keep
from benchmarks.hosts import own_versions
from benchmarks.paths import CAMPAIGNS
from benchmarks.pytest_plugin.options import Options, flag, read
from benchmarks.pytest_plugin.session import MeasuringSession, read_problem
from benchmarks.records.provenance import Host, Provenance
from benchmarks.runner.resume import ResumeFolder
from benchmarks.runner.signals import uninterrupted
from benchmarks.terminal import Terminal
from impls.contract import Problem

ANYWHERE = Host(machine="", system="", cpu="", n_cpus=1, gpu=None, pinned_to=[], worker_variables={})
"""The machine of a campaign: it may go on from another one, and `merge` compares the nodes."""


def campaign(parsed: argparse.Namespace) -> int:
    """Measure the slots that no earlier call has, then merge their records; return the exit status.

    Raises:
        UsageError: an option does not fit, submitit is missing, a job is refused, or the nodes differ.
    """
    options, console = read(Options, partial(getattr, parsed)), Terminal(soft_wrap=True, highlight=False)
    output = output_of(parsed.output, options)
    with _place(options, parsed.slots) as place:
        slots = slots_of(problems_of(options), parsed.slots, arguments_of(options), place.folder)
        by_itself = _measure(slots, parsed, console)
        if lacking := [str(slot.number) for slot in slots if not slot.is_done]:
            console.print(f"not done: slot {', '.join(lacking)} of {len(slots)}; the same command goes on")
            console.print(f"the records and logs so far: {place.folder}", markup=False)
            return 1 if by_itself else 2
        with uninterrupted():
            record = keep(_joined(slots, output), output, is_new=parsed.output is None)
            status = int(any(map(has_wrong, slots)))
            place.discard()
            console.print(f"record: {record}", markup=False)
    if is_shown(output):
        console.print("\n".join(report_locally()), markup=False)
    return status


@contextmanager
def _place(options: Options, n_slots: int) -> Iterator[ResumeFolder]:
    """Find or make the campaign's folder: calls that would measure the same have the same one.

    Raises:
        UsageError: the options name something unknown, or this campaign is already in progress.
    """
    if options.impl:
        require_spanning(select(options.impl), options.ranks or ())
    # A node may have more cores than this machine, and so more ranks.
    cases = MeasuringSession.of(replace(options, cores=1, ranks=None)).cases
    identity = (list(cases.values()), arguments_of(options), n_slots)
    provenance = Provenance(date="2000-01-01", versions=own_versions(), commit=None, hosts=[ANYWHERE])
    place = ResumeFolder.of(identity, provenance, CAMPAIGNS)
    try:
        yield place
    finally:
        place.release()


def _measure(slots: Sequence[Slot], parsed: argparse.Namespace, console: Terminal) -> bool:
    """Follow the jobs of the slots that are not done; return whether they came to their own ends."""
    try:
        from benchmarks.campaign import follow, jobs  # noqa: PLC0415 - both import submitit, which only an extra installs
    except ImportError as error:
        message = f"`campaign` needs one more package ({error}): pip install 'perceptron-bench[cluster]'"
        raise UsageError(message) from None
    slurm = {name: value for name in SLURM if (value := getattr(parsed, f"slurm_{name}"))}
    site = jobs.open_site(slots[0].folder, minutes=parsed.time, slurm=slurm, here=parsed.here)
    waiting = follow.open_slots(slots)
    if n_done := len(slots) - len(waiting):
        console.print(f"resuming: {n_done} of {len(slots)} slots were done")
    return follow.Follower(site, console, waiting).follow()


def _joined(slots: Sequence[Slot], output: Path) -> str:
    """Return the record of all slots."""
    if len(slots) == 1:
        return slots[0].record.read_text(encoding="utf-8")
    return join_records([slot.record for slot in slots], output)[0]


def problems_of(options: Options) -> list[list[str]]:
    """Return the texts of the problems to measure, each problem once, and all its precisions together.

    A slot of lower precisions alone would measure nothing on a CPU.
    """
    found: dict[Problem, dict[Problem, str]] = {}
    for text in options.problem or options.chosen.problems:
        problem = read_problem(text, options.precision)
        found.setdefault(replace(problem, precision="float32"), {}).setdefault(problem, text)
    return [[*texts.values()] for texts in found.values()]


def arguments_of(options: Options) -> list[str]:
    """Return the options that were given as arguments of `run`, but for the problems, which slots divide."""
    given = [(each, getattr(options, each.name)) for each in fields(options) if each.name != "problem"]
    return [word for each, value in given if value != each.default for word in _words(flag(each), value)]


def _words(option: str, value: object) -> list[str]:
    if value is True:
        return [option]
    return [f"{option}={each}" for each in (value if isinstance(value, list | tuple) else [value])]
