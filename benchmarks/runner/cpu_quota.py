"""The CPU time that a container may use: the quotas of its control groups."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

ROOT, MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
"""Where Linux shows the control groups, and to which of them this process belongs."""


def cpu_quota(root: Path = ROOT, membership: Path = MEMBERSHIP) -> float | None:
    """Return how many CPUs' time this process may use; None: there is no quota, or the system shows none.

    The smallest quota counts: that of the process's own group, or of any group around it.
    """
    with contextlib.suppress(OSError, ValueError):
        quotas = [_quota(group) for group in _groups(root, membership.read_text(encoding="utf-8"))]
        return min((round(quota, 3) for quota in quotas if quota is not None), default=None)
    return None


def _groups(root: Path, membership: str) -> Iterator[Path]:
    """Find the groups that limit CPU time; in version 1 each controller has its own groups."""
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        # In a container, the path may be the host's; the container's own group is then at the top.
        top = root / controllers
        group = top / path.lstrip("/")
        yield from (group, *(each for each in group.parents if each.is_relative_to(top)))


def _quota(group: Path) -> float | None:
    with contextlib.suppress(OSError, ValueError):  # a ValueError: "max", for no limit
        quota_us, period_us = map(int, (group / "cpu.max").read_text(encoding="utf-8").split())
        return quota_us / period_us
    with contextlib.suppress(OSError, ValueError):
        names = (f"cpu.cfs_{each}_us" for each in ("quota", "period"))
        quota_us, period_us = (int((group / name).read_text(encoding="utf-8")) for name in names)
        return quota_us / period_us if quota_us > 0 else None
    return None
