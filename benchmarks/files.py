"""Files that are there whole or not at all, and the system's refusals in words."""

import contextlib
import errno
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from benchmarks.errors import UsageError

PARTIAL = ".perceptron-bench-{}.partial"
"""The name of a file that is being written; no reader looks for it."""

LEFTOVER_S = 3600
"""Age at which such a file counts as left behind by a killed process: writing one takes milliseconds."""


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
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
            yield partial
        finally:
            partial.unlink(missing_ok=True)


def _remove_leftovers(folder: Path) -> None:
    for partial in folder.glob(PARTIAL.format("*")):
        with contextlib.suppress(OSError):  # another process was faster, or it is not ours to remove
            if time.time() - partial.lstat().st_mtime > LEFTOVER_S:
                partial.unlink()


def keep(file: Path, output: Path) -> None:
    """Copy the file to the output; if that fails, move it to a new temporary folder.

    Raises:
        UsageError: it failed; the message says why, and where the file is.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(output, file.read_bytes())
    except OSError as error:
        kept = Path(tempfile.mkdtemp(prefix="perceptron-bench-record-"), file.name)
        shutil.move(file, kept)
        message = f"{output}: can't be written ({error.strerror}); the record is kept in {kept}"
        raise UsageError(message) from None
