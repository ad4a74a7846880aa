"""Several ranks of one worker, started without torchrun, and a loop over ranks in NumPy: it starts fast."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from benchmarks.cases.implementations import read_entry
from benchmarks.runner.system import choose_cpus
from benchmarks.worker.env_vars import worker_environment
from benchmarks.worker.messages import Job, Measurement, message_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.worker.messages import Message
    from impls.contract import Problem
    from tests.conftest import Copy

RANKS = """
import time
from multiprocessing.connection import Client, Listener

SPANS_RANKS = True


def join(ranks):
    global RANKS, PEERS
    RANKS, address = ranks, (ranks.address, ranks.port)
    if ranks.rank == 0:
        listener = Listener(address)
        PEERS = [listener.accept() for _ in range(1, ranks.n_ranks)]
    else:
        PEERS = [connect(address)]


def connect(address):
    while True:
        try:
            return Client(address)
        except ConnectionRefusedError:
            time.sleep(0.01)


def leave():
    largest([0.0])


def largest(values):
    return reduced(np.array(values), np.max).tolist()


def reduced(vector, function):
    if RANKS.rank > 0:
        PEERS[0].send(vector)
        return PEERS[0].recv()
    found = function([vector, *(peer.recv() for peer in PEERS)], axis=0)
    for peer in PEERS:
        peer.send(found)
    return found


def own_rows(y):
    return slice(len(y) * RANKS.rank // RANKS.n_ranks, len(y) * (RANKS.rank + 1) // RANKS.n_ranks)
"""

MEAN = "*gradient, loss = reduced(np.append(gradient, loss), np.mean)"
SPANNING = (
    ("import numpy as np\n", f"import numpy as np\n{RANKS}"),
    ("    return batches\n", "    return [(x[own_rows(y)], y[own_rows(y)]) for x, y in batches]\n"),
    ("        adam(state, gradient)\n", f"        {MEAN}\n        adam(state, np.array(gradient))\n"),
)
"""Make NumPy's loop span ranks: each averages gradient and loss over them."""


def numpy_ranks(copy_of: Copy, *changes: tuple[str, str], as_name: str = "numpy_ranks") -> Path:
    """Write the loop over ranks in NumPy, changed."""
    path = copy_of("numpy_float32", *SPANNING, as_name=as_name)
    source = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    path.write_text(source, encoding="utf-8")
    return path


@dataclass(frozen=True)
class Answers:
    """What a rank answered, its exit status (None: it was killed), and what it wrote to its log."""

    messages: list[Message]
    status: int | None
    log: str

    @property
    def measurements(self) -> list[Measurement]:
        """Return the answers that are no failures."""
        return [message for message in self.messages if isinstance(message, Measurement)]


def run_ranks(
    path: Path,
    problems: Sequence[Problem],
    folder: Path,
    *,
    starters: Sequence[Any] = (subprocess, subprocess),
    within_s: float = 120.0,
    variables: Mapping[str, str] = MappingProxyType({}),
    **options: Any,
) -> list[Answers]:
    """Measure the problems on as many ranks as there are starters, and kill those that take too long."""
    n_ranks = len(starters)
    job = Job(
        path=str(path),
        framework=read_entry(path).framework,
        devices=("cpu",),
        problems=tuple(problems),
        n_ranks=n_ranks,
        **{"cpus": choose_cpus(n_ranks), "sample_s": 0.0, **options},
    )
    job_file, results = folder / "job", folder / "results"
    job_file.write_text(job.to_json(), encoding="utf-8")
    command = [sys.executable, "-P", "-m", "benchmarks.worker", str(job_file), str(results), "0"]
    port = free_port() - 1  # the ranks use the one after it
    processes, logs = [], [folder / f"log.{rank}" for rank in range(n_ranks)]
    for rank, starter in enumerate(starters):
        with logs[rank].open("w") as log:
            environment = _environment(job, rank, port) | dict(variables)
            process = starter.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
            processes.append(process)
    until = time.monotonic() + within_s
    statuses = [_wait(process, until) for process in processes]
    return [
        Answers(_messages(folder / f"results{f'.{rank}' * bool(rank)}"), status, log.read_text())
        for rank, (status, log) in enumerate(zip(statuses, logs, strict=True))
    ]


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as found:
        found.bind(("localhost", 0))
        port: int = found.getsockname()[1]
        return port


def _environment(job: Job, rank: int, port: int) -> dict[str, str]:
    return worker_environment(n_cores=1, caches=job.caches, cpu_only=True) | {
        "RANK": str(rank),
        "WORLD_SIZE": str(job.n_ranks),
        "LOCAL_RANK": str(rank),
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": str(port),
    }


def _wait(process: subprocess.Popen[bytes], until: float) -> int | None:
    while process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    if process.poll() is not None:
        return process.returncode
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return None


def _messages(results: Path) -> list[Message]:
    if not results.exists():
        return []
    return [message_from_json(line) for line in results.read_text(encoding="utf-8").splitlines()]
