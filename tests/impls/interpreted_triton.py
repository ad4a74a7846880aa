"""Trains with torch_triton, interpreted on a CPU: its test sets TRITON_INTERPRET=1, which Triton reads early.

Prints, for each problem, the largest deviations from the reference as JSON.
"""

import json
import sys
from pathlib import Path

from benchmarks.paths import IMPLEMENTATIONS
from benchmarks.verify.agreement import reference_for
from benchmarks.worker.start import load
from benchmarks.worker.training import Workload, train
from impls.contract import Problem

for fields in json.loads(sys.argv[1]):
    problem = Problem(**fields)
    trained = train(Workload.of(load(Path(IMPLEMENTATIONS, "torch_triton.py")), problem, "cpu"))
    reference = reference_for(problem)
    expected = reference.training
    off = [
        (abs(trained.losses - expected.losses) - reference.ambiguity).max(),
        abs(trained.weight - expected.weight).max(),
        abs(trained.bias - expected.bias),
    ]
    print(json.dumps(list(map(float, off))))  # noqa: T201 - its answer
