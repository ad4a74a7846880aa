"""How often do rules cry wolf or sleep? Ours and those of other tools, on the same recorded processes.

    python -m benchmarks.rule_study [results/error_rates/live.jsonl]

Nothing is measured. Reads the processes that `benchmarks.live_study` recorded and draws from them, over and
over, what each rule looks at: ours the pairs of a comparison, the others a process of the base and one of the
new side from two different comparisons, as two runs of two moments are. A false alarm is a call of "slower"
between equal sides; a miss is none where the new side has work added. Writes the table beside the file.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.decision import Category, Rule, conclude
from benchmarks.errors import UsageError
from benchmarks.live_study import OUTPUT, read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

N_RESAMPLES = 2000
SEED = 0

T = TypeVar("T")

Process = dict[str, Any]
"""As `benchmarks.live_study` records it: min_s, median_s, mean_s and kept_s, ascending."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One recorded comparison of one case."""

    category: str
    base: Sequence[Process]
    new: Sequence[Process]

    @property
    def ratios(self) -> list[float]:
        """Give new / base of each pair."""
        base_s = {process["pair"]: process["min_s"] for process in self.base}
        return [each["min_s"] / base_s[each["pair"]] for each in self.new if each["pair"] in base_s]


def beyond(figure: str, factor: float) -> Callable[[Process, Process], bool]:
    """Call it slower where a figure of the new process is beyond a multiple of the base's."""
    return lambda base, new: bool(new[figure] > factor * base[figure])


def mann_whitney(base: Process, new: Process, p_value: float = 0.05) -> bool:
    """Call it slower where Mann and Whitney's test on the samples of the two processes does."""
    from scipy.stats import mannwhitneyu  # noqa: PLC0415 - a second to import

    return bool(mannwhitneyu(new["kept_s"], base["kept_s"], alternative="greater").pvalue < p_value)


def asv(base: Process, new: Process) -> bool:
    """Call it slower as `asv compare` does: its factor on the medians, and its test on the samples.

    https://github.com/airspeed-velocity/asv: `--factor 1.1`, `is_different` with p < 0.002, two-sided.
    """
    return beyond("median_s", 1.1)(base, new) and mann_whitney(base, new, 0.001)


TWO_RUNS: dict[str, Callable[[Process, Process], bool]] = {
    "pytest-benchmark `mean:5%`": beyond("mean_s", 1.05),
    "pytest-benchmark `min:5%`": beyond("min_s", 1.05),
    "Mann-Whitney on two processes' samples, p < 0.05": mann_whitney,
    "asv: factor 1.1 and its test": asv,
    "alert at 200 % of the mean": beyond("mean_s", 2.0),
}
"""Rules that look at two runs of two moments."""


def main() -> int:
    """Resample, print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "file", type=Path, nargs="?", default=OUTPUT, metavar="FILE", help="default: %(default)s"
    )
    parsed = parser.parse_args()
    try:
        recorded = read_comparisons(parsed.file)
    except UsageError as error:
        parser.error(str(error))
    text = to_markdown(recorded)
    output = parsed.file.with_name("README.md")
    output.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{text}\nwritten: {output}\n")
    return 0


def read_comparisons(file: Path) -> dict[str, dict[str, list[Comparison]]]:
    """Read the recorded comparisons, by implementation and kind.

    Raises:
        UsageError: there are none of some kind.

    """
    found: dict[str, dict[str, list[Comparison]]] = {}
    for line in read_lines(file):
        for implementation, case in line["cases"].items():
            kinds = found.setdefault(implementation, {"same": [], "slower": []})
            kinds[line["kind"]].append(
                Comparison(category=case["category"], base=case["base"], new=case["new"])
            )
    counts = [len(comparisons) for kinds in found.values() for comparisons in kinds.values()]
    if not counts or min(counts) < 2:  # noqa: PLR2004 - base and new are of two different ones
        message = f"{file}: expected two comparisons of each kind: run `python -m benchmarks.live_study`"
        raise UsageError(message)
    return found


def to_markdown(recorded: Mapping[str, Mapping[str, Sequence[Comparison]]]) -> str:
    """Write the table."""
    table = Table("rule", box=box.MARKDOWN)
    for name in recorded:
        table.add_column(f"{name}: false alarms", justify="right")
        table.add_column("missed", justify="right")
    table.add_row("ours: `ab`", *(cell for kinds in recorded.values() for cell in _ours(kinds)))
    for rule, calls_slower in TWO_RUNS.items():
        table.add_row(rule, *(cell for kinds in recorded.values() for cell in _theirs(kinds, calls_slower)))
    console = Console(width=1000, color_system=None)
    with console.capture() as capture:
        console.print(table)
    lines = "\n".join(line.rstrip() for line in capture.get().splitlines() if line.strip())
    return f"{HEAD}\n{lines}\n\n{_live(recorded)}\n\n{_sources(recorded)}\n"


HEAD = f"""\
# Error rates of rules that call a change slower

