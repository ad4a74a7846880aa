"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from benchmarks.errors import UsageError
from benchmarks.files import (
    LEFTOVER_S,
    PARTIAL,
    create_atomically,
    explain_refusal,
    try_to_replace,
    try_to_write,
    write_atomically,
    write_named,
    write_new,
)
from benchmarks.paths import CODE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WRITERS = [write_atomically, create_atomically, write_named, write_new]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file that another takes the place of."""
    path = tmp_path / "file.txt"
    path.write_text("old", encoding="utf-8")
    return path


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_writing_replaces_a_file_and_creating_leaves_it(old: Path) -> None:
    assert not create_atomically(old, "new")
    assert old.read_text(encoding="utf-8") == "old"

    write_atomically(old, "µ")
    assert create_atomically(old.with_name("other"), b"bytes")

    assert contents(old.parent) == {"file.txt": "µ", "other": "bytes"}


@pytest.mark.parametrize("write", WRITERS)
def test_who_may_read_a_written_file_is_what_the_user_set(
    write: Callable[[Path, str], object], tmp_path: Path
) -> None:
    earlier = os.umask(0o027)
    try:
        write(tmp_path / "file", "new")
    finally:
        os.umask(earlier)

    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("write", WRITERS)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    write: Callable[[Path, str], object], old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("benchmarks.files.os.fsync", fail)
    with pytest.raises(OSError, match="No space left on device"):
        write(old, "new")

    assert contents(old.parent) == {"file.txt": "old"}


def test_a_file_that_is_larger_than_the_system_allows_leaves_the_old_one_and_nothing_else(old: Path) -> None:
    code = (
        "import pathlib, resource, sys; from benchmarks.files import write_atomically; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
        "write_atomically(pathlib.Path(sys.argv[1]), 'x' * 1001)"
    )
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", code, str(old)], cwd=CODE, capture_output=True, text=True, check=False
    )

    assert "File too large" in done.stderr
    assert contents(old.parent) == {"file.txt": "old"}


@contextmanager
def read_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make it the current folder, in which this process may not write, not even as root."""
    monkeypatch.chdir(folder)  # another user can't reach it by its path
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(0o755)


def test_a_read_only_folder_is_left_as_it_was(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(old.name)

    with read_only(old.parent, monkeypatch):
        with (
            pytest.raises(UsageError, match=r"can't be written \(Permission denied\); name another"),
            explain_refusal(path, remedy="name another"),
        ):
            write_atomically(path, "new")
        with pytest.raises(PermissionError):
            try_to_replace(path)

    assert contents(old.parent) == {"file.txt": "old"}


@pytest.mark.parametrize("write", WRITERS)
def test_a_symlink_under_the_temporary_name_is_neither_followed_nor_removed(
    write: Callable[[Path, str], object], old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.files.uuid.uuid4", lambda: UUID(int=0))
    folder = old.parent / "folder"
    folder.mkdir()
    planted = folder / PARTIAL.format(UUID(int=0).hex)
    planted.symlink_to(old)

    with pytest.raises(FileExistsError):
        write(folder / "file", "new")

    assert old.read_text(encoding="utf-8") == "old"
    assert list(folder.iterdir()) == [planted]


def test_a_symlink_is_replaced_and_the_file_that_it_leads_to_is_left(old: Path) -> None:
    link = old.with_name("link")
    link.symlink_to(old)

    write_atomically(link, "new")

    assert not link.is_symlink()
    assert contents(old.parent) == {"file.txt": "old", "link": "new"}


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_writer_that_is_killed_leaves_the_old_file_and_its_own_is_removed_after_an_hour(
    step: str, old: Path
) -> None:
    code = (
        "import os, pathlib, sys; from benchmarks import files; kill = lambda *_: os.kill(os.getpid(), 9); "
        f"os.fsync = kill if {step!r} == 'fsync' else os.fsync; pathlib.Path.replace = kill; "
        "files.write_atomically(pathlib.Path(sys.argv[1]), 'new')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(old)], cwd=CODE, check=False)  # noqa: S603 - ours

    assert done.returncode == -signal.SIGKILL
    assert old.read_text(encoding="utf-8") == "old"
    (left,) = old.parent.glob(PARTIAL.format("*"))
    write_atomically(old, "new")
    assert left.exists()
    os.utime(left, (time.time() - LEFTOVER_S - 1,) * 2)
    write_atomically(old, "new")
    assert contents(old.parent) == {"file.txt": "new"}


def test_whether_a_file_can_be_replaced_is_found_out_without_changing_it(old: Path) -> None:
    try_to_replace(old)
    try_to_replace(old.parent / "new" / "file")

    assert old.read_text(encoding="utf-8") == "old"
    assert list((old.parent / "new").iterdir()) == []
    with pytest.raises(IsADirectoryError):
        try_to_replace(old.parent)


def test_a_named_link_stays_and_the_file_that_it_leads_to_is_replaced_as_a_whole(old: Path) -> None:
    link, other = old.with_name("link"), old.with_name("other")
    link.symlink_to(old)
    os.link(old, other)

    write_named(link, "new")

    assert link.is_symlink()
    assert contents(old.parent) == {"file.txt": "new", "link": "new", "other": "old"}


def test_a_named_pipe_or_device_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    write_named(pipe, "new")
    write_named(Path(os.devnull), "new")

    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert not Path(os.devnull).is_file()


def test_a_named_pipe_is_not_opened_until_it_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: object, **__: object) -> None:
        message = "its reader now sees the end"
        raise OSError(message)

    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(Path, "open", opened)

    try_to_write(tmp_path / "pipe")
    with pytest.raises(OSError, match="sees the end"):
        try_to_write(tmp_path / "file")


def test_a_named_file_in_a_folder_of_somebody_else_is_overwritten(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.chmod(0o666)

    with read_only(old.parent, monkeypatch):
        write_named(Path(old.name), "new")

    assert contents(old.parent) == {"file.txt": "new"}


def test_a_new_file_gets_a_number_where_there_is_one(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert write_new(old, "second") == old.with_name("file-2.txt")

    def no_hard_links(*_: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr("benchmarks.files.os.link", no_hard_links)
    assert write_new(old, "third") == old.with_name("file-3.txt")

    assert contents(old.parent) == {"file.txt": "old", "file-2.txt": "second", "file-3.txt": "third"}


def test_half_a_surrogate_pair_is_written_as_its_number(old: Path) -> None:
    write_atomically(old, "a\udcffb")

    assert contents(old.parent) == {"file.txt": "a\\udcffb"}
