"""The questions that the results' first page answers, for one machine: each a chapter in Markdown."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.analysis.caveats import (
    cpu_contention,
    doubts,
    doubts_of,
    reasons,
)
from benchmarks.analysis.figures import figures_of
from benchmarks.analysis.head_to_head import by_hand, like_for_like
from benchmarks.cases.implementations import FLOOR
from benchmarks.cases.problems import NAMED
from benchmarks.cases.tolerances import tolerances
from benchmarks.records.row import Verdict
from benchmarks.report.readme.hand_derived import without_them
from benchmarks.report.readme.summary_tables import (
    cell,
    compiling_table,
    floor_table,
    group_table,
    label,
    like_for_like_table,
    nickname,
)
from benchmarks.report.tables.markdown import plain_in_markdown, shortened
from benchmarks.report.tables.run import caption

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.records.row import Row
    from benchmarks.records.run import Run
    from impls.contract import Problem

MAX_REMARK = 1000
"""Characters of a reason; the whole of it stands in tables.md."""

MAX_SHOWN = 4
"""Problems that are shown where none of the named ones was measured."""

LIKE_FOR_LIKE = """\
Like for like: within a tier, the fastest way of either framework (*typical* time of an epoch), and the ratio
of the fastest epochs, round by round (so not the quotient of the two columns), with its 95 % confidence
interval where there were rounds enough.
"""

COMPILING = """\
From how many epochs on a training has taken less time than with {baseline}, its compilation included: with
cold / with warm disk caches. "1" is from the start, "—" never, or not measured there{by_hand}.
"""

HARDWARE = f"""\
How many times as long an epoch takes as with `{FLOOR}`, one fused C kernel without a framework: what the
processor allows.
"""

WIDTHS = """\
Half of the intervals of the ratios to the baseline are within {half}, all are within {most}. They say how
well so many rounds know the ratio on this machine, and nothing of another's.
"""

SPEAKS = """\
The tables above show, of several runs that timed the newest one's code in its versions, the one with the most
rounds, of these the one that tried the most implementations, of these the newest:
"""

DEVICES = {"cpu": "the CPU", "cuda": "the GPU"}


def agreement(runs: Sequence[Run]) -> Iterator[str]:
    """Say whether all computed the same, and how closely."""
    yield "### Did they compute the same?\n"
    rows = [row for run in runs for row in run.rows if row.verdict is not Verdict.NOT_MEASURED]
    if not rows:
        yield "Nothing could be measured on this machine; the reasons stand below.\n"
        return
    agreed = [row for row in rows if row.verdict is Verdict.VERIFIED]
    n_runs = f"{len(runs)} run{'s' * (len(runs) != 1)}"
    if len(agreed) == len(rows):
        yield f"Yes: all {len(rows):,} rows that were measured in {n_runs} are verified.{_closest(agreed)}\n"
    else:
        yield (
            f"Not all: {len(agreed):,} of the {len(rows):,} rows that were measured in {n_runs} are verified."
            f"{_closest(agreed)} The others show no time; why stands below.\n"
        )


def _closest(agreed: Sequence[Row]) -> str:
    """Say how far the row is from the reference that takes the largest share of its tolerance."""
    deviations = [
        (row.agreement.max_loss_deviation, tolerances(row.problem)[0])
        for row in agreed
        if row.agreement and row.agreement.max_loss_deviation is not None
    ]
    if not deviations:
        return ""
    deviation, tolerance = max(deviations, key=lambda pair: pair[0] / pair[1])
    return (
        f" The one nearest to what is allowed has a step's loss off by {deviation:.1e} from the reference; "
        f"{tolerance:.0e} is allowed."
    )


def shown(shown_runs: Mapping[str, Run]) -> dict[str, Run]:
    """Choose the groups of one device that have a place here, and narrow their runs down to them."""
    named = [group for group in shown_runs if nickname(group) in NAMED]
    return {
        group: replace(
            shown_runs[group], rows=tuple(row for row in shown_runs[group].rows if row.group == group)
        )
        for group in named or list(shown_runs)[:MAX_SHOWN]
    }


def speed(device: str, groups: Mapping[str, Run], *, n_more: int) -> Iterator[str]:
    """Say who is faster on a device, like for like first; then a table for each group; `n_more` have none."""
    timed = {group: run for group, run in groups.items() if any(row.is_timed for row in run.rows)}
    if not timed:
        return
    yield f"### Who is faster on {DEVICES.get(device, device)}?\n"
    if pairs := {group: found for group, run in timed.items() if (found := like_for_like(run).get(group))}:
        yield LIKE_FOR_LIKE
        yield like_for_like_table(pairs)
        for doubt, names in doubts_of({group: timed[group] for group in pairs}).items():
            yield f"{', '.join(label(group).strip() for group in names)}: {plain_in_markdown(doubt)}.\n"
        derived = {group: like_for_like(timed[group], by_hand=False).get(group, ()) for group in pairs}
        if told := without_them(pairs, derived, plain=cell, label=label):
            yield f"{told}\n"
    for group, run in timed.items():
        yield f"#### {plain_in_markdown(nickname(group))}: {in_words(run.rows[0].problem)}\n"
        yield from (f"**{plain_in_markdown(told)}**\n" for told in doubts(run))
        yield group_table(figures_of(run))
    if n_more:
        yield f"And {n_more:,} more problem{'s' * (n_more != 1)}: [all tables](tables.md).\n"


def in_words(problem: Problem) -> str:
    """Describe a problem: "5 batches of 1,000 samples with 2 features an epoch"."""
    counts = [(problem.n_batches, "batch", "es"), (problem.batch_size, "sample", "s")]
    counts.append((problem.n_features, "feature", "s"))
    batches, samples, features = (f"{n:,} {noun}{plural * (n != 1)}" for n, noun, plural in counts)
    return f"{batches} of {samples} with {features} an epoch"


def compiling(device: str, groups: Mapping[str, Run]) -> Iterator[str]:
    """Say from how many epochs on compiling has paid on a device."""
    sharing: dict[str, dict[str, Run]] = defaultdict(dict)
    for group, run in groups.items():
        sharing[run.settings.baseline][group] = run
    tables = {baseline: compiling_table(own) for baseline, own in sharing.items()}
    if any(tables.values()):
        yield f"### When does compiling pay on {DEVICES.get(device, device)}?\n"
    for baseline, table in tables.items():
        if table:
            told = by_hand(row for run in sharing[baseline].values() for row in run.rows if row.is_timed)
            yield COMPILING.format(baseline=plain_in_markdown(baseline), by_hand=told and f"; {told}")
            yield table


def hardware(device: str, groups: Mapping[str, Run]) -> Iterator[str]:
    """Say how far from a device's floor the frameworks are."""
    if table := floor_table({group: figures_of(run) for group, run in groups.items()}):
        yield f"### How far from the hardware are they on {DEVICES.get(device, device)}?\n"
        yield HARDWARE
        yield table


