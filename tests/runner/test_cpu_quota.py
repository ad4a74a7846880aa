"""The quota of CPU time, as both versions of control groups show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.runner.cpu_quota import cpu_quota

if TYPE_CHECKING:
    from pathlib import Path

OF_HOST = "0::/docker/0123/user\n"
OF_CPU = "cpu,cpuacct/docker/0123/cpu.cfs"
VERSION_1 = "9:memory:/docker/0123\n4:cpu,cpuacct:/docker/0123\n1:name=systemd:/docker/0123\n"


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        (OF_HOST, {"docker/0123/user/cpu.max": "30000 100000\n"}, 0.3),
        (OF_HOST, {"docker/0123/user/cpu.max": "max 100000\n"}, None),
        (OF_HOST, {"docker/0123/user/cpu.max": "max 100000", "docker/cpu.max": "50000 100000"}, 0.5),
        (OF_HOST, {"docker/0123/user/cpu.max": "90000 100000", "docker/cpu.max": "50000 100000"}, 0.5),
        (OF_HOST, {"cpu.max": "200000 100000"}, 2.0),  # within the container, where the path is not known
        (
            VERSION_1,
            {f"{OF_CPU}_quota_us": "25000", f"{OF_CPU}_period_us": "100000"},
            0.25,
        ),
        (
            VERSION_1,
            {f"{OF_CPU}_quota_us": "-1", f"{OF_CPU}_period_us": "100000"},
            None,
        ),
        (VERSION_1, {"memory/docker/0123/cpu.max": "1 2"}, None),
        ("nonsense", {}, None),
    ],
)  # fmt: skip
def test_the_smallest_quota_of_the_groups_around_a_process_counts(
    membership: str, files: dict[str, str], quota: float | None, tmp_path: Path
) -> None:
    (tmp_path / "membership").write_text(membership, encoding="utf-8")
    for name, text in files.items():
        file = tmp_path / "groups" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    assert cpu_quota(tmp_path / "groups", tmp_path / "membership") == quota


def test_a_system_without_control_groups_has_no_quota(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path / "none", tmp_path / "none") is None
