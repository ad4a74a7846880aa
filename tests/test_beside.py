"""Work that another process does meanwhile."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks import beside as module
from benchmarks.beside import Here, beside


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_an_error_is_raised_by_who_asks_for_the_result(where: str, tmp_path: Path) -> None:
    with beside(is_worth_it=where == "elsewhere") as executor:
        there, absent = (
            executor.submit(Path.exists, tmp_path),
            executor.submit(Path.read_text, tmp_path / "a"),
        )

        assert there.result() is True
        with pytest.raises(FileNotFoundError):
            absent.result()


def test_after_an_error_what_has_not_begun_is_left() -> None:
    with suppress(KeyError), beside(is_worth_it=True) as executor:
        last = [executor.submit(time.sleep, 0.2) for _ in range(50)][-1]
        raise KeyError

    assert last.cancelled()


def test_where_no_other_process_can_be_had_this_one_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(module, "ProcessPoolExecutor", refuse)

    with beside(is_worth_it=True) as executor:
        assert isinstance(executor, Here)
