"""Measures on a machine with a GPU that is lent for minutes: a list of lines, the most important one first.

    python -m benchmarks.studies.gpu.session --seconds 420 -o session.tar [--lines 1-4] [--resume]

Each line has its own limit and is ended there; what it wrote is kept. After each line the archive is
written anew. A line that has no time left is left out. With --resume, lines that are done are not
measured again. Exit status 1 if a line is not done.
"""

import argparse
import io
import json
import re
import shutil
import sys
import tarfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from benchmarks.decode import decode
from benchmarks.errors import UsageError
from benchmarks.files import explain_refusal, try_to_replace, write_atomically
from benchmarks.runner.signals import held
from benchmarks.studies.findings import run_study, study_parser
from benchmarks.studies.gpu import commands
from benchmarks.studies.gpu.lines import LINES, Line

RESERVE_S = 2.0
"""To write the archive."""

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
    parser.add_argument("--seconds", type=_seconds, required=True, help="in all")
    parser.add_argument(
        "--lines", type=_numbers, default=range(1, len(LINES) + 1), help="as 1-4; default: all"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the archive")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the archive (tar)")
    return run_study(parser, _measure, arguments)


def _seconds(text: str) -> float:
    seconds = float(text) if re.fullmatch(r"\d+(\.\d*)?", text) else 0.0
    if not seconds:
        message = f"expected a number of seconds above zero, as 420, found {text!r}"
        raise argparse.ArgumentTypeError(message)
    return seconds


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
        remedy = f"what was measured is in {session.folder}: make room, and go on with --resume"
        with explain_refusal(parsed.output, remedy=remedy):
            try:
                session.run(lines, end_s)
            except KeyboardInterrupt:
                sys.stdout.write("the session was ended\n")
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
        if archive.exists():
            _unpack(archive, folder)
        folder.mkdir(parents=True, exist_ok=True)
        return cls(archive, folder, _states_in(folder))

    def run(self, lines: Sequence[Line], end_s: float) -> None:
        """Run the lines that are not done, while there is time."""
        for line in lines:
            earlier = self.states.get(line.name)
            if earlier and earlier.status == DONE:
                continue
            left_s = end_s - time.monotonic() - commands.GRACE_S - RESERVE_S
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
        reasons = list(commands.run_all(line, folder, start_s + limit_s))
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


def _states_in(folder: Path) -> States:
    path = folder / STATES
    if not path.exists():
        return {}
    try:
        return decode(dict[str, LineState], json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        message = (
            f"{path}: expected the states of a session's lines ({error}); remove it to measure all again"
        )
        raise UsageError(message) from None


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack the archive; a file that is in the folder already is newer."""
    try:
        with tarfile.open(archive) as tar:
            tar.getmember(STATES)
            for member in tar.getmembers():
                if not (folder / member.name).exists():
                    tar.extract(member, folder, filter="data")
    except (OSError, KeyError, tarfile.TarError) as error:
        message = f"{archive}: expected an archive of a session ({error}); name another one with -o"
        raise UsageError(message) from None


if __name__ == "__main__":
    sys.exit(main())
