"""The history: a folder of run records to which files are only added.

Each file is a byte-for-byte copy of a record. Its name has the time and the commit of the run and ends in a
digest of the bytes: `20261123T230740Z-2c2fb49449-0f1e2d3c4b5a6978.json`.

Writers need no lock. Each writes a temporary file in the same folder and, once the bytes are on the disk,
publishes it by `os.link`, which is atomic and never overwrites. So a reader finds a record whole or not at
all, however many processes write and whenever one of them is killed. A name that exists already is no
conflict: it ends in the digest, so that file is the same record. No reader looks at the temporary file of a
killed writer, and a later writer removes it after an hour; a writer that takes longer finds no file to link
and reports that it failed.
"""

import datetime as dt
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import UsageError
from benchmarks.files import create_atomically, read_bytes
from benchmarks.records.run import Run, parse_run

NAME = re.compile(r"\d{8}T\d{6}Z-[^-]+-(?P<digest>[0-9a-f]{16})\.json")


@dataclass(frozen=True, kw_only=True)
class Record:
    """A run, and the file it was read from."""

    path: Path
    run: Run
    date: dt.datetime  # in UTC


@dataclass(frozen=True, kw_only=True)
class History:
    """The records in a folder, oldest first, and for each other file the reason why it was left out."""

    records: tuple[Record, ...]
    faults: tuple[str, ...]


def read_record(path: Path) -> Record:
    """Read a record, from a history or from anywhere else.

    Raises:
        UsageError: it is not a record, or has no valid date.
    """
    return _parse(read_bytes(path), path)


def add(path: Path, folder: Path) -> tuple[Path, bool]:
    """Put a record into the history; return its path there, and whether it is new.

    Raises:
        UsageError: it is not a record, has no valid date, or the history can't be written. In any case the
            records in the history are unharmed.
    """
    content = read_bytes(path)
    target = folder / _name(_parse(content, path), content)
    try:
        _make(folder)
        is_new = not target.exists() and create_atomically(target, content)
        _sync(folder)
    except OSError as error:
        message = f"{path}: can't be added to {folder} ({error.strerror}); the records in it are unharmed; "
        raise UsageError(message + "make room, or name another folder with --history") from None
    if not is_new:
        _require_unchanged(read_bytes(target), target)
    return target, is_new


def read_history(folder: Path) -> History:
    """Read all records of a history; a file that is no record, or was changed, is reported as a fault."""
    records, faults = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            content = read_bytes(path)
            _require_unchanged(content, path)
            records.append(_parse(content, path))
        except UsageError as error:
            faults.append(str(error))
    return History(
        records=tuple(sorted(records, key=lambda record: (record.date, record.path))), faults=tuple(faults)
    )


def _parse(content: bytes, path: Path) -> Record:
    run = parse_run(content, path)
    try:
        date = dt.datetime.fromisoformat(run.provenance.date)
        if date.tzinfo is None:
            date = date.replace(tzinfo=dt.UTC)
        return Record(path=path, run=run, date=date.astimezone(dt.UTC))
    except (ValueError, OverflowError):
        message = f"{path}: expected the date of the run in ISO 8601, found {run.provenance.date!r}"
        raise UsageError(message) from None


def _name(record: Record, content: bytes) -> str:
    date = re.sub("[-:]", "", record.date.isoformat()[:19])  # strftime writes the year 999 as "999"
    sha, _, note = (record.run.provenance.commit or "").partition(" ")
    commit = sha if re.fullmatch("[0-9a-f]{4,64}", sha) else "unknown"
    changes = ".dirty" if note == "with changes" else ""
    return f"{date}Z-{commit}{changes}-{_digest(content)}.json"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _require_unchanged(content: bytes, path: Path) -> None:
    named = NAME.fullmatch(path.name)
    if named is None:
        message = f"{path}: expected a file that `track add` put there, found another name; move it elsewhere"
        raise UsageError(message)
    if named["digest"] != (found := _digest(content)):
        message = (
            f"{path}: expected the digest {named['digest']} of its name, found {found}: it was edited or "
            "damaged since it was added; restore it, or remove it and add the record again"
        )
        raise UsageError(message)


def _make(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    """Write the folder's list of names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
