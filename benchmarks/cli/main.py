"""The command line: which commands there are, and how they end."""

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from pkgutil import resolve_name

from benchmarks.cli.options import ab, campaign, compare, merge, report, run, show, track
from benchmarks.cli.parser import DEFECT, USAGE, Parser
from benchmarks.cli.streams import guarded_streams
from benchmarks.errors import UsageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the command and return the exit status.

    Raises:
        SystemExit: the call can't be understood, it asked for help, or standard output can't be written.
    """
    with guarded_streams() as output:
        try:
            parsed = build_parser().parse_args(arguments)
            _require_folder()
            return int(resolve_name(parsed.do)(parsed))
        except UsageError as error:
            sys.stderr.write(f"perceptron-bench: {error}\n")
            return USAGE
        except KeyboardInterrupt:
            return 2
        except Exception:  # noqa: BLE001 - printed, with an exit status of DEFECT: Python's own, 1, means that a case is slower
            if output.failure is None:
                traceback.print_exc()
            return DEFECT


def _require_folder() -> None:
    """Refuse a current folder that was deleted: no relative path means anything in it.

    Raises:
        UsageError: it was.
    """
    try:
        Path.cwd()
    except OSError as error:
        message = f"the current folder can't be used ({error.strerror}); change to another one"
        raise UsageError(message) from None


def build_parser() -> Parser:
    """Declare the commands."""
    parser = Parser(
        prog="perceptron-bench",
        description="Time one training loop in PyTorch and JAX. Every step is verified.",
        epilog="`perceptron-bench COMMAND --help` shows a command's options and exit statuses.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run.add_command(commands)
    show.add_commands(commands)
    report.add_command(commands)
    merge.add_command(commands)
    campaign.add_command(commands)
    ab.add_commands(commands)
    compare.add_command(commands)
    track.add_command(commands)
    return parser
