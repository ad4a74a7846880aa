"""The command line: which commands there are, and what an exit status means."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from benchmarks.cli import (
    ab,
    compare,
    report,
    run,
    show,
    track,
)
from benchmarks.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = """\
exit status: 0 all is well; 1 a row is INVALID or FAILED, or nothing could be measured; 2 interrupted; 4 the
call can't be understood or a file can't be used; 5 no case matches; 70 a defect
of ours; 141 who reads what is printed has closed the pipe
"""


CRASHED = 70
"""Exit status of a defect of ours: EX_SOFTWARE of sysexits.h."""


READ_ENOUGH = 141
"""Exit status of a program that SIGPIPE ends."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say and give the exit status."""
    parsed = build_parser().parse_args(arguments)
    try:
        status = int(parsed.do(parsed))
        sys.stdout.flush()  # while a closed pipe still can be told from what was found
    except UsageError as error:
        sys.stderr.write(f"perceptron-bench: {error}\n")
        return 4
    except KeyboardInterrupt:
        return 2
    except BrokenPipeError:  # whoever read has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READ_ENOUGH
    except Exception:  # noqa: BLE001 - Python's own status for it, 1, would say that something is slower
        traceback.print_exc()
        return CRASHED
    return status


class Parser(argparse.ArgumentParser):
    """A parser that keeps exit status 2 for interruptions, as pytest does, and takes no shortened options."""

    def __init__(self, **keywords: Any) -> None:  # noqa: ANN401 - the keywords of ArgumentParser
        """Refuse an option that is not written out: it may be a mistyped one."""
        super().__init__(allow_abbrev=False, **keywords)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the call, and leave."""
        self.print_usage(sys.stderr)
        self.exit(4, f"{self.prog}: {message}\n")


def build_parser() -> argparse.ArgumentParser:
    """Describe the commands."""
    parser = Parser(
        prog="perceptron-bench",
        description="PyTorch against JAX on a perceptron's training loop, verified at every step.",
        epilog=EPILOG,
    )
    commands_ = parser.add_subparsers(required=True, metavar="COMMAND")

    run.add_command(commands_)
    list_ = commands_.add_parser(
        "list",
        help="show implementations, problems and devices; what can't run here, and why",
        description="Show what can be measured: each implementation, and where it can run on this machine.",
    )
    list_.set_defaults(do=show.list_)

    explain = commands_.add_parser(
        "explain",
        help="show what was checked about a case: agreement, fairness, costs, processes",
        description="Show what stands behind a row: how far it is from the reference, what was checked about "
        "its processes, what it costs, and each process's figures. Nothing is measured.",
    )
    explain.add_argument(
        "case",
        metavar="CASE",
        help="a part of the case's name, as pytest prints it: 'jax_scan', 'torch_epoch-cpu-book'",
    )
    explain.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="default: the records whose rows the report shows"
    )
    explain.set_defaults(do=show.explain)

    table = commands_.add_parser(
        "table",
        help="print the tables of recorded runs in Markdown",
        description="Print the tables of recorded runs in Markdown; nothing is measured.",
    )
    table.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="default: your records in results/local/runs; if there is none, the published ones",
    )
    table.set_defaults(do=show.table)
    report.add_command(commands_)
    ab.add_commands(commands_)
    compare.add_command(commands_)
    track.add_command(commands_)
    return parser
