"""Measures on a machine with a GPU that is lent for minutes: a list of lines, the most important one first.

    python -m benchmarks.studies.gpu.session --seconds 420 -o session.tar [--lines 1-4] [--resume]

Each line has its own limit and is ended there; what it wrote is kept. After each line the archive is
written anew. A line that has no time left is left out. With --resume, lines that are done are not
measured again. Exit status 1 if a line is not done.
"""

import argparse
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from benchmarks.decode import decode
from benchmarks.errors import UsageError
from benchmarks.files import explain_refusal, try_to_replace, write_atomically
from benchmarks.paths import CODE
from benchmarks.runner.signals import held, interruptible
from benchmarks.studies.findings import run_study, study_parser
from benchmarks.studies.gpu.lines import LINES, Line

GRACE_S = 10.0
"""So long a line may take to write its record after SIGTERM, before SIGKILL."""

RESERVE_S = 2.0
"""To write the archive."""

WITH_PARENT = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Begins a command so that on Linux the system ends it if the session is killed."""

DONE, CUT, FAILED, LEFT_OUT = "done", "cut short", "failed", "left out"
STATES = "session.json"

States: TypeAlias = "dict[str, LineState]"


@dataclass(frozen=True, kw_only=True)
class LineState:
    """What became of a line."""

    status: str
    reason: str = ""
    seconds: float = 0.0
    folder: str = ""  # in the archive


NOT_BEGUN = LineState(status=LEFT_OUT, reason="the session was ended")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the lines within the time; return 0 if all are done."""
    parser = study_parser(__doc__)
    parser.add_argument("--seconds", type=float, required=True, help="in all")
    parser.add_argument(
        "--lines", type=_numbers, default=range(1, len(LINES) + 1), help="as 1-4; default: all"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the archive")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the archive (tar)")
    return run_study(parser, _measure, arguments)


def _numbers(text: str) -> Sequence[int]:
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    numbers = range(int(match[1]), int(match[2] or match[1]) + 1) if match else range(0)
    if not numbers or numbers[0] < 1 or numbers[-1] > len(LINES):
        message = f"expected numbers of lines from 1 to {len(LINES)}, as 1-4, found {text!r}"
        raise argparse.ArgumentTypeError(message)
    return numbers


def _measure(parsed: argparse.Namespace) -> int:
    end_s = time.monotonic() + parsed.seconds
    lines = [LINES[number - 1] for number in parsed.lines]
    with explain_refusal(parsed.output, remedy="name another file with -o"):
        try_to_replace(parsed.output)
    with held():  # except while a line runs
        session = Session.opened(parsed.output, is_resumed=parsed.resume)
        try:
            session.run(lines, end_s)
        except KeyboardInterrupt:
            sys.stdout.write("the session was ended\n")
        finally:
            session.close()
    states = {line.name: session.states.get(line.name, NOT_BEGUN) for line in lines}
    sys.stdout.write(summary(states) + f"archive: {parsed.output}\n")
    return 0 if all(state.status == DONE for state in states.values()) else 1


