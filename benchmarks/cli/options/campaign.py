"""The command `campaign`."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any

from benchmarks.cli.parser import Parser, add_argument, add_parser, add_path
from benchmarks.pytest_plugin.options import Options, count, flag

DESCRIPTION = """\
spread a suite over the nodes of a cluster, and merge the records

The problems are divided into slots. A slot is one job, which measures its
problems with all implementations, on its own node: all sides of a ratio
are measured on one node. On a SLURM cluster all jobs are submitted at once;
elsewhere they run here, one after another.

  perceptron-bench campaign --suite sweep --slots 8 --slurm-partition cpu

The same command goes on after Ctrl-C, which cancels the jobs, after a job that
was killed, and after a call that was: it follows the cluster's jobs, which go
on without it. In the end `merge` joins the records of all slots, and refuses
nodes that differ. It needs submitit: pip install 'perceptron-bench[cluster]'.
"""

STATUSES = {
    0: "every case that can run there is verified and timed",
    1: "a case is INVALID or FAILED, or a slot's job ended without its record",
    2: "it was interrupted",
}

OUTPUT = """\
the file of the merged record; default: results/local/runs/DATE.json, which results/local/README.md shows"""

SLURM = {
    "partition": "the partition to submit to",
    "account": "the account that pays",
    "qos": "the quality of service",
    "constraint": "features of the nodes, so that all of them are alike",
    "gres": "generic resources of each node, as in 'gpu:1'",
    "mem": "memory of each node, as in '64GB'; '0' is all of it",
}
"""Options of sbatch, each with its help."""


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `campaign`."""
    add_parser(commands, "campaign", "campaign:campaign", DESCRIPTION, _declare, statuses=STATUSES)


def _declare(parser: Parser) -> None:
    slots = "the number of jobs; a slot has at least one problem"
    add_argument(parser, "--slots", slots, required=True, type=count, metavar="N")
    add_argument(parser, "--time", "the most that a slot may take", 60, type=count, metavar="MINUTES")
    add_argument(parser, "--here", "measure here, even where there is a cluster", default=False)
    for name, help_ in SLURM.items():
        add_argument(parser, f"--slurm-{name}", help_, metavar=name.upper())
    add_path(parser, "-o --output", OUTPUT)
    for each in fields(Options):
        if each.name != "resume":
            parser.add_argument(flag(each), **each.metadata)
    parser.set_defaults(resume=True)
