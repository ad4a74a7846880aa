"""Writers of a history: many at once, killed, out of room."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.errors import UsageError
from benchmarks.files import LEFTOVER_S, PARTIAL
from benchmarks.paths import CODE
from benchmarks.track.history import add, read_history
from tests.helpers.runs import run_of_day, timed, write
from tests.track.test_history import listing

if TYPE_CHECKING:
    from collections.abc import Sequence


KILL = (
    "import os; from stat import S_ISDIR; from benchmarks.track import history as h; "
    "kill = lambda *_, **__: os.kill(os.getpid(), 9); "
)
STEPS = {
    "before it writes": "h.os.fsync = kill",
    "before it publishes": "h.os.link = kill",
    "after it published": "link = os.link; h.os.link = lambda *a: (link(*a), kill())",
    "before it tidies up": "import pathlib; pathlib.Path.unlink = kill",
    "before the folder is safe": "h.os.fsync = lambda fd: S_ISDIR(os.fstat(fd).st_mode) and kill()",
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_writer_killed_at_any_step_leaves_the_record_whole_or_not_there_and_the_next_one_adds_it(
    step: str, file: Path, folder: Path
) -> None:
    folder.mkdir()
    code = f"{KILL}{step}; from pathlib import Path as P; h.add(P({str(file)!r}), P({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=CODE, check=False)  # noqa: S603 - ours

    assert done.returncode == -signal.SIGKILL
    history = read_history(folder)
    assert not history.faults
    assert len(history.records) <= 1
    assert add(file, folder)[1] == (not history.records)
    assert [record.path.read_bytes() for record in read_history(folder).records] == [file.read_bytes()]


def test_what_a_killed_writer_left_is_never_read_and_removed_after_an_hour(file: Path, folder: Path) -> None:
    folder.mkdir()
    old, young = (folder / PARTIAL.format(number) for number in range(2))
    for partial in (old, young):
        partial.write_bytes(file.read_bytes()[:100])
    os.utime(old, (time.time() - LEFTOVER_S - 1,) * 2)

    assert read_history(folder).faults == ()
    add(file, folder)

    assert not old.exists()
    assert young.exists()


def test_a_writer_whose_file_was_taken_for_left_behind_says_that_it_failed(
    file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_late(_: int) -> None:
        for partial in folder.glob(PARTIAL.format("*")):
            partial.unlink()

    monkeypatch.setattr("benchmarks.track.history.os.fsync", be_late)
    with pytest.raises(UsageError, match=r"can't be added .*No such file"):
        add(file, folder)
    assert listing(folder) == {}


@pytest.mark.parametrize(
    ("call", "number"), [("fsync", errno.ENOSPC), ("link", errno.EPERM)], ids=["a full disk", "no hard links"]
)
def test_a_disk_that_can_not_take_it_is_named_and_the_records_are_unharmed(
    call: str, number: int, file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(write(run_of_day(1, timed("torch_eager", [1e-3])), file.with_name("other.json")), folder)
    before = listing(folder)

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(f"benchmarks.track.history.os.{call}", fail)
    with pytest.raises(UsageError, match=rf"can't be added to {folder} \({os.strerror(number)}\)"):
        add(file, folder)

    assert listing(folder) == before


def test_a_record_that_is_there_needs_no_room(
    file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(file, folder)
    monkeypatch.setattr("benchmarks.track.history.os.link", lambda *_: pytest.fail("it was written again"))

    assert not add(file, folder)[1]


def test_a_file_cut_short_by_the_system_while_it_is_written_never_appears(file: Path, folder: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; from benchmarks.__main__ import main; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
        f"sys.exit(main(['track', 'add', {str(file)!r}, '--history', {str(folder)!r}]))"
    )
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", code], cwd=CODE, capture_output=True, text=True, check=False
    )

    assert done.returncode == 4
    assert "can't be added" in done.stderr
    assert "File too large" in done.stderr
    assert listing(folder) == {}


class Writers:
    """Processes of `track add` in one folder, some of them killed; and what they said they had done."""

    def __init__(self, folder: Path, files: Sequence[Path], seed: int) -> None:
        self.history, self.files = folder / "history", files
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True)
        self.random = random.Random(seed)  # noqa: S311 - no secret

    def start(self, number: int) -> subprocess.Popen[bytes]:
        files = self.random.sample(self.files, len(self.files))
        command = [sys.executable, "-m", "benchmarks", "track", "add", *map(str, files)]
        with (self.logs / f"{number}.log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603 - ours
                [*command, "--history", str(self.history)], cwd=CODE, stdout=log, stderr=log
            )

    def run(self, n_writers: int, *, n_doomed: int) -> int:
        """Start them at once; kill some, each when it has added a random number. Say how many were killed."""
        writers = [self.start(number) for number in range(n_writers)]
        doomed = {number: self.random.randrange(len(self.files)) for number in range(n_doomed)}
        while doomed:
            time.sleep(0.001)
            for number, n_to_add in list(doomed.items()):
                n_added = (self.logs / f"{number}.log").read_bytes().count(b"\n")
                if n_added >= max(1, n_to_add) or writers[number].poll() is not None:
                    writers[number].kill()
                    del doomed[number]
        return sum(writer.wait() == -signal.SIGKILL for writer in writers)

    @property
    def completed(self) -> set[str]:
        """Names of the records that a writer reported as added."""
        lines = [line for path in self.logs.iterdir() for line in path.read_text().splitlines()]
        return {Path(line.partition(": ")[2]).name for line in lines}


@pytest.mark.parametrize(
    ("n_writers", "n_doomed", "n_records", "seed"),
    [(4, 2, 20, 0), *(pytest.param(10, 6, 60, seed, marks=pytest.mark.long) for seed in range(5))],
)
def test_writers_at_once_of_which_some_are_killed_lose_tear_and_double_nothing(
    n_writers: int, n_doomed: int, n_records: int, seed: int, tmp_path: Path
) -> None:
    days = [run_of_day(day, timed("torch_eager", [1e-3])) for day in range(n_records)]
    files = [write(run, tmp_path / f"{day}.json") for day, run in enumerate(days)]
    writers = Writers(tmp_path / str(seed), files, seed)

    assert writers.run(n_writers, n_doomed=n_doomed) > 0

    found = {path.name: path.read_bytes() for path in writers.history.glob("*.json")}
    assert read_history(writers.history).faults == ()  # none is torn
    assert writers.completed <= found.keys()  # none is lost
    assert len(found) == len(set(found.values()))  # none is there twice
    assert set(found.values()) == {file.read_bytes() for file in files}  # the others lived to add all