@dataclass(frozen=True)
class Session:
    """The archive, the folder that becomes it, and the lines' states."""

    archive: Path
    folder: Path
    states: States

    @classmethod
    def opened(cls, archive: Path, *, is_resumed: bool) -> "Session":
        """Begin, or go on: with what the archive holds, and what a killed session left in the folder.

        Raises:
            UsageError: there is an archive or a folder already, or the archive can't be read.
        """
        folder = archive.with_name(f"{archive.name}.lines")
        if not is_resumed and (archive.exists() or folder.exists()):
            remedy = "go on with --resume, or remove both"
            message = f"{archive}: expected no archive, found one, or its folder; {remedy}"
            raise UsageError(message)
        folder.mkdir(parents=True, exist_ok=True)
        if archive.exists():
            _unpack(archive, folder)
        path = folder / STATES
        states = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return cls(archive, folder, {name: decode(LineState, fields) for name, fields in states.items()})

    def run(self, lines: Sequence[Line], end_s: float) -> None:
        """Run the lines that are not done, while there is time."""
        for line in lines:
            earlier = self.states.get(line.name)
            if earlier and earlier.status == DONE:
                continue
            left_s = end_s - time.monotonic() - GRACE_S - RESERVE_S
            if left_s < line.least_s:
                reason = f"it needs {line.least_s:.0f} s at least, and {max(left_s, 0):.0f} s were left"
                self._note(line, earlier or LineState(status=LEFT_OUT, reason=reason))
                continue
            self._note(line, self._state_of(line, min(line.limit_s, left_s)))

    def _state_of(self, line: Line, limit_s: float) -> LineState:
        attempt = 1 + sum(1 for _ in self.folder.glob(f"{line.name}.*"))
        folder = self.folder / f"{line.name}.{attempt}"
        folder.mkdir()
        state = LineState(status=CUT, reason="the session was ended", folder=folder.name)
        self._note(line, state, archive=False)  # should the session be killed
        sys.stdout.write(f"{line.name}: {line.answers} ({limit_s:.0f} s)\n")
        sys.stdout.flush()
        start_s = time.monotonic()
        reasons = list(_run_all(line, folder, start_s + limit_s))
        status = FAILED if any("exit status" in reason for reason in reasons) else CUT if reasons else DONE
        seconds = round(time.monotonic() - start_s, 1)
        return LineState(status=status, reason="; ".join(reasons), seconds=seconds, folder=folder.name)

    def _note(self, line: Line, state: LineState, *, archive: bool = True) -> None:
        self.states[line.name] = state
        states = {name: asdict(each) for name, each in self.states.items()}
        write_atomically(self.folder / STATES, json.dumps(states, indent=1) + "\n")
        if archive:
            self._write_archive()

    def _write_archive(self) -> None:
        memory = io.BytesIO()
        with tarfile.open(fileobj=memory, mode="w") as tar:
            for path in sorted(self.folder.rglob("*")):
                tar.add(path, path.relative_to(self.folder), recursive=False)
        write_atomically(self.archive, memory.getvalue())

    def close(self) -> None:
        """Write the archive, and remove the folder, which it holds."""
        self._write_archive()
        shutil.rmtree(self.folder)


def summary(states: States) -> str:
    """Describe what became of each line."""
    return "".join(
        f"{name}: {state.status}{f' ({state.reason})' * bool(state.reason)}, {state.seconds:.0f} s\n"
        for name, state in states.items()
    )


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack the archive; a file that is in the folder already is newer."""
    try:
        with tarfile.open(archive) as tar:
            for member in tar.getmembers():
                if not (folder / member.name).exists():
                    tar.extract(member, folder, filter="data")
    except (OSError, tarfile.TarError) as error:
        message = f"{archive}: expected an archive of a session ({error}); name another one with -o"
        raise UsageError(message) from None


def _run_all(line: Line, folder: Path, end_s: float) -> Iterator[str]:
    """Run the line's commands one after another; yield why one was not done."""
    for number, command in enumerate(line.commands, start=1):
        left_s, name = end_s - time.monotonic(), f"command {number} of {len(line.commands)}"
        if left_s <= 0:
            yield f"{name}: no time left"
            return
        arguments = [each.format(out=folder, seconds=max(int(left_s - GRACE_S), 1)) for each in command]
        with (folder / f"{number}.log").open("wb") as log:
            status = _run([sys.executable, "-u", *arguments], log, left_s)  # -u: what it printed is not lost
        if status is None:
            yield f"{name}: ended after {left_s:.0f} s"
        elif status not in line.statuses:
            yield f"{name}: exit status {status}, see {folder.name}/{number}.log"


def _run(command: Sequence[str], log: io.BufferedWriter, limit_s: float) -> int | None:
    """Run the command in a process group of its own; return its exit status, None if it was ended."""
    process = subprocess.Popen(  # noqa: S603 - our own list
        [sys.executable, "-c", WITH_PARENT, *command],
        cwd=CODE,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        process_group=0,
    )
    try:
        with interruptible():
            return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and its group: first so that it can write its record."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    sys.exit(main())
