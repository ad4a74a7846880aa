"""A process that rehearses pages, each in a process forked off it: to load all packages takes seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.helpers.rehearsal import main, set_environment
from tests.helpers.stand_in import stand_in

if TYPE_CHECKING:
    from collections.abc import Iterable


class Rehearser:
    """Rehearses the pages of a copy of the checkout, one at a time; commands write there."""

    def __init__(self, checkout: Path) -> None:
        """Start the process."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.rehearser"],
            cwd=checkout,
            env=os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"},
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def status_of(self, page: Path, output: Path, *, every: bool) -> int:
        """Run the page's commands; return the exit status, and leave what they print in the file."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([str(page), str(output), every]).encode() + b"\n")
        return int(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def serve(requests: Iterable[str]) -> None:
    """Rehearse each page that is asked for, and answer with its exit status."""
    set_environment()
    if hasattr(os, "sched_setaffinity"):  # ranks need a CPU each, and a process of xdist has one
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    stand_in()
    for line in requests:
        page, output, every = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(_rehearse(Path(page), Path(output), every=every))
        os.write(1, f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())


def _rehearse(page: Path, output: Path, *, every: bool) -> int:
    with Path(os.devnull).open() as nothing, output.open("w") as file:
        for stream, descriptor in enumerate((nothing, file, file)):
            os.dup2(descriptor.fileno(), stream)
    status = main(page, every=every)
    sys.stdout.flush()
    return status


if __name__ == "__main__":
    serve(sys.stdin)
