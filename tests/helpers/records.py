"""Records made up for tests: rows, runs and the file that holds a run."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from benchmarks.records.process import Costs, ProcessResult
from benchmarks.records.provenance import Host, Provenance
from benchmarks.records.row import KEY, Agreement, Check, Row, Verdict
from benchmarks.records.run import Run, RunSettings
from tests.conftest import SMALL

AGREEMENT = Agreement(
    reference="float64", n_steps=12, max_loss_deviation=1e-7, max_parameter_deviation=1e-8, fault=None
)

HOST = Host(machine="vm", system="Linux", cpu="A CPU", n_cpus=2, gpu=None, pinned_to=[1], worker_variables={})


def process(round_: int, min_s: float, median_s: float) -> ProcessResult:
    return ProcessResult(
        round=round_,
        position=0,
        n_samples=10,
        n_kept=2,
        min_s=min_s,
        q1_s=min_s,
        median_s=median_s,
        q3_s=median_s,
        max_s=2 * median_s,
        first_call_s=0.5,
        cpu_per_wall=1.0,
    )


def row(implementation: str = "torch_eager", **changes: Any) -> Row:
    made = Row(
        implementation=implementation,
        framework="torch",
        tier="eager",
        summary="The textbook loop.",
        device="cpu",
        problem=SMALL,
        n_cores=1,
        data_digest="0123456789abcdef",
        verdict=Verdict.VERIFIED,
        agreement=AGREEMENT,
        costs=Costs(cold_first_call_s=0.75, peak_host_bytes=12_345_678, peak_device_bytes=None),
        manifest=(Check(name="graph breaks", expected="0", found="0", holds=True),),
        processes=tuple(process(i, 100e-6 + i * 1e-6, 120e-6 + i * 1e-6) for i in range(6)),
    )
    return replace(made, **changes)


def run_of(*rows: Row, **settings: Any) -> Run:
    return Run(
        rows=rows,
        provenance=Provenance(
            date="2026-11-23T12:00:00+00:00",
            versions={"python": "3.11.7", "torch": "2.13.0"},
            commit="0123456789",
            hosts=[HOST],
        ),
        settings=replace(
            RunSettings(
                suite="default",
                rounds=6,
                timed=True,
                quick=False,
                interrupted=None,
                baseline="torch_eager",
            ),
            **settings,
        ),
    )


def fields_of(row: Row) -> dict[str, Any]:
    """Return what a reader of JSON finds of a row."""
    fields: dict[str, Any] = json.loads(json.dumps(row.to_dict(), allow_nan=False))
    return fields


def document_of(run: Run) -> dict[str, Any]:
    """Return the part of pytest-benchmark's file that we read."""
    return {"benchmarks": [], KEY: run.to_dict()}


INVALID = row("jax_jit", verdict=Verdict.INVALID, reason="loss of step 1: …", processes=())
ABSENT = row(
    "jax_scan", verdict=Verdict.NOT_MEASURED, reason="jax is not installed", agreement=None, processes=()
)
