"""The command `perceptron-bench`, from any folder."""

import sys

from perceptron_bench.code_path import insert_code


def main() -> int:
    """Carry out the command and return the exit status."""
    insert_code()
    from benchmarks.cli.main import main as command  # noqa: PLC0415 - not importable earlier

    return command()


if __name__ == "__main__":
    sys.exit(main())
