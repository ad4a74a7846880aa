"""The commands `ab` and `calibrate` of the command line: their options, and what they write."""

from __future__ import annotations

import argparse
import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from benchmarks.ab import Selection, compare_sides
from benchmarks.calibrate import calibrate
from benchmarks.calibration import CALIBRATIONS
from benchmarks.comparison import EXIT_STATUSES
from benchmarks.comparison_report import print_comparison, to_markdown
from benchmarks.contest import Settings
from benchmarks.decision import Rule
from benchmarks.discover import IMPLEMENTATIONS
from benchmarks.duel import SIDES
from benchmarks.errors import UsageError
from benchmarks.junit import to_junit
from benchmarks.sides import SideOptions
from benchmarks.suites import SUITES
from impls.contract import DEVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.comparison import Comparison

CALIBRATION_PAIRS = 40

AB_DESCRIPTION = """\
Is the new side slower than the base? Measured now, on this machine: fresh processes of the two sides in
alternating order, every one verified like any other measurement. Each case stops as soon as it is decided.

  perceptron-bench ab --base-ref main                       this checkout against a commit
  perceptron-bench ab --new-python ../nightly               the same files in another environment
  perceptron-bench ab --base-impl a.py --new-impl b.py      two files
  perceptron-bench ab --new-env XLA_FLAGS=--xla_cpu_enable_fast_math=true --impl jax_scan
"""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """Where a comparison's report goes besides the terminal."""

    json: Path | None
    markdown: Path | None
    junit: Path | None

    def require_writable(self) -> None:
        """Find out before measuring, not after.

        Raises:
            UsageError: one of them can't be written.

        """
        for path in filter(None, vars(self).values()):
            with _told(path), path.open("a", encoding="utf-8"):
                pass

    def write(self, comparison: Comparison) -> None:
        """Write what was asked for; append to the job summary of a workflow of GitHub's, where there is one.

        Raises:
            UsageError: one of them can't be written.

        """
        texts = {
            self.json: comparison.to_json().encode(),
            self.markdown: to_markdown(comparison).encode(),
            self.junit: to_junit(comparison),
        }
        for path, text in texts.items():
            if path:
                with _told(path):
                    path.write_bytes(text)
        if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
            with _told(Path(summary)), Path(summary).open("a", encoding="utf-8") as file:
                file.write(to_markdown(comparison))


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"{path}: can't be written ({error.strerror}); name another file"
        raise UsageError(message) from None


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `ab` and `calibrate`."""
    ab = commands.add_parser(
        "ab",
        help="is one side slower than another? measured now, in alternating processes",
        description=AB_DESCRIPTION,
        epilog=EXIT_STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for side, here in (("base", "what to compare with"), ("new", "what may be slower")):
        group = ab.add_argument_group(f"{side}: {here}; what is not said is as it is here")
        group.add_argument(
            f"--{side}-python",
            metavar="PATH",
            help="another Python or virtual environment, with the frameworks to measure and none of ours",
        )
        group.add_argument(
            f"--{side}-ref", metavar="COMMIT", help="the implementations of a commit, a tag or a branch"
        )
        group.add_argument(
            f"--{side}-impl", metavar="FILE", type=Path, help="one implementation, from this file"
        )
        group.add_argument(
            f"--{side}-env", metavar="NAME=VALUE", action="append", default=[], help="a variable; repeatable"
        )
    _add_selection(ab)
    ab.add_argument("--max-pairs", type=int, default=Rule.max_pairs, metavar="N", help="default: %(default)s")
    ab.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    add_outputs(ab)
    ab.set_defaults(do=_ab)

    calibrate_ = commands.add_parser(
        "calibrate",
        help="measure this machine's own noise; ab and compare take their thresholds from it",
        description="Measure pairs of processes whose two sides are the same. Stores, per case and for this "
        "very machine and these versions: the noise, the share of false alarms, the smallest slowdown that "
        "`ab` would find here. Run it as busy or idle as the machine will be when it matters.",
        epilog="exit status: 0 all cases are calibrated; 2 interrupted; 4 usage; 5 some case could not be",
    )
    _add_selection(calibrate_)
    calibrate_.add_argument(
        "--pairs", type=int, default=CALIBRATION_PAIRS, metavar="N", help="to measure; default: %(default)s"
    )
    calibrate_.set_defaults(do=_calibrate, threshold=[], max_pairs=Rule.max_pairs)


def _add_selection(parser: argparse.ArgumentParser) -> None:
    suite = SUITES["default"]
    parser.add_argument(
        "--impl",
        action="append",
        default=[],
        metavar="NAME",
        help=f"repeatable; default: {', '.join(suite.impls)}",
    )
    parser.add_argument(
        "--problem", action="append", metavar="NAME[,FIELD=VALUE…]", help="repeatable; default: book"
    )
    parser.add_argument("--device", choices=[*DEVICES, "all"], default="cpu", help="default: %(default)s")
    parser.add_argument(
        "--cores", type=int, default=1, metavar="N", help="CPUs for each process; default: %(default)s"
    )
    parser.add_argument(
        "--impls",
        type=Path,
        default=IMPLEMENTATIONS,
        metavar="FOLDER",
        help="where the implementations lie, in a git checkout if commits are compared; default: our own",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        default=CALIBRATIONS,
        metavar="FOLDER",
        help="default: results/calibration",
    )
    parser.add_argument("--time-limit", type=float, default=Settings.time_limit_s, metavar="SECONDS")
    parser.add_argument(
        "--alpha",
        type=float,
        default=Rule.alpha,
        help="the largest probability of a single false alarm in the whole comparison; default: %(default)s",
    )
    parser.add_argument(
        "--threshold",
        action="append",
        default=[],
        metavar="[CASE=]PERCENT",
        help="a smaller change of the median is none, as in '5' or 'jax_scan=3.5'; CASE is a part of a name "
        f"of a case; repeatable; default: what calibration found, else {Rule.threshold * 100:g}",
    )


def add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add the options of every command that gives verdicts."""
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report in Markdown")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the report as JUnit XML")
    parser.add_argument(
        "--undecided-ok",
        action="store_true",
        help="exit with 0 instead of 3 where cases are too noisy to tell",
    )


