"""Samples per second against batch size, both logarithmic: one line per implementation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from benchmarks.analysis.cells import si
from benchmarks.cases.implementations import FLOOR
from benchmarks.report.plots.plot import (
    Picture,
    Values,
    inline,
    setting_of,
    titled,
)
from benchmarks.report.plots.style import (
    DIM,
    HEIGHT,
    WIDTH,
    lines,
    log_ticks,
    overlaid,
    points,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.analysis.cost_model import Sweep
    from benchmarks.records.row import Row

FLOAT_BYTES = 4


def sample_bytes(row: Row) -> int:
    """Give the bytes of data in one sample: its features and its label, in float32."""
    return FLOAT_BYTES * (row.problem.n_features + 1)


def bandwidth_of(rows: Iterable[Row]) -> float | None:
    """Give the most bytes of data per second that the floor has come to in any of the rows; None without it.

    It reads them from whichever cache they fit into, and computes meanwhile: so much the machine can do, and
    perhaps more.
    """
    rates = [
        row.problem.samples_per_epoch * sample_bytes(row) / row.typical_s
        for row in rows
        if row.implementation == FLOOR and row.is_timed
    ]
    return max(rates, default=None)


def throughput(sweeps: Sequence[Sweep], *, bandwidth: float | None, where: str) -> Picture:
    """Draw the sweeps of one problem and device. The bandwidth is in bytes/s; `where` names the machine."""
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
        roof = bandwidth / sample_bytes(rows[0])
        layers += _roofline(roof)
        subtitle.append(
            f"roofline: {sample_bytes(rows[0])} bytes a sample at {si(bandwidth, 'B/s')}, the fastest that "
            f"{FLOOR} has read data in any case of these records"
        )
    description = _in_words(values, setting)
    title = "Throughput against batch size"
    return Picture(
        kind="throughput",
        about=f"{sweeps[0].problem}-{sweeps[0].place}",
        title=title,
        description=description,
        chart=titled(overlaid(*layers).properties(width=WIDTH, height=HEIGHT), title, subtitle, description),
        values=values,
    )


def _lines(values: Values, rows: Sequence[Row]) -> list[alt.Chart]:
    def channel(kind: type, column: str, title: str) -> Any:  # noqa: ANN401 - one of Altair's
        ticks = log_ticks(value[column] for value in values)
        axis, scale = alt.Axis(format="~s", values=ticks), alt.Scale(type="log")
        return kind(f"{column}:Q", scale=scale, axis=axis, title=title)

    base = alt.Chart(inline(values)).encode(
        x=channel(alt.X, "batch size", "batch size (samples)"),
        y=channel(alt.Y, "samples per second", "throughput (samples/s)"),
        tooltip=[
            "implementation:N",
            alt.Tooltip("batch size:Q", format=","),
            alt.Tooltip("samples per second:Q", format=".3s"),
        ],
    )
    return [base.mark_line().encode(**lines(rows)), base.mark_point().encode(**points(rows))]


def _roofline(roof: float) -> list[alt.Chart]:
    base = alt.Chart(inline([{"roof": roof}])).encode(y="roof:Q")
    label = base.mark_text(align="left", baseline="bottom", dx=4, dy=-3).encode(
        x=alt.value(0), text=alt.value(f"roofline: {si(roof, '')} samples/s")
    )
    return [base.mark_rule(color=DIM, strokeWidth=2), label]


def _in_words(values: Values, setting: str) -> str:
    ends: dict[str, list[float]] = {}
    for value in values:
        ends.setdefault(value["implementation"], []).append(value["samples per second"])
    sizes = [value["batch size"] for value in values]
    told = "; ".join(f"{name} {si(rates[0], '')} to {si(rates[-1], '')}" for name, rates in ends.items())
    return (
        f"Samples per second of each implementation against batch size, {setting}. From a batch of "
        f"{min(sizes):,} to one of {max(sizes):,}: {told}."
    )
