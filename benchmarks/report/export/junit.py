"""A comparison → a JUnit report, which CI servers show as tests."""

from xml.etree import ElementTree as ET

from benchmarks.compare.result import CaseVerdict, Comparison
from benchmarks.compare.rule import Category
from benchmarks.report.tables.comparison import detectable, percent, printable

SUITE = "perceptron-bench"

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
    incomplete = comparison.interrupted or ("nothing was compared" if comparison.nothing_compared else None)
    counts = {
        "tests": str(len(found) + bool(incomplete)),
        "failures": str(found.count("failure")),
        "errors": str(found.count("error") + bool(incomplete)),
        "skipped": str(found.count("skipped")),
        "time": f"{comparison.wall_s:.3f}",
    }
    suites = ET.Element("testsuites", counts)
    named = {"name": SUITE, "timestamp": printable(comparison.provenance.date)}
    suite = ET.SubElement(suites, "testsuite", named | counts)
    if incomplete:  # without this error it would look like a comparison that has passed
        whole = ET.SubElement(suite, "testcase", {"name": "the comparison", "classname": SUITE})
        type_ = "interrupted" if comparison.interrupted else "missing"
        ET.SubElement(whole, "error", {"type": type_, "message": printable(incomplete)})
    for verdict in comparison.verdicts:
        _add_case(suite, verdict)
    ET.indent(suites)
    return bytes(ET.tostring(suites, encoding="utf-8", xml_declaration=True))


def _add_case(suite: ET.Element, verdict: CaseVerdict) -> None:
    new = verdict.new
    seconds = new.best_s if new and new.is_timed and new.n_instructions is None else 0.0
    case = {"name": printable(verdict.name), "classname": SUITE, "time": f"{seconds:.9f}"}
    element = ET.SubElement(suite, "testcase", case)
    if kind := KINDS.get(verdict.category):
        message = printable(_sentence(verdict))
        ET.SubElement(element, kind, {"type": str(verdict.category), "message": message}).text = message


def _sentence(verdict: CaseVerdict) -> str:
    parts = [str(verdict.category)]
    if (decision := verdict.decision) is not None:
        parts.append(
            f"{percent(decision.ratio - 1)} (interval {percent(decision.low - 1)} to "
            f"{percent(decision.high - 1)}, {decision.n_pairs} pairs, threshold {percent(verdict.threshold)})"
        )
    return ": ".join([*parts, *filter(None, (verdict.reason, detectable(verdict)))])
