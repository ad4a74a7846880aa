"""A comparison → a JUnit report, which CI servers show as tests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from benchmarks.compare.rule import Category
from benchmarks.report.tables.comparison import detectable, percent, printable

if TYPE_CHECKING:
    from benchmarks.compare.result import CaseVerdict, Comparison

KINDS = {
    Category.SLOWER: "failure",
    Category.INVALID: "error",
    Category.MISSING: "error",
    Category.UNDECIDED: "skipped",
    Category.NEW: "skipped",
}
"""What a CI server calls a verdict; faster and unchanged cases have passed."""


def to_junit(comparison: Comparison) -> bytes:
    """Write the report; elements and attributes as https://github.com/testmoapp/junitxml documents them."""
    found = [KINDS.get(verdict.category) for verdict in comparison.verdicts]
    lacking = "nothing was compared" if comparison.nothing_compared else None
    incomplete = comparison.interrupted or lacking
    counts = {
        "tests": str(len(found) + bool(incomplete)),
        "failures": str(found.count("failure")),
        "errors": str(found.count("error") + bool(incomplete)),
        "skipped": str(found.count("skipped")),
        "time": f"{comparison.wall_s:.3f}",
    }
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(
        suites,
        "testsuite",
        {"name": "perceptron-bench", "timestamp": printable(comparison.provenance.date), **counts},
    )
    if incomplete:  # else it would look as green as one that ended and compared something
        whole = ET.SubElement(suite, "testcase", {"name": "the comparison", "classname": "perceptron-bench"})
        type_ = "interrupted" if comparison.interrupted else "missing"
        ET.SubElement(whole, "error", {"type": type_, "message": printable(incomplete)})
    for verdict, kind in zip(comparison.verdicts, found, strict=True):
        is_timed = verdict.new is not None and verdict.new.is_timed and verdict.new.n_instructions is None
        seconds = verdict.new.best_s if verdict.new and is_timed else 0.0
        case = {"name": printable(verdict.name), "classname": "perceptron-bench", "time": f"{seconds:.9f}"}
        element = ET.SubElement(suite, "testcase", case)
        if kind:
            message = printable(_sentence(verdict))
            ET.SubElement(element, kind, {"type": str(verdict.category), "message": message}).text = message
    ET.indent(suites)
    return bytes(ET.tostring(suites, encoding="utf-8", xml_declaration=True))


def _sentence(verdict: CaseVerdict) -> str:
    parts = [str(verdict.category)]
    if (decision := verdict.decision) is not None:
        parts.append(
            f"{percent(decision.ratio - 1)} (interval {percent(decision.low - 1)} to "
            f"{percent(decision.high - 1)}, {decision.n_pairs} pairs, threshold {percent(verdict.threshold)})"
        )
    return ": ".join([*parts, *filter(None, (verdict.reason, detectable(verdict)))])
