"""Samples per second against batch size, both logarithmic: one line per implementation."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import altair as alt

from benchmarks.analysis.cells import si
from benchmarks.analysis.cost_model import Sweep
from benchmarks.cases.implementations import FLOOR
from benchmarks.records.row import Row
from benchmarks.report.plots.plot import Plot, Unit, Values, inline, setting_of
from benchmarks.report.plots.style import HEIGHT, WIDTH, limit, lines, logarithmic, overlaid, points

FLOAT_BYTES = 4


def sample_bytes(row: Row) -> int:
    """Return the bytes of data in one sample: its features and its label, in float32."""
    return FLOAT_BYTES * (row.problem.n_features + 1)


def bandwidth_of(rows: Iterable[Row]) -> float | None:
    """Return the most bytes of data per second that the floor reached in any of the rows; None without it.

    It reads them from the cache that they fit into, and computes meanwhile. The machine can do at least this
    much.
    """
    rates = [
        row.problem.samples_per_epoch * sample_bytes(row) / row.typical_s
        for row in rows
        if row.implementation == FLOOR and row.is_timed
    ]
    return max(rates, default=None)


def throughput(sweeps: Sequence[Sweep], *, bandwidth: float | None, where: str) -> Plot:
    """Plot the sweeps of one problem and device. The bandwidth is in bytes/s; `where` names the machine."""
    fastest_first = sorted((sweep.rows for sweep in sweeps), key=lambda rows: rows[-1].typical_s)
    rows = [row for sweep in fastest_first for row in sweep]
    values: Values = [
        {
            "implementation": row.implementation,
            "batch size": row.problem.batch_size,
            "samples per second": row.problem.samples_per_epoch / row.typical_s,
        }
        for row in rows
    ]
    setting = setting_of(rows[0].problem, rows[0].place)
    subtitle, layers = [f"{setting} · higher is better", where], _lines(values, rows)
    if bandwidth:
        rate = bandwidth / sample_bytes(rows[0])
        layers += limit(rate, f"roofline: {si(rate, '')} samples/s")
        subtitle.append(
            f"roofline: {sample_bytes(rows[0])} bytes a sample at {si(bandwidth, 'B/s')}, the fastest that "
            f"{FLOOR} has read data in any case of these records"
        )
    return Plot(
        kind="throughput",
        about=f"{sweeps[0].problem}-{sweeps[0].place}",
        title="Throughput against batch size",
        subtitle=subtitle,
        description=_in_words(values, setting),
        panels=overlaid(*layers).properties(width=WIDTH, height=HEIGHT),
        values=values,
    )


def _lines(values: Values, rows: Sequence[Row]) -> list[alt.Chart]:
    sizes, rates = ([value[column] for value in values] for column in ("batch size", "samples per second"))
    base = Unit(inline(values)).encode(
        x=alt.X("batch size:Q", title="batch size (samples)", **logarithmic(sizes, format="~s")),
        y=alt.Y("samples per second:Q", title="throughput (samples/s)", **logarithmic(rates, format="~s")),
        tooltip=[
            alt.Tooltip("implementation:N"),
            alt.Tooltip("batch size:Q", format=","),
            alt.Tooltip("samples per second:Q", format=".3s"),
        ],
    )
    return [base.mark_line().encode(**lines(rows)), base.mark_point().encode(**points(rows))]


def _in_words(values: Values, setting: str) -> str:
    rates: dict[str, list[float]] = defaultdict(list)
    for value in values:
        rates[value["implementation"]].append(value["samples per second"])
    sizes = [value["batch size"] for value in values]
    ends = "; ".join(f"{name} {si(own[0], '')} to {si(own[-1], '')}" for name, own in rates.items())
    return (
        f"Samples per second of each implementation against batch size, {setting}. From a batch of "
        f"{min(sizes):,} to one of {max(sizes):,}: {ends}."
    )
