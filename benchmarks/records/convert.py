"""Convert run records of version 2.

    python -m benchmarks.records.convert FILE…

Each file is replaced by one of today's version with the same figures and provenance, and with a field
"converted_from". A file of today's version is left as it is. The names of a history's records end in a
digest: convert the original records and add them with `perceptron-bench track add`.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from benchmarks.errors import UsageError
from benchmarks.files import explain_refusal, read_bytes, write_atomically
from benchmarks.records.compact import thin_samples, to_json
from benchmarks.records.row import KEY, SCHEMA_VERSION
from benchmarks.records.run import number_checks, parse_run

OLD_VERSION = 2
OF_HOST = ("machine", "system", "cpu", "n_cpus", "gpu", "pinned_to", "worker_variables")
DERIVED = ("cost_models", "break_evens")
"""Figures that the report computes from the rows."""

Fields = dict[str, Any]


def convert(text: str) -> str:
    """Return the record in today's version; a text of today's version is returned as it is.

    Raises:
        ValueError: it is no record, or of an older version still.
        KeyError: it lacks a part of a record.
    """
    document = json.loads(text)
    if KEY not in document:
        message = "expected a record of perceptron-bench, found another file"
        raise ValueError(message)
    if (found := document[KEY]["schema_version"]) == SCHEMA_VERSION:
        return text
    if found != OLD_VERSION:
        message = f"expected schema version {OLD_VERSION} or {SCHEMA_VERSION}, found {found!r}"
        raise ValueError(message)
    return to_json(_record(document))


def _record(document: Fields) -> Fields:
    fields = document[KEY]
    n_cores = fields["provenance"]["n_cores_used"]
    rows = [_row(row, n_cores) for row in fields["rows"]]
    checks = number_checks(rows)
    kept = {name: value for name, value in fields.items() if name not in DERIVED}
    version = {"schema_version": SCHEMA_VERSION, "converted_from": OLD_VERSION}
    provenance = _provenance(fields["provenance"])
    benchmarks = [_benchmark(benchmark, n_cores) for benchmark in document["benchmarks"]]
    run = kept | version | {"provenance": provenance, "checks": checks, "rows": rows}
    converted = document | {"benchmarks": benchmarks, KEY: run}
    thin_samples(converted)
    return converted


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
            print(_convert_file(file))  # noqa: T201 - the output of this command
        except UsageError as error:
            parser.exit(4, f"{error}\n")


def _convert_file(file: Path) -> str:
    content = read_bytes(file)
    try:
        before = content.decode()
        after = convert(before)
        if after != before and f'"{KEY}":' in after:
            parse_run(after.encode(), file)  # what no command could read replaces nothing
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UsageError) as error:
        message = f"{file}: can't be converted ({error}); it is left as it was"
        raise UsageError(message) from None
    if after == before:
        return f"{file}: is of today's version already"
    with explain_refusal(file, remedy="it is left as it was"):
        write_atomically(file, after)
    return f"{file}: converted ({len(before):,} → {len(after):,} bytes)"


if __name__ == "__main__":
    main()
