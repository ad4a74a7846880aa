"""How a measuring process starts: pinned, bound to its parent's life, with one implementation."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import signal
import sys
from typing import TYPE_CHECKING, cast, get_type_hints

from impls.contract import CONTRACT_VERSION, Implementation

if TYPE_CHECKING:
    from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with(parent: int) -> None:
    """On Linux, let the system kill this process as soon as its parent is gone.

    A surviving worker would take its core from the run that resumes the killed one.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # gone already
        sys.exit("the harness is gone")


def pin(cpus: tuple[int, ...]) -> None:
    """Keep to the given CPUs. Call it before a framework loads, which sizes its thread pools by them."""
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)


def load(path: Path) -> Implementation:
    """Import the file as a module and check that it has all names of the contract.

    Raises:
        AttributeError: some are missing.
        ImportError: the file is no Python, an import fails, or it is written for another contract.

    """
    spec = importlib.util.spec_from_file_location(f"impls.{path.stem}", path)
    if spec is None or spec.loader is None:
        message = f"{path}: expected a Python file"
        raise ImportError(message)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        if error.name != Implementation.__module__:
            raise
        message = f"{path} is not written for version {CONTRACT_VERSION} of the contract: {error}"
        raise ImportError(message) from None
    expected = [*get_type_hints(Implementation), *(n for n in vars(Implementation) if not n.startswith("_"))]
    missing = [name for name in expected if not hasattr(module, name)]
    if missing:
        message = f"{path} lacks {', '.join(missing)}: an implementation defines {', '.join(expected)}"
        raise AttributeError(message)
    return cast("Implementation", module)
