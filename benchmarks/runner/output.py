"""The output of a worker, which may be endless: only its end is kept and read."""

import os
from contextlib import suppress
from pathlib import Path

MAX_LOG_BYTES = 2**20
TAIL_BYTES = 2**16
"""A log that has grown beyond the first is cut to its last bytes, as many as the second."""


def tail(log: Path, n_lines: int) -> str:
    """Return the last lines of a log of any size."""
    return "\n".join(_last_bytes(log).decode(errors="replace").splitlines()[-n_lines:])


def cut(log: Path) -> None:
    """Keep only the end of a long log, to which its writers append meanwhile."""
    if size_of(log) > MAX_LOG_BYTES:
        end = _last_bytes(log)
        os.truncate(log, 0)
        with log.open("ab") as file:
            file.write(end)


def size_of(file: Path) -> int:
    """Return the size in bytes: 0 for a file that is gone."""
    with suppress(FileNotFoundError):
        return file.stat().st_size
    return 0


def _last_bytes(file: Path) -> bytes:
    with file.open("rb") as stream:
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - TAIL_BYTES))
        return stream.read(TAIL_BYTES)
