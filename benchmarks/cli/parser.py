"""How every command is declared: its help, its exit statuses, and the options that several commands share."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from benchmarks.compare.rule import Rule
from benchmarks.pytest_plugin.options import BASELINE, keywords_of

USAGE, DEFECT, OUTPUT_LOST, PIPE_CLOSED = 4, 70, 74, 141
"""Exit statuses of every command: pytest's for usage errors, EX_SOFTWARE and EX_IOERR of sysexits.h, and
SIGPIPE's."""

EVERY_COMMAND = {
    0: "all is well",
    USAGE: "the call can't be understood, or a file can't be used",
    DEFECT: "perceptron-bench has a defect",
    OUTPUT_LOST: "standard output can't be written, on a full disk for example",
    PIPE_CLOSED: "the output pipe was closed",
}


RENAMED = {
    "--control": "--baseline",
    "--ratios-to": "--baseline",
    "--impls": "--impl-dir",
    "--time-limit": "--worker-timeout",
    "--budget": "--max-time",
    "--no-pictures": "--no-plots",
    "--write": "report --publish",
}
"""Options of the version before, which a message names; there are no aliases."""


def _nothing(_: object) -> None:
    """Do nothing."""


class Parser(argparse.ArgumentParser):
    """A parser that keeps exit status 2 for interruptions, as pytest does, and takes no shortened options."""

    def __init__(self, **keywords: Any) -> None:  # noqa: ANN401 - passed on to ArgumentParser, which declares and checks them
        """Refuse an option that is not written out, for it may be mistyped; show descriptions as written."""
        as_written = argparse.RawDescriptionHelpFormatter
        super().__init__(allow_abbrev=False, formatter_class=as_written, **keywords)
        self.declare: Callable[[Parser], None] = _nothing  # adds the arguments, once they are to be read

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # noqa: ANN401 - it overrides a method with three overloads, and has to accept what each of them accepts
        """Refuse an unknown option here, in the command's own parser: it knows what could be meant."""
        declare, self.declare = self.declare, _nothing
        declare(self)
        namespace, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unknown arguments: {' '.join(unknown)}{self._hint(unknown[0])}")
        return namespace, unknown

    def _hint(self, unknown: str) -> str:
        option = unknown.partition("=")[0]
        if option in RENAMED:
            return f"; {option} of version 0.1.0 is now `{RENAMED[option]}`"
        close = difflib.get_close_matches(option, self._option_string_actions, n=1)
        return f"; did you mean {close[0]}?" if close else ""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong with the call, and exit."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def add_parser(  # noqa: PLR0913 - each is what one command declares; most leave out the last three
    commands: argparse._SubParsersAction[Any],
    name: str,
    do: str,
    description: str,
    declare: Callable[[Parser], None] = _nothing,
    *,
    statuses: Mapping[int, str] = MappingProxyType({}),
    epilog: str = "",
) -> None:
    """Add a command; the first line of its description is its summary.

    `declare` adds its arguments; it is called only for the command that is given. The function `do`, as in
    "listing:list_", carries it out; its module is loaded for no help. The `statuses` are added to the exit
    statuses of every command.
    """
    every = sorted({**EVERY_COMMAND, **statuses}.items())
    explained = "\n".join(["exit statuses:", *(f"  {status:<4} {meaning}" for status, meaning in every)])
    summary, epilog = description.partition("\n")[0], epilog + explained
    parser: Parser = commands.add_parser(name, help=summary, description=description, epilog=epilog)
    parser.set_defaults(do=f"benchmarks.cli.{do}")
    parser.declare = declare


def add_argument(
    to: argparse._ActionsContainer, flags: str, help_: str, default: object = None, **keywords: object
) -> None:
    """Add an option or a positional argument; see `keywords_of`."""
    to.add_argument(*flags.split(), **keywords_of(help_, default, **keywords))


def add_path(to: argparse._ActionsContainer, flags: str, help_: str, default: Path | None = None) -> None:
    """Add an option that takes a path."""
    add_argument(to, flags, help_, default, type=Path, metavar="PATH")


def add_alpha(parser: Parser, rule: Rule) -> None:
    """Add the option for the rate of false alarms."""
    alpha = "the largest probability of a single false alarm in the whole comparison"
    add_argument(parser, "--alpha", alpha, rule.alpha, type=float)


def add_baseline(parser: Parser, default: str) -> None:
    """Add --baseline; `default` describes which implementation it is where none is named."""
    add_argument(parser, "--baseline", f"{BASELINE}; default: {default}", metavar="NAME")
