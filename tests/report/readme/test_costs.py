"""What each way costs its author, beside what it gains, in the README of the results."""

from __future__ import annotations

from dataclasses import replace

from tests.helpers.runs import run_of_day
from tests.report.readme.pages import EAGER, STEPS, cells_of, page

PAIR = replace(STEPS[0], gradient="framework", more_lines=1043, private_names=("torch._a.b", "torch._c"))


def costs_of(text: str) -> dict[str, list[str]]:
    """Return the last cells of each implementation's line."""
    lines = cells_of(text)
    first = next(i for i, cells in enumerate(lines) if cells[-1] == "private names")
    return {cells[1]: cells[-3:] for cells in lines[first + 1 : first + 4]}


def test_a_way_has_its_gradient_its_lines_and_its_private_names_in_full() -> None:
    plain = replace(STEPS[1], gradient="by hand", more_lines=-7, private_names=())

    found = costs_of(page(run_of_day(0, EAGER, PAIR, plain)))

    assert found["torch_step"] == ["framework", "+1,043", r"torch.\_a.b, torch.\_c"]
    assert found["jax_jit"] == ["by hand", "-7", "none"]
    assert found["torch_eager"] == ["framework", "—", "—"]  # a record of before
