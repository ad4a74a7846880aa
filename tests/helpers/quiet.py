"""Runs a module as on a machine that nobody else uses: `python -m tests.helpers.quiet MODULE ARGUMENTS…`.

Tests of commands run beside other tests, where a time can often not be checked. Workers are hurried, unless
the environment has the variable UNHURRIED.
"""

import os
import runpy
import sys

import cpuinfo

from benchmarks import hosts
from benchmarks.runner import launch
from benchmarks.verify import conservation
from benchmarks.verify.conservation import Judgement

HURRIED = "tests.helpers.hurried"
"""The module that is a hurried worker."""

QUIETLY = (sys.executable, "-m", "tests.helpers.quiet")
"""The beginning of a command, from the checkout; the module and its arguments follow."""

CPU = {"brand_raw": "A CPU"}
"""What py-cpuinfo would find, in a second, by its own processes: for each record."""

QUIET = Judgement(checks=[], cost_s=None, share=1.0, busy=False)
"""The judgement of a process whose time is its cost."""


def be_quiet(*, hurries: bool = True) -> None:
    """Let this process run as if nobody else used the machine, and its workers hurry."""
    launch.WORKER = HURRIED if hurries else launch.WORKER
    conservation.judge = lambda *_: QUIET
    cpuinfo.get_cpu_info = CPU.copy
    hosts.cpu_name = lambda: CPU["brand_raw"]


if __name__ == "__main__":
    be_quiet(hurries="UNHURRIED" not in os.environ)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
