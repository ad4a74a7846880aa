"""What a side's Python has: the versions of its frameworks, and a digest of all that it can import."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache

from benchmarks.errors import UsageError
from benchmarks.hosts import PACKAGES, own_versions
from benchmarks.worker.env_vars import runtime_variables, worker_environment
from benchmarks.worker.messages import Runtime

_ASK_VERSIONS = f"""
import importlib.metadata, json, platform, sys
versions = {{"python": platform.python_version()}}
for package in {PACKAGES!r}:
    try:
        versions[package] = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        versions[package] = "not installed"
json.dump(versions, sys.stdout)
"""


@cache  # two sides often have the same, and nobody installs anything meanwhile
def importable_by(runtime: Runtime) -> str:
    """Return a digest of all code that a side's processes can import."""
    arguments = ("-m", "benchmarks.ab.import_digest", str(os.getpid()))
    return _ask(runtime, *arguments, variables=worker_environment(n_cores=1))


def _ask(runtime: Runtime, *arguments: str, variables: Mapping[str, str]) -> str:
    """Return the last line that a side's Python prints: a greeting may precede it."""
    done = subprocess.run(  # noqa: S603 - to run this Python, without a shell, is what the user asked for
        [runtime.python, "-P", *arguments],
        env={**variables, **runtime_variables(runtime)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()[-1]


def versions_in(runtime: Runtime) -> dict[str, str]:
    """Return the versions of a side's Python and its frameworks, as that Python reports them.

    Raises:
        UsageError: it does not answer, is too old, or lacks NumPy, which every worker needs.
    """
    python = runtime.python
    if python == sys.executable and not any(name.startswith("PYTHON") for name, _ in runtime.variables):
        return own_versions()
    try:
        versions: dict[str, str] = json.loads(_ask(runtime, "-c", _ASK_VERSIONS, variables=os.environ))
    except (subprocess.SubprocessError, OSError, ValueError, IndexError) as error:
        output = str(getattr(error, "stderr", None) or error).strip()[-300:]
        message = f"{python}: expected a Python of 3.11 or later, found a program that prints {output!r}"
        raise UsageError(message) from None
    if tuple(map(int, versions["python"].split(".")[:2])) < (3, 11):
        message = f"{python}: expected Python 3.11 or later, found {versions['python']}"
        raise UsageError(message)
    if versions["numpy"] == "not installed":
        message = f"{python} has no NumPy, which every worker needs: {python} -m pip install numpy"
        raise UsageError(message)
    return versions
