"""The questions that the results' README answers for one machine, each a section in Markdown."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median

from benchmarks.analysis.caveats import doubts_of, reasons, remarks
from benchmarks.analysis.figures import figures_of
from benchmarks.analysis.gradient import by_hand
from benchmarks.analysis.head_to_head import lines_of
from benchmarks.cases.code_lines import TEXTBOOK
from benchmarks.cases.implementations import FLOOR
from benchmarks.cases.problems import NAMED
from benchmarks.cases.tolerances import tolerances
from benchmarks.records.row import Row, Verdict
from benchmarks.records.run import Run
from benchmarks.report.readme import head_to_head
from benchmarks.report.readme.cells import label, nickname
from benchmarks.report.readme.summary_tables import compiling_table, epoch_table, floor_table
from benchmarks.report.tables.markdown import plain_in_markdown, shortened
from benchmarks.report.tables.run import caption
from impls.contract import Problem

MAX_REMARK = 1000
"""Characters of a reason; tables.md has the whole text."""

MAX_SHOWN = 4
"""Problems that are shown if none of the named ones was measured."""

EPOCHS = f"""\
What each implementation gains: the typical time of an epoch, and how many times faster than the baseline
("vs"), with the 95 % confidence interval. What it costs you: the lines of code of its file beyond those of
the textbook's loop, `{TEXTBOOK}`, without blank lines, comments and docstrings, and the names that it rests
on although its framework keeps them private or does not document them ("—": not recorded). *Gradient* is who
derives it by the parameters; an *own loss rule* is for the loss node alone. [All tables](tables.md) have
throughput, first calls, memory and deviations, too.
"""

COMPILING = """\
The number of epochs after which a training has taken less time than with {baseline}, compilation included:
with cold / with warm disk caches. "1" is from the start, "—" is never or not measured{by_hand}.
"""

HARDWARE = f"""\
How many times as long an epoch takes as with `{FLOOR}`, one fused C kernel without a framework: the limit of
the processor.
"""

WIDTHS = """\
Half of the intervals of the ratios to the baseline are within {half}, all are within {most}. This is how well
these rounds determine the ratios on this machine. Another machine has other ratios.
"""

SHOWN_RUNS = """\
If several runs timed the same code in the same versions as the newest run, the tables above show the run with
the most rounds, then the run that tried the most implementations, then the newest:
"""

DEVICES = {"cpu": "the CPU", "cuda": "the GPU"}


def agreement(runs: Sequence[Run]) -> Iterator[str]:
    """Answer whether all implementations computed the same, and how closely."""
    yield "### Did they compute the same?\n"
    rows = [row for run in runs for row in run.rows if row.verdict is not Verdict.NOT_MEASURED]
    if not rows:
        yield "Nothing could be measured on this machine; the reasons are below.\n"
        return
    agreed = [row for row in rows if row.verdict is Verdict.VERIFIED]
    measured = f"{len(rows):,} rows that were measured in {_count(len(runs), 'run')}"
    if len(agreed) == len(rows):
        yield f"Yes: all {measured} are verified.{_closest(agreed)}\n"
    else:
        yield (
            f"Not all: {len(agreed):,} of the {measured} are verified.{_closest(agreed)} "
            "The others have no time; the reasons are below.\n"
        )


def _closest(agreed: Sequence[Row]) -> str:
    """Describe the largest deviation, relative to its tolerance."""
    deviations = [
        (row.agreement.max_loss_deviation, tolerances(row.problem)[0])
        for row in agreed
        if row.agreement and row.agreement.max_loss_deviation is not None
    ]
    if not deviations:
        return ""
    deviation, tolerance = max(deviations, key=lambda pair: pair[0] / pair[1])
    return (
        f" The largest deviation of a loss from the reference is {deviation:.1e}; {tolerance:.0e} is allowed."
    )


def shown(shown_runs: Mapping[str, Run]) -> dict[str, Run]:
    """Choose the groups of one device that the README shows, with their runs reduced to these groups."""
    named = [group for group in shown_runs if nickname(group) in NAMED]
    return {
        group: replace(
            shown_runs[group], rows=tuple(row for row in shown_runs[group].rows if row.group == group)
        )
        for group in named or list(shown_runs)[:MAX_SHOWN]
    }


def speed(device: str, groups: Mapping[str, Run], *, n_more: int) -> Iterator[str]:
    """Answer who is faster on a device; `n_more` groups are in the other tables only."""
    timed = {group: run for group, run in groups.items() if any(row.is_timed for row in run.rows)}
    if not timed:
        return
    yield f"### Who is faster on {DEVICES.get(device, device)}?\n"
    for doubt, names in doubts_of(timed).items():
        yield f"{', '.join(map(label, names))}: {plain_in_markdown(doubt)}.\n"
    if compared := {group: lines for group, run in timed.items() if (lines := lines_of(run).get(group))}:
        yield f"{head_to_head.READING}\n"
        yield head_to_head.like_for_like_table(compared)
    yield EPOCHS
    yield epoch_table(timed)
    yield from (f"- {label(group)}: {in_words(run.rows[0].problem)}" for group, run in timed.items())
    yield ""
    if n_more:
        yield f"[All tables](tables.md) have {_count(n_more, 'more problem')}.\n"


def in_words(problem: Problem) -> str:
    """Describe a problem: "5 batches of 1,000 samples with 2 features an epoch"."""
    batches = _count(problem.n_batches, "batch", "es")
    samples, features = _count(problem.batch_size, "sample"), _count(problem.n_features, "feature")
    return f"{batches} of {samples} with {features} an epoch"


def compiling(device: str, groups: Mapping[str, Run]) -> Iterator[str]:
    """Answer after how many epochs compilation pays off on a device."""
    sharing: dict[str, dict[str, Run]] = defaultdict(dict)
    for group, run in groups.items():
        sharing[run.settings.baseline][group] = run
    tables = {baseline: compiling_table(own) for baseline, own in sharing.items()}
    if any(tables.values()):
        yield f"### When does compiling pay on {DEVICES.get(device, device)}?\n"
    for baseline, table in tables.items():
        if table:
            note = by_hand(row for run in sharing[baseline].values() for row in run.rows if row.is_timed)
            yield COMPILING.format(baseline=plain_in_markdown(baseline), by_hand=note and f"; {note}")
            yield table


def hardware(device: str, groups: Mapping[str, Run]) -> Iterator[str]:
    """Answer how far the frameworks are from a device's floor."""
    if table := floor_table(groups):
        yield f"### How far from the hardware are they on {DEVICES.get(device, device)}?\n"
        yield HARDWARE
        yield table


