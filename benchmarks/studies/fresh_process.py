"""Calls a function in its own process, pinned and with a worker's environment variables."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.errors import UsageError
from benchmarks.worker.env_vars import worker_environment
from benchmarks.worker.start import pin


def in_fresh_process(
    function: Callable[..., Any],
    *arguments: object,
    cpus: tuple[int, ...],
    caches: str | None = None,
    cpu_only: bool = False,
) -> Any:  # noqa: ANN401 - whatever the function returns
    """Call a function of a module in a new process, and return its result.

    Arguments and result are of JSON's types; see `worker_environment` for the options.

    Raises:
        UsageError: the process failed.
    """
    spec = sys.modules[function.__module__].__spec__  # knows the name of a module that -m has run, too
    module = spec.name if spec else function.__module__
    done = subprocess.run(
        [sys.executable, "-P", "-m", "benchmarks.studies.fresh_process"],
        input=json.dumps([module, function.__name__, cpus, arguments]),
        env=worker_environment(n_cores=max(1, len(cpus)), caches=caches, cpu_only=cpu_only),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        message = (
            f"{module}: {function.__name__} ended with exit status {done.returncode}; the reason is above"
        )
        raise UsageError(message)
    return json.loads(done.stdout)


def _call() -> None:
    module, name, cpus, arguments = json.load(sys.stdin)
    pin(tuple(cpus))  # before the module, and with it a framework, is loaded
    json.dump(getattr(importlib.import_module(module), name)(*arguments), sys.stdout)


if __name__ == "__main__":
    _call()
