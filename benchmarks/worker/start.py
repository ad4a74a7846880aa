"""How a measuring process starts, pinned and bound to its parent's life; and whether it stays alone."""

import ctypes
import getpass
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_type_hints

from benchmarks.worker.observe import FrameworkObserver, children_cpu_s, resident_host_bytes
from benchmarks.worker.ranks import ALONE, Group, join
from impls.contract import CONTRACT_VERSION, Device, Implementation, Ranks, SpansRanks

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER = 1, 36, 37  # linux/prctl.h
PROCESSES, TASKS = Path("/proc"), Path("/proc/self/task")

COMPILER_S = 0.01
"""Child processes that used less CPU time than this were no compilers."""

CLOCKS = {name: getattr(time, name) for name in ("perf_counter", "process_time", "monotonic", "time")}
"""The functions as they are when this module is loaded, which is before the implementation is."""

PROBES_PASSED = "TORCHINDUCTOR_VEC_ISA_OK"
"""With it, Inductor generates the same code, but does not probe whether libraries with the processor's vector
instructions can be compiled and loaded: a second in each process, before first calls. It is set where all of
them have passed before, on this machine. Private names are only asked for that; without them it probes."""


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


def move(cpus: tuple[int, ...]) -> None:
    """Keep all threads to the given CPUs."""
    moved: set[int] = set()
    while new := _threads() - moved:  # another may have started one meanwhile
        for thread in new:
            with suppress(ProcessLookupError):  # it has just ended
                os.sched_setaffinity(thread, cpus)
        moved |= new


def _threads() -> set[int]:
    """Return the threads of this process, by number; only on Linux."""
    return {int(task.name) for task in TASKS.iterdir()}


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
    kinds = [Implementation, *([SpansRanks] if getattr(module, "SPANS_RANKS", False) else [])]
    functions = (name for kind in kinds for name in vars(kind) if not name.startswith("_"))
    expected = [*get_type_hints(Implementation), *functions]
    missing = [name for name in expected if not hasattr(module, name)]
    if missing:
        message = f"{path} lacks {', '.join(missing)}: an implementation defines {', '.join(expected)}"
        raise AttributeError(message)
    return cast("Implementation", module)


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What it took to load an implementation."""

    resident_bytes: int | None = None  # of the process, once it was loaded; None: unknown
    compile_s: float = 0.0  # to load the file, if that compiled something: part of a first call then


def load_observed(
    path: Path, devices: Sequence[Device], observer: FrameworkObserver, ranks: Ranks | None = None
) -> tuple[Implementation, dict[Device, str | None], Loaded, Group]:
    """Load the file, after its framework; also return for each device why it can't run there, or None.

    With `ranks` it joins the others. That comes first of all: JAX can't join once it has a device.
    """
    start_s = time.perf_counter()
    n_before, children_before_s = observer.n_compilations(), children_cpu_s()
    implementation = load(path)
    group = join(implementation, ranks) if ranks else ALONE
    unavailable = {device: implementation.unavailable(device) for device in devices}
    compiles = observer.n_compilations() != n_before or children_cpu_s() - children_before_s > COMPILER_S
    compile_s = time.perf_counter() - start_s if compiles else 0.0
    loaded = Loaded(resident_bytes=resident_host_bytes(), compile_s=compile_s)
    return implementation, unavailable, loaded, group


def adopt_orphans() -> None:
    """On Linux, become the parent of the processes whose parent, started by this process, has ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def _orphans_go() -> bool:
    """Whether `adopt_orphans` has been undone: a descendant may live that no longer has us as an ancestor."""
    adopts = ctypes.c_int(1)  # as long as the system does not say
    ctypes.CDLL(None).prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(adopts))
    return not adopts


def n_processes() -> int | None:
    """Count this process and its descendants, with one for those let go; None if the system can't say."""
    if not TASKS.exists():
        return None
    parents: dict[int, int] = {}
    for folder in PROCESSES.iterdir():
        with suppress(OSError, ValueError):  # another file, or a process that has just ended
            fields = (
                (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            )
            parents[int(folder.name)] = int(fields[1])
    family = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return len(family) + _orphans_go()


def cpus_allowed(*, but_for: int | None = None) -> set[int] | None:
    """Return the CPUs that some thread but for one may run on; None if the system can't say."""
    if not TASKS.exists():
        return None
    allowed: set[int] = set()
    for thread in _threads() - {but_for}:
        with suppress(ProcessLookupError):  # it has just ended
            allowed |= os.sched_getaffinity(thread)
    return allowed


def replaced_clocks() -> list[str]:
    """Name the functions of `time` that are no longer Python's own."""
    return [name for name, function in CLOCKS.items() if getattr(time, name) is not function]


def headers_in(temporary: Path) -> Path:
    """Return the folder of headers that PyTorch compiles, in a folder for temporary files.

    Raises:
        KeyError: the user has no name.
    """
    return temporary / f"torchinductor_{getpass.getuser()}" / "precompiled_headers"


def skip_passed_probes(framework: str) -> None:
    """Let PyTorch, once it is loaded, not probe again what has passed."""
    if framework == "torch" and PROBES_PASSED not in os.environ:
        with suppress(OSError, KeyError, ImportError):
            if _mark().exists():
                os.environ[PROBES_PASSED] = "1"


def keep_passed_probes() -> None:
    """Note it if this process has probed, and all instructions that the processor has have passed."""
    inductor = sys.modules.get("torch._inductor.cpu_vec_isa")
    if inductor is None or PROBES_PASSED in os.environ:
        return
    with suppress(AttributeError, OSError, KeyError, ImportError):
        flags = inductor.x86_isa_checker()
        asked = [isa for isa in inductor.supported_vec_isa_list if {*str(isa).split()} <= {*flags}]
        has_probed = inductor.valid_vec_isa_list.cache_info().currsize
        if asked and has_probed and list(inductor.valid_vec_isa_list()) == asked:
            _mark().touch()


def _mark() -> Path:
    """Return the file that says it, named after all that the answer depends on."""
    torch = importlib.util.find_spec("torch")
    processor = ""
    with suppress(OSError):
        processor = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    flags = re.findall(r"^flags\s*:.*$", processor, re.MULTILINE)[:1]
    about = (torch and torch.origin, importlib.metadata.version("torch"), platform.machine(), flags)
    compiler = [os.environ.get(name) for name in ("CXX", "CC", "PATH")]
    digest = hashlib.sha256(repr((about, compiler)).encode()).hexdigest()[:16]
    return headers_in(Path(tempfile.gettempdir())) / f"vector-instructions-{digest}"
