"""Runs → the data of the page, as JSON's types."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import cache
from typing import Any

from benchmarks.analysis.caveats import CPU_CONTENTION
from benchmarks.analysis.cells import in_unit
from benchmarks.analysis.columns import Column, columns_of, shown_columns
from benchmarks.analysis.cost_model import sweep_name
from benchmarks.analysis.figures import OF_RATIO, Figures, figures_of
from benchmarks.analysis.head_to_head import Line, lines_of
from benchmarks.analysis.record_columns import CheckLine, ProcessLine
from benchmarks.analysis.run_selection import headline_groups
from benchmarks.cases.implementations import FLOOR
from benchmarks.cases.problems import NAMED, name_of
from benchmarks.cases.tolerances import tolerances
from benchmarks.compare.result import Comparison
from benchmarks.records.caption import cores_per_case
from benchmarks.records.machine import Machine
from benchmarks.records.process import ProcessResult
from benchmarks.records.provenance import steers
from benchmarks.records.row import Check, Row
from benchmarks.records.run import Run
from benchmarks.report.html.charts import charts_of
from benchmarks.report.plots.gallery import Gallery
from benchmarks.report.readme.head_to_head import verdict_of
from benchmarks.report.tables import scaling
from benchmarks.report.tables.comparison import READING, comparison_grid, remarks, summary
from benchmarks.report.tables.grid import Grid
from benchmarks.report.tables.run import columns
from benchmarks.stats import CONFIDENCE, LEAST_SURE, median_interval
from impls.contract import Problem

DIGITS = 5
"""Significant digits of figures to sort or draw; the figures to read are texts."""

EXACT = ("typical_s", "cold_s", "warm_s")
"""Figures that the page subtracts from each other, for break-even points, so they have all digits."""

AS_THEY_ARE = (
    *("case", "implementation", "framework", "tier", "gradient", "summary", "verdict", "reason", "n_rounds"),
    "private_names",
)

PROCESS = [column for column in columns_of(ProcessLine) if column.name != "mean_s"]
"""The figures of a process that the page shows: without the mean, by which nothing is judged."""

Fields = dict[str, Any]


def payload(
    runs: Sequence[Run], gallery: Gallery, beside: Sequence[Run] = (), comparison: Comparison | None = None
) -> Fields:
    """Return the page's data in the order in which it is shown: machines of `runs`, then those `beside`."""
    newest_first = sorted([*runs, *beside], key=lambda run: run.provenance.date, reverse=True)
    checks: dict[Check, int] = {}  # each once, with its number: most rows have the same
    groups = _groups_in_order(newest_first, {Machine.of(run) for run in runs}, checks)
    n_rounds = max((row["n_rounds"] for group in groups for row in group["rows"]), default=0)
    return {
        "floor": FLOOR,
        "contended": CPU_CONTENTION,
        "columns": [
            {
                "key": column.name,
                "title": column.title,
                "help": column.meaning,
                "isText": column.is_text,
                "priority": column.priority,
            }
            for column in columns("{baseline}")
            if column.name not in ("tier", "gradient")  # a heading for each tier; by hand: beside the name
            and not (column.if_known and _is_unknown(column, groups))
        ],
        "runs": [_run(run) for run in newest_first],
        "groups": groups,
        "process": [[column.name, column.title, column.unit] for column in PROCESS],
        "check": [column.title for column in shown_columns(CheckLine)],
        "items": [[check.name, check.expected, check.found, check.holds] for check in checks],
        "ranks": {n: _rank(n) for n in range(1, n_rounds + 1)},
        "charts": charts_of(newest_first, gallery),
        "scaling": {
            "reading": [text.replace("*", "") for text in scaling.READING.split("\n\n")],
            "tables": [_table(grid) for grid in scaling.newest_scaling(newest_first)],
        },
        "changes": _changes(comparison) if comparison else None,
    }


def _is_unknown(column: Column, groups: Sequence[Fields]) -> bool:
    return all(row[column.name] is None for group in groups for row in group["rows"])


def _rank(n: int) -> list[float] | None:
    """Return the rank of the interval's lower end among n ratios, and its coverage; None: n is too small."""
    rank, _, coverage = median_interval(range(1, n + 1), (1 - CONFIDENCE) / 2)
    return [rank, coverage] if coverage >= LEAST_SURE else None


def _run(run: Run) -> Fields:
    at = run.provenance
    variables = {name: text for name, text in at.host.worker_variables.items() if steers(name)}
    cores = cores_per_case(row.n_cores_in_all for row in run.rows)
    return {
        "date": at.date,
        **vars(at.host),
        "versions": at.versions,
        "commit": at.commit,
        "worker_variables": variables,
        "cores": cores,
        **asdict(run.settings),
    }


