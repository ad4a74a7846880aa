"""Convert files of version 2: run records, comparisons, and the lines of the study of error rates.

    python -m benchmarks.records.convert FILE…

Each file is replaced by one of today's version with the same figures and provenance, and with a field
"converted_from". A file of today's version is left as it is. The names of a history's records end in a
digest: convert the original records and add them with `perceptron-bench track add`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.errors import UsageError
from benchmarks.files import explain_refusal, read_bytes, write_atomically
from benchmarks.records.compact import thin_samples, to_json
from benchmarks.records.row import KEY, SCHEMA_VERSION
from benchmarks.records.run import number_checks

COMPARISON = "perceptron_bench_comparison"
OF_HOST = ("machine", "system", "cpu", "n_cpus", "gpu", "pinned_to", "worker_variables")
DERIVED = ("cost_models", "break_evens")
"""Figures that the report computes from the rows."""

Fields = dict[str, Any]


def convert(text: str) -> str:
    """Return the file's text in today's version; a text of today's version is returned as it is.

    Raises:
        ValueError: it is no file that can be converted.
    """
    if text.startswith('{"provenance"'):  # a line for each comparison
        lines = [_line(json.loads(line)) for line in text.splitlines()]
        return "".join(to_json(line) for line in lines)
    document = json.loads(text)
    for key, version, convert_document in ((KEY, 2, _record), (COMPARISON, 1, _comparison)):
        if key in document:
            if (found := document[key]["schema_version"]) == version:
                return to_json(convert_document(document))
            if found == version + 1:
                return text
            message = f"expected schema version {version} or {version + 1}, found {found!r}"
            raise ValueError(message)
    message = "expected a record or a comparison of perceptron-bench, found another file"
    raise ValueError(message)


def _record(document: Fields) -> Fields:
    fields = document[KEY]
    n_cores = fields["provenance"]["n_cores_used"]
    rows = [_row(row, n_cores) for row in fields["rows"]]
    checks = number_checks(rows)
    kept = {name: value for name, value in fields.items() if name not in DERIVED}
    version = {"schema_version": SCHEMA_VERSION, "converted_from": fields["schema_version"]}
    provenance = _provenance(fields["provenance"])
    benchmarks = [_benchmark(benchmark, n_cores) for benchmark in document["benchmarks"]]
    run = kept | version | {"provenance": provenance, "checks": checks, "rows": rows}
    converted = document | {"benchmarks": benchmarks, KEY: run}
    thin_samples(converted)
    return converted


def _comparison(document: Fields) -> Fields:
    fields = document[COMPARISON]
    n_cores = fields["provenance"]["n_cores_used"]
    version = {"schema_version": 2, "converted_from": fields["schema_version"]}
    verdicts = [
        verdict | {side: verdict[side] and _row(verdict[side], n_cores) for side in ("base", "new")}
        for verdict in fields["verdicts"]
    ]
    provenance = _provenance(fields["provenance"])
    return {COMPARISON: fields | version | {"provenance": provenance, "verdicts": verdicts}}


def _line(line: Fields) -> Fields:
    if "n_cores_used" not in line["provenance"]:
        return line
    return line | {"provenance": _provenance(line["provenance"]), "converted_from": 2}


def _provenance(old: Fields) -> Fields:
    host = {name: old[name] for name in OF_HOST}
    rest = {name: value for name, value in old.items() if name not in (*OF_HOST, "n_cores_used")}
    return rest | {"hosts": [host]}


def _row(old: Fields, n_cores: int) -> Fields:
    case = f"{old['implementation']}-{old['device']}-{old['case']}{_suffix(n_cores)}"
    kept = {name: value for name, value in old.items() if name not in ("case", "schema_version")}
    return {"case": case} | kept | {"n_cores": n_cores}


def _benchmark(old: Fields, n_cores: int) -> Fields:
    """Keep what pytest-benchmark wrote; the row itself is in the run's part of the file."""
    id_, suffix = old["param"], _suffix(n_cores)
    names = {name: old[name].replace(id_, id_ + suffix) for name in ("param", "name", "fullname")}
    group = old["group"] + (f", {n_cores} cores" if suffix else "")
    extra = {KEY: {"schema_version": SCHEMA_VERSION, "case": id_ + suffix}}
    return old | names | {"group": group, "extra_info": old["extra_info"] | extra}


def _suffix(n_cores: int) -> str:
    return "" if n_cores == 1 else f"-{n_cores}cores"


def main() -> None:
    """Convert the files that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    for file in parser.parse_args().files:
        try:
            print(_convert_file(file))  # noqa: T201 - a program of its own
        except UsageError as error:
            parser.exit(4, f"{error}\n")


def _convert_file(file: Path) -> str:
    content = read_bytes(file)
    try:
        before = content.decode()
        after = convert(before)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        message = f"{file}: can't be converted ({error}); it is left as it was"
        raise UsageError(message) from None
    if after == before:
        return f"{file}: is of today's version already"
    with explain_refusal(file, remedy="it is left as it was"):
        write_atomically(file, after)
    return f"{file}: converted ({len(before):,} → {len(after):,} bytes)"


if __name__ == "__main__":
    main()
