"""Mutants of records: each is refused in words or possible, and no command breaks or hangs."""

from __future__ import annotations

import json
import math
import signal
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.cli.main import main
from benchmarks.errors import UsageError
from benchmarks.records import convert
from benchmarks.records.row import LossPoint, Verdict
from benchmarks.records.run import read_run
from tests.helpers.mutants import mutant
from tests.helpers.records import ABSENT, AGREEMENT, INVALID, document_of, row, run_of
from tests.helpers.runs import three_rows, write
from tests.records.test_convert import old_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CURVE = tuple(LossPoint(step, 0.5, 0.5, 1e-8) for step in (1, 5, 12))
RUN = run_of(
    *three_rows(),
    row("torch_step", agreement=replace(AGREEMENT, curve=CURVE), n_cores=2),
    replace(INVALID, agreement=replace(AGREEMENT, fault="loss of step 1")),
    row("jax_nojit", verdict=Verdict.FAILED, reason="crashed", agreement=None, costs=None, manifest=()),
    ABSENT,
)
DOCUMENT: dict[str, Any] = json.loads(json.dumps(document_of(RUN)))
OLD_DOCUMENT = json.loads(json.dumps(old_record(row(), INVALID)))

LIMIT_S = 60

COMMANDS = (
    ("table", "MUTANT"),
    ("explain", "o", "MUTANT"),
    ("compare", "MUTANT", "GOOD"),
    (
        "compare",
        "GOOD",
        "MUTANT",
        "--baseline=torch_eager",
        "--json=OUT",
        "--markdown=OUT.md",
        "--junit=OUT.xml",
    ),
    ("compare", "MUTANT", "MUTANT"),
    ("track", "add", "MUTANT", "--history=HISTORY"),
    ("track", "show", "--history=HISTORY"),
    ("track", "export", "MUTANT", "-o", "OUT"),
    ("track", "export", "MUTANT", "--format=customSmallerIsBetter", "-o", "OUT"),
    ("merge", "MUTANT", "SECOND", "-o", "MERGED"),
    ("merge", "SECOND", "MUTANT", "-o", "MERGED"),
)
REPORT = ("report", "MUTANT", "--no-plots", "-o", "REPORT")


@contextmanager
def limited() -> Iterator[None]:
    """End what takes too long."""

    def stop(*_: object) -> None:
        message = f"it took longer than {LIMIT_S} s"
        raise TimeoutError(message)

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def impossible(value: Any, name: str = "") -> Iterator[str]:
    """Name the values of a record, in JSON's types, that nothing can have."""
    if isinstance(value, LossPoint):
        yield from impossible(value._asdict())
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from impossible(each, key)
        yield from contradictions(value) if "verdict" in value else ()
    elif isinstance(value, list | tuple):
        for each in value:
            yield from impossible(each, name)
    elif isinstance(value, float | int) and not isinstance(value, bool):
        if not math.isfinite(value) or abs(value) >= 1e300 or (isinstance(value, int) and abs(value) > 2**63):
            yield f"{name} of {value}"
        if value < 0 and name not in ("peak_host_bytes", "more_lines", "loss", "reference_loss", 0, 1, 2):
            yield f"{name} of {value}"
    elif isinstance(value, str):
        value.encode()


def contradictions(fields: dict[str, Any]) -> Iterator[str]:
    """Name what contradicts the verdict of a row."""
    if fields["verdict"] != "verified":
        return
    agreement = fields["agreement"]
    if any(check["holds"] is False for check in fields["manifest"]):
        yield "a check that does not hold"
    if not agreement or agreement["fault"] or fields["reason"]:
        yield "a fault"
    elif (
        agreement["reference"] == "float64"
        and max(
            agreement["max_loss_deviation"] / fields["problem"]["feature_scale"],
            agreement["max_parameter_deviation"],
        )
        > 0.1
    ):  # in bfloat16
        yield "a deviation"


def possible_or_refused(file: Path) -> bool:
    """Read a record; return whether it was accepted."""
    try:
        run = read_run(file)
    except UsageError as error:
        refusal = str(error)
    else:
        fields = run.to_dict()
        rows = [each.to_dict() for each in run.rows]
        assert [*impossible(rows), *impossible(fields["provenance"]), *impossible(fields["settings"])] == []
        return True
    assert refusal.startswith(f"{file}: expected ")
    assert len(refusal) < 2000
    return False


def call(command: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]) -> int:
    """Call a command on the mutant in the folder; return its status."""
    places = {
        "MUTANT": "mutant.json", "GOOD": "good.json", "OUT": "out", "HISTORY": "history", "REPORT": "report",
        "SECOND": "second.json", "MERGED": "merged.json",
    }  # fmt: skip
    words = list(command)
    for place, name in places.items():
        words = [word.replace(place, str(folder / name)) for word in words]
    with limited():
        status = main(words)
    captured = capsys.readouterr()
    assert status in (0, 1, 3, 4, 5), captured.err
    assert "Traceback" not in captured.err
    return status


def attack(seed: int, command: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]) -> bool:
    """Let the reader and one command read a mutant; return whether it was accepted."""
    file = folder / "mutant.json"
    file.write_bytes(mutant(DOCUMENT, seed))
    with limited():
        accepted = possible_or_refused(file)
    status = call(command, folder, capsys)
    assert accepted or status == 4 or "GOOD" in command or "show" in command
    if command[0] == "merge" and status == 0:
        assert possible_or_refused(folder / "merged.json")
    return accepted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(RUN, tmp_path / "good.json")
    write(run_of(*three_rows(scale=2), INVALID, ABSENT), tmp_path / "second.json")
    assert main(["track", "add", str(tmp_path / "good.json"), f"--history={tmp_path / 'history'}"]) == 0
    return tmp_path


@pytest.mark.parametrize("seeds", [range(150)], ids=["150"])
def test_no_mutant_breaks_a_command_and_no_impossible_one_is_accepted(
    seeds: range, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accepted = [attack(seed, COMMANDS[seed % len(COMMANDS)], folder, capsys) for seed in seeds]

    assert 0 < sum(accepted) < len(accepted)  # neither reader nor mutants are of no use


@pytest.mark.long
@pytest.mark.parametrize("block", range(30))
def test_no_mutant_of_3000_breaks_a_command_and_no_impossible_one_is_accepted(
    block: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    every = (*COMMANDS, REPORT)
    seeds = range(1000 + 100 * block, 1100 + 100 * block)
    accepted = [attack(seed, every[seed % len(every)], folder, capsys) for seed in seeds]

    assert 0 < sum(accepted) < len(accepted)


@pytest.mark.parametrize("seeds", [range(50), pytest.param(range(50, 1000), marks=pytest.mark.long)], ids=len)
def test_a_mutant_of_the_version_before_is_converted_or_left_as_it_is(
    seeds: range, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.json"
    monkeypatch.setattr("sys.argv", ["convert", str(file)])
    for seed in seeds:
        content = mutant(OLD_DOCUMENT, seed)
        file.write_bytes(content)
        if convert_() == 0:
            assert file.read_bytes() == content or possible_or_refused(file)
        else:
            assert file.read_bytes() == content
            assert capsys.readouterr().err.count("\n") == 1


def convert_() -> object:
    """Convert the files of the command line; return the exit status."""
    try:
        with limited():
            convert.main()
    except SystemExit as refused:
        return refused.code
    return 0
