"""Stands in for torchrun's agent in tests about the ranks: it loads no PyTorch, which takes seconds.

Like the agent, it starts each rank in its own session, with its variables and its output redirected;
when some fail, it terminates the others, waits for them, and names the ranks that failed. It
waits forever.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

SUMMARY = """\
[{rank}]:
  host      : vm
  rank      : {rank} (local_rank: {rank})
  exitcode  : {status} (pid: {pid})
"""


def stand_in_for_torchrun(folder: Path) -> tuple[tuple[str, str], ...]:
    """Make a package `torch` with nothing but this agent; return the variables of a `Runtime` that has it."""
    package = folder / "agent" / "torch" / "distributed"
    package.mkdir(parents=True)
    for file in (package.parent / "__init__.py", package / "__init__.py"):
        file.write_text("")
    (package / "run.py").write_text("from tests.helpers.agent import main\n\nmain()\n")
    return (("PYTHONPATH", str(folder / "agent")),)


def main() -> None:
    """Start the ranks and wait for them; exit as the agent does."""
    options = dict(argument.split("=", 1) for argument in sys.argv if "=" in argument)
    folder, n_ranks = Path(options["--log-dir"], "run", "attempt_0"), int(options["--nproc-per-node"])
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1] - 1  # the ranks use the next one
    variables = {"WORLD_SIZE": str(n_ranks), "MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
    ranks = [_start(rank, folder / str(rank), variables) for rank in range(n_ranks)]
    while not (failed := [rank for rank, each in enumerate(ranks) if each.poll()]):
        if all(each.returncode == 0 for each in ranks):
            return
        time.sleep(0.01)
    summary = "".join(
        SUMMARY.format(rank=rank, status=ranks[rank].returncode, pid=ranks[rank].pid) for rank in failed
    )
    for each in ranks:
        if each.poll() is None:
            os.killpg(each.pid, signal.SIGTERM)
            each.wait()
    sys.exit(summary)


def _start(rank: int, folder: Path, variables: dict[str, str]) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True)
    own = os.environ | variables | {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    if path := os.environ.get(f"PYTHONPATH_OF_RANK_{rank}"):
        own["PYTHONPATH"] = os.pathsep.join([path, own["PYTHONPATH"]])
    command = [sys.executable, *sys.argv[sys.argv.index("-m") :]]
    with (folder / "stdout.log").open("w") as out, (folder / "stderr.log").open("w") as err:
        return subprocess.Popen(command, env=own, stdout=out, stderr=err, start_new_session=True)  # noqa: S603 - ranks
