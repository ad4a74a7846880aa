"""The parts of every caption, in words: the machine, its cores, the software."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from benchmarks.records.provenance import Host, Provenance


def machine(at: Provenance) -> str:
    """Describe each host, with the names of those alike: "a, b: EPYC (2 CPUs), Linux · pinned to CPU 1"."""
    names: dict[str, list[str]] = defaultdict(list)
    for host in at.hosts:
        names[_host(host)].append(host.machine)
    return "; ".join(f"{', '.join(alike)}: {text}" for text, alike in names.items())


def _host(host: Host) -> str:
    pinned = f"pinned to CPU {', '.join(map(str, host.pinned_to))}" if host.pinned_to else "not pinned"
    limited = f" · {host.throttle}" if host.throttle else ""
    return f"{hardware(host.cpu, host.n_cpus, host.gpu)}, {host.system} · {pinned}{limited}"


def hardware(cpu: str, n_cpus: int, gpu: str | None) -> str:
    """Describe the processors: "EPYC (2 CPUs), H200"."""
    return f"{cpu} ({n_cpus} CPUs)" + (f", {gpu}" if gpu else "")


def cores(n: int) -> str:
    """Return a number of cores: "2 cores"."""
    return f"{n} core{'s' * (n != 1)}"


def cores_per_case(numbers: Iterable[int]) -> str:
    """Return the numbers of cores that a run's cases were kept to: "1 or 2 cores per case"."""
    found = sorted(set(numbers))
    return f"{' or '.join(map(str, found))} core{'s' * (found != [1])} per case"


def software(versions: Mapping[str, str], commit: str | None) -> str:
    """Describe packages and harness: "torch 2.13.0, jax 0.10.2 · commit 0123456789"."""
    return f"{packages(versions)} · commit {commit or 'unknown'}"


def packages(versions: Mapping[str, str]) -> str:
    """Return the versions of packages: "torch 2.13.0, jax 0.10.2"."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())