Generated by `python -m benchmarks.rule_study` from the processes in `live.jsonl`, which `python -m \
benchmarks.live_study` recorded while another process wanted the measured core a third of the time; don't \
edit. Each share is of {N_RESAMPLES:,} draws (with replacement, fixed seed). *Undecided* counts as missed. \
Ours may take up to 20 pairs of processes, the others look at two processes. Ours has a threshold of 2.5 %; \
the added work is about 5 %, which a rule with a higher threshold must miss.
"""


def _sources(recorded: Mapping[str, Mapping[str, Sequence[Comparison]]]) -> str:
    lines = []
    for name, kinds in recorded.items():
        same, slower = kinds["same"], kinds["slower"]
        n_pairs = sum(len(comparison.ratios) for comparison in same)
        seen = median(ratio for comparison in slower for ratio in comparison.ratios) - 1
        spread = np.std([np.log(ratio) for comparison in same for ratio in comparison.ratios])
        lines.append(
            f"- {name}: {len(same)} comparisons of equal sides ({n_pairs} pairs, standard deviation of the "
            f"log-ratio {spread:.2%}), {len(slower)} with work added (median of the pairs {seen:+.1%})"
        )
    return "\n".join(lines)


def _live(recorded: Mapping[str, Mapping[str, Sequence[Comparison]]]) -> str:
    """Say how the comparisons ended when they were measured, and what so many can tell."""
    same = [each.category for kinds in recorded.values() for each in kinds["same"]]
    slower = [each.category for kinds in recorded.values() for each in kinds["slower"]]
    n_alarms = len(same) - same.count(Category.UNCHANGED) - same.count(Category.UNDECIDED)
    text = (
        f"As they were decided live, `ab` called {n_alarms} of {len(same)} equal cases slower or faster, and "
        f"{slower.count(Category.SLOWER)} of {len(slower)} slowed ones slower."
    )
    if n_alarms:
        return text
    bound = 1 - 0.05 ** (1 / len(same))  # as often as that, so many without one would be a 5 % chance
    return f"{text} So many rule out false alarms more frequent than {bound:.0%} (with 95 %), and no fewer."


def _ours(kinds: Mapping[str, Sequence[Comparison]]) -> list[str]:
    generator, rule = np.random.default_rng(SEED), Rule()
    shares = []
    for kind in ("same", "slower"):
        pool = [ratio for comparison in kinds[kind] for ratio in comparison.ratios]
        drawn = generator.choice(pool, (N_RESAMPLES, rule.max_pairs))
        called = [conclude(ratios, rule).category is Category.SLOWER for ratios in drawn.tolist()]
        shares.append(float(np.mean(called)))
    return [f"{shares[0]:.1%}", f"{1 - shares[1]:.1%}"]


def _theirs(
    kinds: Mapping[str, Sequence[Comparison]], calls_slower: Callable[[Process, Process], bool]
) -> list[str]:
    generator = np.random.default_rng(SEED)
    shares = []
    for kind in ("same", "slower"):
        called = []
        for _ in range(N_RESAMPLES):
            base = new = _draw(generator, kinds["same"])
            while new is base:  # another comparison, hence another moment
                new = _draw(generator, kinds[kind])
            called.append(calls_slower(_draw(generator, base.base), _draw(generator, new.new)))
        shares.append(float(np.mean(called)))
    return [f"{shares[0]:.1%}", f"{1 - shares[1]:.1%}"]


def _draw(generator: np.random.Generator, values: Sequence[T]) -> T:
    return values[int(generator.integers(len(values)))]


if __name__ == "__main__":
    sys.exit(main())
