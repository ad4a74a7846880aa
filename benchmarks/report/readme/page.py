"""Runs → the results in short, README.md: the answers in the order of a reader's questions."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.analysis.run_selection import headline_groups
from benchmarks.compare.result import Comparison
from benchmarks.records.caption import packages
from benchmarks.records.machine import Machine
from benchmarks.records.run import Run
from benchmarks.report.readme import sections
from benchmarks.report.readme.images import Image, first_of
from benchmarks.report.readme.scaling import scaling
from benchmarks.report.tables.comparison import to_markdown as comparison_to_markdown
from benchmarks.report.tables.markdown import plain_in_markdown

INTRODUCTION = """\
PyTorch against JAX on one training loop, every step's loss verified against a float64 reference. Written by
`perceptron-bench report` from records; don't edit.
"""

NOTHING = """\
Nothing has been measured yet: `perceptron-bench run`, or `make bench`, measures and writes this page.
"""


@dataclass(frozen=True, kw_only=True)
class Extras:
    """Other files to show or to link, and a comparison to begin with."""

    images: Mapping[Machine, Sequence[Image]] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)  # by text, the path from the page
    comparison: Comparison | None = None


def overview(runs: Sequence[Run], extras: Extras) -> str:
    """Return the page."""
    return "\n".join(_lines(runs, extras))


def _lines(runs: Sequence[Run], extras: Extras) -> Iterator[str]:
    yield f"# Results\n\n{INTRODUCTION}"
    if extras.links:
        yield " · ".join(f"[{text}]({path})" for text, path in extras.links.items()) + "\n"
    machines = headline_groups(runs)
    if not machines:
        yield NOTHING
        return
    if extras.comparison:
        yield comparison_to_markdown(extras.comparison).replace("## ", "## Two runs side by side: ", 1)
    if len(machines) > 1:
        yield "Machines:\n"
        yield from (f"- [{plain_in_markdown(str(each))}](#machine-{i})" for i, each in enumerate(machines, 1))
        yield ""
    for i, (machine, shown_runs) in enumerate(machines.items(), 1):
        anchor = f'<a id="machine-{i}"></a>' if len(machines) > 1 else ""
        yield f"## {anchor}{plain_in_markdown(str(machine))}\n"
        own = [run for run in runs if Machine.of(run) == machine]
        yield from _machine(own, shown_runs, extras.images.get(machine, ()))


def _machine(runs: Sequence[Run], shown_runs: Mapping[str, Run], images: Sequence[Image]) -> Iterator[str]:
    versions = dict.fromkeys(packages(run.provenance.versions) for run in runs)
    yield from (f"{plain_in_markdown(each)}\n" for each in versions)
    yield from sections.agreement(runs)
    yield from first_of(images, "losses")
    devices: dict[str, dict[str, Run]] = defaultdict(dict)
    for group, run in shown_runs.items():
        devices[group.rpartition(" on ")[2]][group] = run
    shown = {device: sections.shown(groups) for device, groups in devices.items()}
    for device, groups in shown.items():
        yield from sections.speed(device, groups, n_more=len(devices[device]) - len(groups))
    yield from first_of(images, "throughput")
    for device, groups in shown.items():
        yield from sections.compiling(device, groups)
    yield from first_of(images, "decision-map", "cost-split")
    for device, groups in shown.items():
        yield from sections.hardware(device, groups)
    yield from scaling(runs)
    chosen = {group: run for groups in shown.values() for group, run in groups.items()}
    yield from sections.trust(runs, chosen)
    yield from first_of(images, "spread", "trend")
    yield from sections.missing(runs)
