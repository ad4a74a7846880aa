"""Files that are there whole or not at all, and the system's refusals in words."""

import contextlib
import errno
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path

from benchmarks.errors import UsageError
from benchmarks.paths import real_path

PARTIAL = ".perceptron-bench-{}.partial"
"""The name of a file that is being written; no reader looks for it."""

LEFTOVER_S = 3600
"""Age at which such a file counts as left behind by a killed process: writing one takes milliseconds."""

ONLY_OVERWRITTEN = (errno.EACCES, errno.EPERM, errno.EBUSY)
"""The system's refusals to replace a file in a folder of somebody else, or one that is mounted."""


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        UsageError: it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path}: can't be read ({error.strerror})"
        raise UsageError(message) from None


@contextlib.contextmanager
def explain_refusal(path: Path, *, remedy: str) -> Iterator[None]:
    """Turn the system's refusal to write into a message for the user.

    Raises:
        UsageError: the system refused.
    """
    try:
        yield
    except OSError as error:
        message = f"{path}: can't be written ({error.strerror}); {remedy}"
        raise UsageError(message) from None


def try_to_write(path: Path) -> None:
    """Check that the path can be opened for writing, and make its folder; a file there stays as it is.

    Raises:
        OSError: it can't be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_fifo():
        return  # opened and closed, it would tell its reader that all is written
    is_there = os.path.lexists(path)
    with path.open("a" if is_there else "x", encoding="utf-8"):
        pass
    if not is_there:
        path.unlink()


def try_to_replace(path: Path) -> None:
    """Check that `write_atomically` can write the path, and make its folder.

    Raises:
        OSError: the folder can't be written, or the path is a folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    with tempfile.TemporaryFile(dir=path.parent):
        pass


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace the file by one with this content (text in UTF-8); if that fails, the old file is unharmed.

    Raises:
        OSError: it can't be written.
    """
    with _written(path.parent, content) as partial:
        partial.replace(path)


def write_named(path: Path, content: str | bytes) -> None:
    """Write a file that the user named: as a whole, but for a pipe, a device, or what can't be replaced.

    A link stays, and the file that it leads to is replaced.

    Raises:
        OSError: it can't be written.
    """
    target = real_path(path)
    try:
        if target.is_file() or not target.exists():
            write_atomically(target, content)
            return
    except OSError as error:
        if error.errno not in ONLY_OVERWRITTEN:
            raise
    path.write_bytes(_encoded(content))


def write_new(path: Path, content: str | bytes) -> Path:
    """Create the file, under a name with a number if there is one already; return its path.

    Raises:
        OSError: it can't be written.
    """
    numbered = (path.with_stem(f"{path.stem}-{n}") for n in count(2))
    return next(each for each in chain([path], numbered) if _create(each, content))


def _create(path: Path, content: str | bytes) -> bool:
    try:
        return create_atomically(path, content)
    except OSError:
        if path.exists():
            return False
        write_atomically(path, content)  # if it fails again, the reason was not that there are no hard links
        return True


def create_atomically(path: Path, content: str | bytes) -> bool:
    """Create the file with this content and return whether it is new; one that exists is left as it is.

    Raises:
        OSError: it can't be written, or the file system has no hard links.
    """
    with _written(path.parent, content) as partial, contextlib.suppress(FileExistsError):
        os.link(partial, path)
        return True
    return False


@contextlib.contextmanager
def _written(folder: Path, content: str | bytes) -> Iterator[Path]:
    """Write a temporary file and sync it to the disk; remove it in the end if it is still there."""
    _remove_leftovers(folder)
    partial = folder / PARTIAL.format(uuid.uuid4().hex)
    with partial.open("xb") as stream:  # exclusive: it follows no symlink and overwrites no other file
        try:
            stream.write(_encoded(content))
            stream.flush()
            os.fsync(stream.fileno())
            yield partial
        finally:
            partial.unlink(missing_ok=True)


def _encoded(content: str | bytes) -> bytes:
    """Return text in UTF-8, with half a surrogate pair, which a file's name may hold, as its number."""
    return content.encode(errors="backslashreplace") if isinstance(content, str) else content


def _remove_leftovers(folder: Path) -> None:
    for partial in folder.glob(PARTIAL.format("*")):
        with contextlib.suppress(OSError):  # another process was faster, or it is not ours to remove
            if time.time() - partial.lstat().st_mtime > LEFTOVER_S:
                partial.unlink()


def keep(content: str, output: Path, *, is_new: bool) -> Path:
    """Write the record and return its path; if that fails, write it into a new temporary folder.

    One that `is_new` replaces no other file.

    Raises:
        UsageError: it failed; the message says why, and where the record is.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if is_new:
            return write_new(output, content)
        write_named(output, content)
    except OSError as error:
        message = f"{output}: can't be written ({error.strerror}); the record is "
        raise UsageError(message + _kept_elsewhere(content, output.name)) from None
    return output


def _kept_elsewhere(content: str, name: str) -> str:
    try:
        kept = Path(tempfile.mkdtemp(prefix="perceptron-bench-record-"), name)
        write_atomically(kept, content)
    except OSError as error:
        return f"lost: {tempfile.gettempdir()} can't be written, either ({error.strerror})"
    return f"kept in {kept}"
