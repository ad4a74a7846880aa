"""Where the time of a step goes: the parts that are left out, and the table of their costs."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from benchmarks.cases.implementations import FLOOR
from benchmarks.errors import UsageError
from benchmarks.studies import ablation
from benchmarks.studies.ablation import (
    STUDIES,
    WHOLE,
    Study,
    Without,
    table_of,
    variants_of,
)

if TYPE_CHECKING:
    from pathlib import Path

STUDY = Study(
    name="torch_epoch",
    problem="book",
    parts=(Without("a", old="torch", new=""), Without("b", old="", new="")),
)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_each_variant_lacks_one_part_more_than_the_one_before_it(study: Study, tmp_path: Path) -> None:
    sources = [file.read_text(encoding="utf-8") for file in variants_of(study, tmp_path).values()]

    assert len(set(sources)) == 1 + len(study.parts)
    for i, without in enumerate(study.parts):
        assert without.old in sources[i]
        assert without.new in sources[i + 1]
    for source in sources:
        compile(source, study.name, "exec")


def test_a_part_that_the_source_no_longer_has_is_refused(tmp_path: Path) -> None:
    changed = replace(STUDIES[0], parts=(Without("a", old="no such line", new=""),))

    with pytest.raises(UsageError, match="torch_epoch: expected 'no such line' once, found it 0 times"):
        variants_of(changed, tmp_path)


def test_a_part_costs_what_the_variant_without_it_saves() -> None:
    console = Console(width=100, record=True, file=StringIO())

    console.print(table_of(STUDY, {FLOOR: 1e-6, WHOLE: 10e-6, "a": 6e-6, "b": 7e-6}))

    shown = [" ".join(line.replace("│", " ").split()) for line in console.export_text().splitlines()]
    assert [line for line in shown if "µs" in line] == [
        "a 4.00 µs 40%",
        "b -1.00 µs -10%",
        "what is left 7.00 µs 70%",
        "the whole step 10.0 µs 10.00 times the floor's",
        "the floor's 1.00 µs",
    ]


def test_the_variants_and_the_floor_are_measured_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    part = Without("a clamp", old="np.maximum(np.log(y_pred), LOG_CLAMP)", new="np.log(y_pred)")
    study = Study(name="numpy_float32", problem="book,batch_size=32", parts=(part,))
    monkeypatch.setattr(ablation, "STUDIES", (study,))

    fastest_s = ablation.fastest_steps(0, 0.0)

    assert tuple(fastest_s) == study.measured
    assert all(0 < seconds < 1 for seconds in fastest_s.values())


def test_a_page_that_can_not_be_written_is_refused_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ablation, "in_fresh_process", lambda *_, **__: pytest.fail("it measured"))

    with pytest.raises(SystemExit, match="2"):
        ablation.main(["-o", "/dev/null/page.md"])
    assert "can't be written" in capsys.readouterr().err
