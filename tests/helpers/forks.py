"""Workers that start at once: each is forked off a process that has loaded a framework, which takes seconds.

All else is as in a run: each job has its own process and variables, and `benchmarks.runner.launch` waits for
it, limits its time, kills it and reads its answers. But unless a test judges times or watches threads, its
workers are hurried: they do as much, but for less long, and begin with the first problem.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from benchmarks.runner.system import share_headers
from benchmarks.worker import __main__ as worker
from benchmarks.worker.messages import Job
from benchmarks.worker.ranks import ALONE, Group
from benchmarks.worker.start import die_with
from benchmarks.worker.training import wake
from tests.helpers.hurried import HURRIED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from impls.contract import Device, Implementation, Precision

MODULES = {"torch": "torch._dynamo", "jax": "optax", "numpy": "numpy"}
"""By framework, a module that every loop loads in the end."""
COMPILER = "torch._inductor.compile_fx"
"""The module that PyTorch's compiled loops load, too."""


def wake_ranks(
    implementation: Implementation, device: Device, precision: Precision, group: Group = ALONE
) -> None:
    """Wake a loop only where its error would show; alone, a framework compiles a tiny problem for seconds."""
    if implementation.FRAMEWORK == "numpy" or not group.tolerated:
        wake(implementation, device, precision, group)


class Forks:
    """Stands in for the module `subprocess` in `launch`: forks workers off a process for each framework."""

    DEVNULL = subprocess.DEVNULL

    def __init__(self, temporary: Path) -> None:
        """Load nothing yet."""
        self.temporary = temporary
        self.hurries = True
        self.lock = threading.Lock()  # two sides of a comparison may start at the same time
        self.servers: dict[str, Server] = {}

    def Popen(self, command: Sequence[str], **options: Any) -> Any:  # noqa: N802 - subprocess's name
        """Fork a worker off, or start one of another framework."""
        job = Job.from_json(Path(command[-3]).read_text(encoding="utf-8"))
        if job.framework not in MODULES:
            return subprocess.Popen(command, **options)  # noqa: S603 - as `launch` does
        source = Path(job.path).read_text(encoding="utf-8")
        compiles = "@torch.compile(" in source or "aoti_compile_and_package(" in source
        request = {
            "module": COMPILER if compiles else MODULES[job.framework],
            "files": command[-3:-1],
            "environment": options["env"],
            "log": options["stdout"].name,
            "hurries": self.hurries,
        }
        with self.lock:
            if job.framework not in self.servers:
                temporary = share_headers(self.temporary, self.temporary)
                self.servers[job.framework] = Server({**options["env"], "TMPDIR": temporary})
            return Fork(self.servers[job.framework], request)

    def close(self) -> None:
        """End the processes that fork."""
        for server in self.servers.values():
            server.close()


class Server:
    """A process that forks, seen from here."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start it with the variables of its first worker."""
        command, pipe = [sys.executable, "-P", "-m", "tests.helpers.forks"], subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, bufsize=0, stdin=pipe, stdout=pipe)  # noqa: S603 - this file on this Python, without a shell
        self.statuses: dict[int, int] = {}  # of the processes that have ended
        self.lock = threading.Lock()  # of its answers

    def fork(self, request: Mapping[str, object]) -> int:
        """Return the number of a new process."""
        assert self.process.stdin
        with self.lock:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            while (started := self._answer()) is None:
                pass
            self.statuses.pop(started, None)  # an earlier process may have had the number
        return started

    def status_of(self, pid: int, timeout_s: float | None) -> int | None:
        """Return the exit status, or None while it runs."""
        assert self.process.stdout
        with self.lock:
            while pid not in self.statuses and select.select([self.process.stdout], [], [], timeout_s)[0]:
                self._answer()
            return self.statuses.get(pid)

    def close(self) -> None:
        """End it."""
        self.process.communicate()

    def _answer(self) -> int | None:
        """Read which process has started, and return it, or which one has ended, and note it."""
        assert self.process.stdout
        pid, *status = map(int, self.process.stdout.readline().split())
        if not status:
            return pid
        (self.statuses[pid],) = status
        return None


class Fork:
    """A forked worker, with as much of Popen as `launch` needs."""

    def __init__(self, server: Server, request: Mapping[str, object]) -> None:
        """Request it, and wait until it has started."""
        self.server, self.pid = server, server.fork(request)
        self.returncode: int | None = None

    def poll(self, timeout_s: float | None = 0.0) -> int | None:
        """Return the exit status, or None while it runs."""
        if self.returncode is None:
            self.returncode = self.server.status_of(self.pid, timeout_s)
        return self.returncode

    def wait(self) -> None:
        """Wait until it ends."""
        self.poll(None)

    def __enter__(self) -> Self:
        """Return it, as Popen does."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait until it ends, as Popen does."""
        self.wait()


def serve(requests: Iterable[str]) -> None:
    """Fork a worker off for each request; answer with its number, and again, with its status, at its end."""
    die_with(os.getppid())
    running: list[int] = []

    def tell(*_: object) -> None:
        for pid in [*running]:
            with contextlib.suppress(ChildProcessError):  # its end has just been told
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    os.write(1, f"{pid} {os.waitstatus_to_exitcode(status)}\n".encode())
                    running.remove(pid)

    signal.signal(signal.SIGCHLD, tell)
    for line in requests:
        request = json.loads(line)
        importlib.import_module(request.pop("module"))
        gc.freeze()  # else every collection would scan these modules
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os._exit(work(**request))
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            os.setpgid(pid, pid)  # `launch` kills the group
        os.write(1, f"{pid}\n".encode())
        running.append(pid)
        tell()  # if it has ended already


def work(files: Sequence[str], environment: Mapping[str, str], log: str, *, hurries: bool) -> int:
    """Be a worker in this process; return its exit status."""
    for module, name, value in (*HURRIED, (worker, "wake", wake_ranks)) if hurries else ():
        setattr(module, name, value)
    os.environ.clear()
    os.environ.update(environment)
    if jax := sys.modules.get("jax"):  # when it was loaded, it read the name of another worker's folder
        jax.config.update("jax_compilation_cache_dir", environment.get("JAX_COMPILATION_CACHE_DIR"))
    sys.argv[1:] = [*files, str(os.getppid())]
    tempfile.tempdir = None  # to be found anew
    with Path(os.devnull).open() as nothing, Path(log).open("a") as output:
        for stream, descriptor in enumerate((nothing, output, output)):
            os.dup2(descriptor.fileno(), stream)
    try:
        job_file, results_file = map(Path, files)
        worker.main(job_file, results_file, os.getppid())
    except SystemExit as error:
        return int(bool(error.code))
    except BaseException:  # noqa: BLE001 - as any of them ends Python
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    serve(sys.stdin)
