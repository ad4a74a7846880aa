"""What a user may ask for: declared once, for pytest and for the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.cases.implementations import discover
from benchmarks.cases.problems import NAMED
from benchmarks.cases.suites import SUITES
from benchmarks.errors import UsageError
from benchmarks.runner.rounds import Settings
from impls.contract import DEVICES, PRECISIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from impls.contract import Device, Precision


DAY_S = 86_400


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user asked for; an empty list of implementations means all."""

    suite: str | None = "default"  # None: the cases are not a suite's, but named
    impl: Sequence[str] = field(default_factory=lambda: SUITES["default"].impls)
    problem: Sequence[str] = SUITES["default"].problems
    precision: Precision | None = None  # of every problem; None: whatever each says
    devices: Sequence[Device] = DEVICES
    rounds: int = SUITES["default"].rounds
    max_time_s: float | None = None
    cores: int = 1
    quick: bool = False
    resume: bool = False
    baseline: str = "torch_eager"
    worker_timeout_s: float = Settings.worker_timeout_s

    @classmethod
    def read(cls, value_of: Callable[[str], Any]) -> Options:
        """Collect the options from wherever they were parsed.

        Raises:
            UsageError: a number is out of its range.

        """
        name = "quick" if value_of("quick") else value_of("suite")
        suite = SUITES[name]
        rounds, is_picked = value_of("rounds"), bool(value_of("impl") or value_of("problem"))
        options = cls(
            suite=None if is_picked else name,
            impl=value_of("impl") or suite.impls,
            problem=value_of("problem") or suite.problems,
            precision=value_of("precision"),
            devices=DEVICES if value_of("device") == "all" else (value_of("device"),),
            rounds=suite.rounds if rounds is None or name == "quick" else rounds,
            max_time_s=value_of("max_time") or (None if rounds or is_picked else suite.max_time_s),
            cores=value_of("cores"),
            quick=name == "quick",
            resume=value_of("resume") or suite.resumes,
            baseline=value_of("baseline"),
            worker_timeout_s=value_of("worker_timeout"),
        )
        for option, value in (("--rounds", options.rounds), ("--cores", options.cores)):
            if value < 1:
                message = f"{option}: expected at least 1, found {value}"
                raise UsageError(message)
        for option, seconds in (
            ("--worker-timeout", options.worker_timeout_s),
            ("--max-time", value_of("max_time")),
        ):
            if seconds is not None and not 0 < seconds <= DAY_S:
                message = f"{option}: expected more than 0 s and at most a day, found {seconds:g}"
                raise UsageError(message)
        return options


def declare(add_option: Callable[..., object]) -> None:
    """Declare the options through argparse's `add_argument` or pytest's `addoption`."""
    names = ", ".join(name for name, entry in discover().items() if entry.tier != "reference")
    suites = "; ".join(f"{name}: {suite.summary}" for name, suite in SUITES.items())
    add_option(
        "--suite",
        choices=list(SUITES),
        default="default",
        metavar="NAME",
        help=f"what to measure where --impl, --problem and --rounds don't say; {suites}; "
        "default: %(default)s",
    )
    add_option(
        "--impl",
        action="append",
        metavar="NAME",
        help=f"an implementation ({names}) or the path of a file with one; repeatable; default: the suite's",
    )
    add_option(
        "--problem",
        action="append",
        metavar="NAME[,FIELD=VALUE…]",
        help=f"a problem ({', '.join(NAMED)}), with fields replaced if you like, as in "
        "'book,batch_size=64,data=stream'; repeatable; default: the suite's",
    )
    add_option(
        "--precision",
        choices=PRECISIONS,
        help="of every problem's matrix products; below float32 on GPUs only; default: each problem's own, "
        "float32 where it names none",
    )
    add_option(
        "--device",
        choices=[*DEVICES, "all"],
        default="all",
        help="where to run; what a machine lacks is marked 'not measured'; default: all",
    )
    add_option(
        "--rounds",
        type=int,
        help=f"timed processes per implementation; below {Settings.rounds} there is no 95%% interval; "
        "default: the suite's",
    )
    add_option(
        "--max-time",
        type=float,
        metavar="SECONDS",
        help="begin no round that would end later than so long after the first process began: for a machine "
        "that is yours for so long; problems are measured four at a time, and each four, or the last few, "
        "get an equal share, and their inspection and first round whatever it says; default: as long as it "
        "takes, but what the suite 'default' names about three minutes",
    )
    add_option("--quick", action="store_true", help="the suite 'quick': one round, whatever --rounds says")
    add_option(
        "--cores",
        type=int,
        default=Options.cores,
        metavar="N",
        help="CPUs that every implementation is allotted and kept to; default: %(default)s",
    )
    add_option(
        "--resume",
        action="store_true",
        help="go on where the same run was killed or its --max-time was up, with one more round at least; "
        "the suites 'sweep' and 'full' do so by themselves",
    )
    add_option(
        "--baseline",
        metavar="NAME",
        default=Options.baseline,
        help="the implementation that the others are compared with; default: %(default)s",
    )
    add_option(
        "--worker-timeout",
        type=float,
        metavar="SECONDS",
        default=Options.worker_timeout_s,
        help="stop a worker that gives no result for so long; default: %(default)g",
    )