def read_thresholds(texts: list[str]) -> dict[str, float]:
    """Read [CASE=]PERCENT of each; the empty part of a name fits every case.

    Raises:
        UsageError: one is no percentage.

    """
    thresholds = {}
    for text in texts:
        part, _, figure = text.rpartition("=")
        try:
            thresholds[part] = float(figure.strip().removesuffix("%")) / 100
        except ValueError:
            message = f"--threshold: expected [CASE=]PERCENT, as in 'jax_scan=3.5', found {text!r}"
            raise UsageError(message) from None
    return thresholds


def _selection(parsed: argparse.Namespace) -> Selection:
    return Selection(
        impls=parsed.impls,
        asked=parsed.impl,
        default=SUITES["default"].impls,
        problems=parsed.problem or ["book"],
        devices=DEVICES if parsed.device == "all" else (parsed.device,),
        rule=Rule(
            max_pairs=parsed.max_pairs, min_pairs=min(Rule.min_pairs, parsed.max_pairs), alpha=parsed.alpha
        ),
        thresholds=read_thresholds(parsed.threshold),
        calibrations=parsed.calibration,
        cores=parsed.cores,
        time_limit_s=parsed.time_limit,
    )


def _ab(parsed: argparse.Namespace) -> int:
    options = {
        side: SideOptions(
            **{name: getattr(parsed, f"{side}_{name}") for name in ("python", "ref", "impl", "env")}
        )
        for side in SIDES
    }
    outputs = Outputs(json=parsed.json, markdown=parsed.markdown, junit=parsed.junit)
    outputs.require_writable()
    console = Console()
    comparison = compare_sides(_selection(parsed), options, console)
    print_comparison(comparison, console)
    outputs.write(comparison)
    return comparison.exit_status(undecided_is_fine=parsed.undecided_ok)


def _calibrate(parsed: argparse.Namespace) -> int:
    return calibrate(_selection(parsed), Console(), n_pairs=parsed.pairs)
