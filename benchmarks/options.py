"""What a user may ask for: declared once, for pytest and for the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.contest import Settings
from benchmarks.discover import discover
from benchmarks.errors import UsageError
from benchmarks.problems import NAMED
from impls.contract import DEVICES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from impls.contract import Device


DAY_S = 86_400


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user asked for; an empty list of names means all."""

    impl: Sequence[str] = ()
    problem: Sequence[str] = ()
    devices: Sequence[Device] = DEVICES
    rounds: int = Settings.rounds
    quick: bool = False
    baseline: str = "torch_eager"
    time_limit_s: float = Settings.time_limit_s

    @classmethod
    def read(cls, value_of: Callable[[str], Any]) -> Options:
        """Collect the options from wherever they were parsed.

        Raises:
            UsageError: a number is out of its range.

        """
        options = cls(
            impl=value_of("impl") or (),
            problem=value_of("problem") or (),
            devices=DEVICES if value_of("device") == "all" else (value_of("device"),),
            rounds=1 if value_of("quick") else value_of("rounds"),
            quick=value_of("quick"),
            baseline=value_of("baseline"),
            time_limit_s=value_of("time_limit"),
        )
        if options.rounds < 1:
            message = f"--rounds: expected at least 1, found {options.rounds}"
            raise UsageError(message)
        if not 0 < options.time_limit_s <= DAY_S:
            message = (
                f"--time-limit: expected more than 0 s and at most a day, found {options.time_limit_s:g}"
            )
            raise UsageError(message)
        return options


def declare(add_option: Callable[..., object]) -> None:
    """Declare the options through argparse's `add_argument` or pytest's `addoption`."""
    names = ", ".join(name for name, entry in discover().items() if entry.tier != "reference")
    add_option(
        "--impl",
        action="append",
        metavar="NAME",
        help=f"an implementation ({names}) or the path of a file with one; repeatable; default: all",
    )
    add_option(
        "--problem",
        action="append",
        metavar="NAME[,FIELD=VALUE…]",
        help=f"a problem ({', '.join(NAMED)}), with fields replaced if you like, as in "
        "'book,batch_size=64,data=stream'; repeatable; default: all",
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
        default=Options.rounds,
        help=f"fresh processes per implementation; below {Options.rounds} there is no 95%% interval; "
        "default: %(default)s",
    )
    add_option("--quick", action="store_true", help="one round whatever --rounds says, for a look")
    add_option(
        "--baseline",
        metavar="NAME",
        default=Options.baseline,
        help="the implementation that the others are compared with; default: %(default)s",
    )
    add_option(
        "--time-limit",
        type=float,
        metavar="SECONDS",
        default=Options.time_limit_s,
        help="stop a worker that gives no result for so long; default: %(default)g",
    )
