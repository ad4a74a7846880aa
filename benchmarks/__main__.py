"""The command line: run, list, explain, table, report, merge, campaign, ab, calibrate, compare, track."""

import sys

from benchmarks.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
