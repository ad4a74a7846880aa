"""Tables of costs: the model, the break-even points and the time to a target."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.records.row import Agreement
from benchmarks.report.tables.cost import cost_grids
from benchmarks.report.tables.run import to_markdown
from tests.analysis.test_cost_model import swept
from tests.conftest import SMALL
from tests.helpers.records import process, row, run_of


def test_the_tables_show_the_model() -> None:
    page = to_markdown([run_of(*swept())])

    assert "cost model, D2-N4-E3 on cpu" in page
    assert "40.0 µs (39.6 µs to 40.4 µs)" in page
    assert "3.00 ns (2.97 ns to 3.03 ns)" in page


def test_the_page_shows_after_how_many_epochs_one_beats_another() -> None:
    slow = row(processes=(process(0, 90e-6, 100e-6),))
    fast = row("jax_scan", processes=(replace(process(0, 9e-6, 10e-6), first_call_s=1.0),))

    page = to_markdown([run_of(slow, fast)])

    assert "break-even, B32-D2-N4-E3 on cpu" in page
    assert "| jax_scan | 2 / 5,557 |" in " ".join(page.split()).replace("| ", "| ")


def test_a_run_of_one_implementation_and_one_size_has_no_table_of_costs() -> None:
    assert list(cost_grids(run_of(row()))) == []


def test_the_page_shows_how_long_a_training_to_its_target_takes_with_and_without_compiling() -> None:
    stopped = Agreement(
        reference="float64", n_steps=40, max_loss_deviation=0.0, max_parameter_deviation=0.0, fault=None
    )
    rows = [
        row(
            problem=replace(SMALL, target_loss=0.3, n_epochs=20),
            agreement=stopped,
            processes=(process(0, 9e-6, 1e-3),),
        )
    ]

    page = to_markdown([run_of(*rows)])

    (line,) = [line for line in page.partition("time to target")[2].splitlines() if "torch_eager" in line]
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        "torch_eager", "10", "10.0 ms", "759 ms", "509 ms",
    ]  # fmt: skip
