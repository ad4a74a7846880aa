"""The commands `ab` and `calibrate` of the command line: their options, and what they write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.ab.calibrate import SAME, calibrate
from benchmarks.ab.comparison import Selection, compare_sides
from benchmarks.ab.pairs import SIDES
from benchmarks.ab.resume import workplace
from benchmarks.ab.sides import SideOptions
from benchmarks.cases.suites import SUITES
from benchmarks.cli.outputs import (
    Outputs,
    add_alpha,
    add_rule,
    add_verdict_parser,
    read_thresholds,
)
from benchmarks.compare.rule import COUNTED_RULE, METRICS, Rule
from benchmarks.paths import CALIBRATIONS, IMPLEMENTATIONS
from benchmarks.runner.rounds import Settings
from benchmarks.runner.system import choose_cpus, collect_provenance
from benchmarks.terminal import wide_terminal
from impls.contract import DEVICES

if TYPE_CHECKING:
    import argparse

CALIBRATION_PAIRS = 40
WORKER_TIMEOUTS_S = {"time": Settings.worker_timeout_s, "instructions": 5 * Settings.worker_timeout_s}

AB_DESCRIPTION = """\
Is the new side slower than the base? Measured now, on this machine: fresh processes of the two sides in
alternating order, every one verified like any other measurement. Each case stops as soon as it is decided.

  perceptron-bench ab --base-ref main                       this checkout against a commit
  perceptron-bench ab --new-python ../nightly               the same files in another environment
  perceptron-bench ab --base-impl a.py --new-impl b.py      two files
  perceptron-bench ab --new-env XLA_FLAGS=--xla_cpu_enable_fast_math=true --impl jax_scan
"""


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `ab` and `calibrate`."""
    ab = add_verdict_parser(
        commands,
        "ab",
        summary="is one side slower than another? measured now, in alternating processes",
        description=AB_DESCRIPTION,
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
    ab.add_argument(
        "--changed",
        action="store_true",
        help="compare, besides, every implementation whose code differs between the sides",
    )
    add_rule(ab, Rule())
    ab.add_argument(
        "--max-pairs",
        type=int,
        metavar="N",
        help=f"default: {Rule.max_pairs}; of instructions {COUNTED_RULE.max_pairs}",
    )
    ab.add_argument(
        "--metric",
        choices=METRICS,
        default=Rule.metric,
        help="what to compare of an epoch: its time, or the instructions that it executes (under valgrind: "
        "hardly any noise, but slow, and not all that takes time is instructions); default: %(default)s",
    )
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
    add_alpha(calibrate_, Rule())
    calibrate_.add_argument(
        "--pairs", type=int, default=CALIBRATION_PAIRS, metavar="N", help="to measure; default: %(default)s"
    )
    calibrate_.add_argument(
        "--max-pairs",
        type=int,
        default=Rule.max_pairs,
        metavar="N",
        help="that a comparison may take which is to use it, as its own --max-pairs; default: %(default)s",
    )
    calibrate_.set_defaults(do=_calibrate, changed=False, threshold=(), metric=Rule.metric)


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
        "--impl-dir",
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
        help="default: results/local/calibration",
    )
    parser.add_argument(
        "--worker-timeout",
        type=float,
        metavar="SECONDS",
        help=f"for each problem; default: {Settings.worker_timeout_s:g}",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep each process's result until the verdict is written, and go on where the same call was "
        "killed or interrupted",
    )


def _selection(parsed: argparse.Namespace) -> Selection:
    return Selection(
        impls=parsed.impl_dir,
        asked=parsed.impl,
        default=SUITES["default"].impls if parsed.impl_dir.resolve() == IMPLEMENTATIONS else (),
        changed=parsed.changed,
        problems=parsed.problem or ["book"],
        devices=DEVICES if parsed.device == "all" else (parsed.device,),
        rule=_rule(parsed),
        thresholds=read_thresholds(parsed.threshold),
        calibrations=parsed.calibration,
        cores=parsed.cores,
        worker_timeout_s=WORKER_TIMEOUTS_S[parsed.metric]
        if parsed.worker_timeout is None
        else parsed.worker_timeout,
    )


def _rule(parsed: argparse.Namespace) -> Rule:
    rule = COUNTED_RULE if parsed.metric == "instructions" else Rule()
    max_pairs = rule.max_pairs if parsed.max_pairs is None else parsed.max_pairs
    return replace(rule, max_pairs=max_pairs, min_pairs=min(rule.min_pairs, max_pairs), alpha=parsed.alpha)


def _ab(parsed: argparse.Namespace) -> int:
    options = {
        side: SideOptions(
            **{name: getattr(parsed, f"{side}_{name}") for name in ("python", "ref", "impl", "env")}
        )
        for side in SIDES
    }
    outputs, terminal, selection = Outputs.of(parsed), wide_terminal(), _selection(parsed)
    provenance = collect_provenance(choose_cpus(selection.cores))
    run_identity = selection.with_sides(options) if parsed.resume else None
    with workplace(run_identity, provenance) as place:
        comparison = compare_sides(selection, options, place, terminal)
        outputs.report(comparison, terminal)
        place.is_done = not comparison.interrupted
    return comparison.exit_status(undecided_is_fine=parsed.undecided_ok)


def _calibrate(parsed: argparse.Namespace) -> int:
    selection = _selection(parsed)
    provenance = collect_provenance(choose_cpus(selection.cores))
    run_identity = ("calibrate", parsed.pairs, selection.with_sides(SAME)) if parsed.resume else None
    with workplace(run_identity, provenance) as place:
        return calibrate(selection, place, wide_terminal(), n_pairs=parsed.pairs)
