"""The options of a measurement: each is declared once, as a field, for pytest and for the commands."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal, TypeVar

from benchmarks.cases.problems import NAMED
from benchmarks.cases.suites import QUICK, SUITES, Suite
from benchmarks.runner.settings import Settings
from impls.contract import DEVICES, PRECISIONS, Device, Precision

DAY_S = 86_400

BASELINE = "the implementation that the others are compared with, by the ratio of times of the same round"


def count(text: str) -> int:
    """Read a whole number of at least 1, or raise an ArgumentTypeError."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    message = f"expected a whole number of at least 1, found {text!r}"
    raise ArgumentTypeError(message)


def seconds(text: str) -> float:
    """Read a time of more than 0 s and at most a day, or raise an ArgumentTypeError."""
    with suppress(ValueError):
        if 0 < float(text) <= DAY_S:
            return float(text)
    message = f"expected more than 0 s and at most a day, found {text!r}"
    raise ArgumentTypeError(message)


def keywords_of(help_: str, default: object = None, **keywords: object) -> dict[str, Any]:
    """Return the keywords for argparse's `add_argument`; the default implies some of them."""
    if default is False:
        keywords["action"] = "store_true"
    elif default:
        help_ += "; default: %(default)s"
    return {"help": help_, "default": default, **keywords}


def option(help_: str, default: Any = None, **keywords: object) -> Any:  # noqa: ANN401 - as dataclasses.field: the annotation of the field gives its type
    """Declare a field as an option."""
    return field(default=default, metadata=keywords_of(help_, default, **keywords))


def flag(each: Field[Any]) -> str:
    """Return the option of a field."""
    return f"--{each.name.replace('_', '-')}"


def declare(options: type[CaseOptions], add_option: Callable[..., object]) -> None:
    """Declare each field's option by argparse's `add_argument` or pytest's `addoption`."""
    for each in fields(options):
        add_option(flag(each), **each.metadata)


OptionsT = TypeVar("OptionsT", bound="CaseOptions")


def read(options: type[OptionsT], value_of: Callable[[str], Any]) -> OptionsT:
    """Collect the declared options from the parser that parsed them."""
    return options(**{each.name: value_of(each.name) for each in fields(options)})


@dataclass(frozen=True, kw_only=True)
class CaseOptions:
    """The options of every command that measures: which cases, and how its processes run."""

    impl: Sequence[str] | None = option(
        "an implementation, as `perceptron-bench list` names it; `run` also takes the path of a file with "
        "one; repeatable; default: the suite's",
        action="append",
        metavar="NAME",
    )
    problem: Sequence[str] | None = option(
        f"a problem ({', '.join(NAMED)}), with new values for its fields if you like, as in "
        "'book,batch_size=64,data=stream'; repeatable; default: the suite's",
        action="append",
        metavar="NAME[,FIELD=VALUE…]",
    )
    device: Literal[Device, "all"] = option(
        "where to run; a case that can't run on this machine is shown as 'not measured'",
        "all",
        choices=[*DEVICES, "all"],
    )
    cores: int = option("CPUs for each process, which is pinned to them", 1, type=count, metavar="N")
    ranks: Sequence[int] | None = option(
        "processes that train together, each on its rows of every batch and on its own --cores; only for "
        "implementations that span ranks; for several ranks, `run` also measures one process on one core and "
        "on as many cores; repeatable; default: 1",
        action="append",
        type=count,
        metavar="N",
    )
    worker_timeout: float | None = option(
        f"kill a process that has no result after this time; default: {Settings.worker_timeout_s:g}",
        type=seconds,
        metavar="SECONDS",
    )
    resume: bool = option(
        "continue the same command where it stopped; the suites 'sweep' and 'full' always do", default=False
    )

    @property
    def devices(self) -> Sequence[Device]:
        """Return the devices to run on."""
        return DEVICES if self.device == "all" else (self.device,)


@dataclass(frozen=True, kw_only=True)
class Options(CaseOptions):
    """The options of `run` and of pytest."""

    suite: str = option(
        "the cases and rounds to measure, as far as --impl, --problem and --rounds don't name them; "
        "`perceptron-bench list` describes the suites",
        "default",
        choices=list(SUITES),
    )
    quick: bool = option(f"instead of a suite, {QUICK.summary}", default=False)
    precision: Precision | None = option(  # noqa: RUF009 - None is no mutable default
        "the precision of every problem's matrix products; lower than float32 on GPUs only; default: each "
        "problem's own",
        choices=PRECISIONS,
    )
    rounds: int | None = option(
        f"timed processes per case; with fewer than {Settings.rounds} there is no 95%% interval; default: "
        "the suite's",
        type=count,
        metavar="N",
    )
    max_time: float | None = option(
        "start no round that would end after this time; problems are measured in blocks of four, which share "
        "the time equally; a block's first round always runs; default: no limit, but about "
        "three minutes for the suite 'default'",
        type=seconds,
        metavar="SECONDS",
    )
    baseline: str = option(BASELINE, "torch_eager", metavar="NAME")

    @property
    def chosen(self) -> Suite:
        """Return the suite that is measured where the other options don't say."""
        return QUICK if self.quick else SUITES[self.suite]

    @property
    def suite_name(self) -> str | None:
        """Return the suite's name, or None where the cases are chosen one by one."""
        if self.impl or self.problem or self.ranks:
            return None
        return "quick" if self.quick else self.suite

    def settings(self, cpus: tuple[int, ...], *, timed: bool) -> Settings:
        """Return how the rounds are measured; without `timed`, each case is only verified."""
        from benchmarks.cases.unseen import COMBINATIONS  # noqa: PLC0415 - loads NumPy, for no help

        rounds = self.chosen.rounds if self.quick or self.rounds is None else self.rounds
        as_it_is = self.suite_name and self.rounds is None  # a suite's limit is for the suite as it is
        max_time_s = self.max_time or (self.chosen.max_time_s if as_it_is else None)
        return Settings(
            rounds=rounds if timed else 0,
            worker_timeout_s=self.worker_timeout or Settings.worker_timeout_s,
            max_time_s=max_time_s,
            cpus=cpus,
            # Compiling for three combinations takes a minute: too much for the suites that are to be short.
            n_unseen=len(COMBINATIONS) if timed and self.chosen.max_time_s is None and not self.quick else 1,
        )