def trust(runs: Sequence[Run], shown_runs: Mapping[str, Run]) -> Iterator[str]:
    """Answer where the figures come from, how precise they are, and which of them are doubtful."""
    yield "### Can these figures be trusted?\n"
    rows = [row for run in shown_runs.values() for row in figures_of(run)]
    widths = [row.speedup_high / row.speedup_low for row in rows if row.speedup_low and row.speedup_high]
    if widths:
        half, most = (f"±{100 * (width**0.5 - 1):.1f} %" for width in (median(widths), max(widths)))
        yield WIDTHS.format(half=half, most=most)
    yield SHOWN_RUNS
    sources: dict[str, list[str]] = defaultdict(list)
    for group, run in shown_runs.items():
        if any(row.is_timed for row in run.rows):
            sources[caption(run)].append(nickname(group))
    for source, names in sources.items():
        yield f"- **{plain_in_markdown(', '.join(dict.fromkeys(names)))}**: {plain_in_markdown(source)}"
    yield from (f"- {_remark(warning)}" for run in runs for warning in remarks(run))
    yield ""


def missing(runs: Sequence[Run]) -> Iterator[str]:
    """List what has no time and why, each reason once."""
    dates: dict[str, list[str]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.provenance.date, reverse=True):
        for reason in reasons(run.rows):
            dates[reason].append(run.provenance.date)
    if not dates:
        return
    yield "### What is missing, and why\n"
    for reason, own in sorted(dates.items(), key=lambda item: item[0].startswith(Verdict.NOT_MEASURED)):
        where = f"run of {own[0]}" if len(own) == 1 else f"{len(own)} runs, last {own[0]}"
        yield f"- {_remark(reason)} ({plain_in_markdown(where)})"
    yield ""


def _remark(text: str) -> str:
    return plain_in_markdown(shortened(text, MAX_REMARK))


def _count(n: int, noun: str, plural: str = "s") -> str:
    return f"{n:,} {noun}{plural * (n != 1)}"