def trust(runs: Sequence[Run], shown_runs: Mapping[str, Run]) -> Iterator[str]:
    """Say where the figures come from, how sure they are, and what speaks against them."""
    yield "### Can these figures be trusted?\n"
    rows = [row for group in shown_runs.values() for row in figures_of(group)]
    widths = [row.speedup_high / row.speedup_low for row in rows if row.speedup_low and row.speedup_high]
    if widths:
        half, most = (f"±{100 * (width**0.5 - 1):.1f} %" for width in (median(widths), max(widths)))
        yield WIDTHS.format(half=half, most=most)
    yield SPEAKS
    sources: dict[str, list[str]] = defaultdict(list)
    for group, run in shown_runs.items():
        if any(row.is_timed for row in run.rows):
            sources[caption(run)].append(nickname(group))
    for told, names in sources.items():
        yield f"- **{plain_in_markdown(', '.join(dict.fromkeys(names)))}**: {plain_in_markdown(told)}"
    yield from (f"- {_remark(told)}" for run in runs for told in cpu_contention(run.rows))
    yield ""


def missing(runs: Sequence[Run]) -> Iterator[str]:
    """Say what has no time, and why; what several runs say is said once."""
    dates: dict[str, list[str]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.provenance.date, reverse=True):
        for reason in reasons(run.rows):
            dates[reason].append(run.provenance.date)
    if not dates:
        return
    yield "### What is missing, and why\n"
    for reason, told in sorted(dates.items(), key=lambda item: item[0].startswith(Verdict.NOT_MEASURED)):
        where = f"run of {told[0]}" if len(told) == 1 else f"{len(told)} runs, last {told[0]}"
        yield f"- {_remark(reason)} ({plain_in_markdown(where)})"
    yield ""


def _remark(text: str) -> str:
    return plain_in_markdown(shortened(text, MAX_REMARK))
