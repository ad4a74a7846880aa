"""The command line: which commands there are, and how they end."""

import os
import sys
import traceback
from collections.abc import Sequence

from benchmarks.cli import ab, compare, report, run, show, track
from benchmarks.cli.parser import DEFECT, PIPE_CLOSED, USAGE, Parser
from benchmarks.errors import UsageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the command and return the exit status."""
    parsed = build_parser().parse_args(arguments)
    try:
        status = int(parsed.do(parsed))
        sys.stdout.flush()  # here, so that a closed pipe has its own exit status
    except UsageError as error:
        sys.stderr.write(f"perceptron-bench: {error}\n")
        return USAGE
    except KeyboardInterrupt:
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception:  # noqa: BLE001 - Python's own status for it, 1, would mean that something is slower
        traceback.print_exc()
        return DEFECT
    return status


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
    ab.add_commands(commands)
    compare.add_command(commands)
    track.add_command(commands)
    return parser