def _groups_in_order(
    newest_first: Sequence[Run], own: set[Machine], checks: dict[Check, int]
) -> list[Fields]:
    """Return each run's groups: own machines, then timed groups, then the runs that are shown, first."""
    found: list[tuple[tuple[bool, int, bool, int, bool, int], Fields]] = []
    shown_runs = headline_groups(newest_first)
    machines = {machine: place for place, machine in enumerate(shown_runs)}
    for number, run in enumerate(newest_first):
        machine = Machine.of(run)
        places = {name: place for place, name in enumerate(shown_runs[machine])}
        for name, group in _groups(run, checks):
            is_timed = any(row["typical_s"] for row in group["rows"])
            is_shown = shown_runs[machine][name] is run
            order = (machine not in own, machines[machine], not is_timed, places[name], not is_shown, number)
            place = {
                "run": number,
                "machine": str(machine),
                "beside": machine not in own,
                "isShown": is_shown,
            }
            found.append((order, place | group))
    return [group for _, group in sorted(found, key=lambda each: each[0])]


def _groups(run: Run, checks: dict[Check, int]) -> Iterator[tuple[str, Fields]]:
    rows = {row.case: row for row in run.rows}
    groups: dict[str, list[Figures]] = defaultdict(list)
    all_figures = figures_of(run)
    compared = lines_of(run)
    for figures in all_figures:
        groups[figures.group].append(figures)
    for name, members in groups.items():
        first = rows[members[0].case]
        yield (
            name,
            {
                "device": first.place,
                **_problem(first.problem),
                "baseline": run.settings.baseline,
                "pairs": [_line(line) for line in compared.get(name, ())],
                "rows": [_row(rows[figures.case], figures, checks) for figures in members],
            },
        )


def _line(line: Line) -> Fields:
    who, rest = verdict_of(line.pair)
    return {
        "tier": line.tier,
        "name": line.name,
        "byHand": line.by_hand,
        "torch": line.torch and line.torch.implementation,
        "jax": line.jax and line.jax.implementation,
        "winner": line.pair and line.pair.winner,
        "sure": line.pair is not None and line.pair.is_sure,
        "ratio": line.pair and in_unit(line.pair.advantage.value, "×"),
        "doubtful": line.pair is not None and line.pair.is_doubtful,
        "who": who,
        "rest": rest,
    }


def _problem(problem: Problem) -> Fields:
    """Return the problem's fields; its name leaves out feed and readback, which the page offers apart."""
    plain = replace(problem, feed="device", readback="epoch")
    nickname = next((nickname for nickname, named in NAMED.items() if named == plain), None)
    loss, parameter = tolerances(problem)
    return {
        "problem": name_of(plain),
        "name": name_of(problem),
        "sweep": sweep_name(problem),
        "nickname": nickname,
        **{name: getattr(problem, name) for name in ("batch_size", "n_features", "n_batches", "n_epochs")},
        **{name: getattr(problem, name) for name in ("feed", "readback")},
        "loss_tolerance": loss,
        "parameter_tolerance": parameter,
    }


def _row(row: Row, figures: Figures, checks: dict[Check, int]) -> Fields:
    return {
        **{name: getattr(figures, name) for name in (*AS_THEY_ARE, *EXACT)},
        **{name: _short(getattr(figures, name)) for name in _rounded_figures()},
        "text": {column.name: column.write(figures) for column in _numeric_columns()},
        "data_digest": row.data_digest,
        "agreement": row.agreement and vars(row.agreement) | {"curve": ()},
        "manifest": [checks.setdefault(check, len(checks)) for check in row.manifest],
        "processes": [_process(process) for process in row.processes if row.is_timed],
    }


@cache  # ten thousand rows ask for them
def _numeric_columns() -> list[Column]:
    return [column for column in columns("") if not column.is_text]


@cache
def _rounded_figures() -> list[str]:
    return sorted({column.name for column in _numeric_columns()} - {*EXACT, *OF_RATIO})


def _process(process: ProcessResult) -> list[float | None]:
    """Return the process's figures in the order of PROCESS; the page divides the exact minima."""
    return [
        _short(column.of(process)) if column.kind is float and column.name != "min_s" else column.of(process)
        for column in PROCESS
    ]


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def _table(grid: Grid) -> Fields:
    headings = [{"title": column.title, "numeric": not column.is_text} for column in grid.columns]
    return {"title": grid.title, "headings": headings, "rows": grid.rows}


def _changes(comparison: Comparison) -> Fields:
    grid = comparison_grid(comparison)
    return {
        "summary": summary(comparison),
        "reading": READING.replace("*", ""),
        "headings": grid.headings,
        "cases": grid.rows,
        "remarks": remarks(comparison),
    }
