"""Checks an implementation's labels: its framework computes, and its tier is the one that it declares."""

from collections.abc import Iterator

from benchmarks.cases.implementations import ImplementationFile
from benchmarks.records.row import Check
from benchmarks.worker.messages import Inspection

MIN_EAGER, MAX_COMPILED = 5, 15
"""Kinds of operation in an epoch. An eager loop has at least 37 in PyTorch and JAX, a compiled one at most 2
(measured); it may also copy batches, read losses and stack them."""


def of_labels(seen: Inspection, entry: ImplementationFile) -> Iterator[Check]:
    """Check the framework, and the tier of a loop that is eager or compiled."""
    n_kinds, n_graphs = seen.n_operations, seen.n_graphs
    counts = {"kinds of operation": n_kinds, "compiled graphs": n_graphs}
    found = ", ".join(f"{n} {name}" for name, n in counts.items() if n is not None) or "not observable"
    runs = n_kinds or n_graphs or seen.n_graph_launches
    yield Check(
        name="framework of the computation",
        expected=f"operations of {entry.framework} in an epoch",
        found=found,
        holds=None if n_kinds is None else bool(runs),
    )
    if entry.tier == "eager":
        computes = {True: "so", False: "the same losses", None: "not observable"}
        yield Check(
            name="losses by the framework",
            expected=f"others if all results of {entry.framework} that are as long as a batch are halved",
            found=computes[seen.framework_computes],
            holds=seen.framework_computes,
        )
        yield Check(
            name="tier",
            expected=f"eager: at least {MIN_EAGER} kinds of operation, started one by one; no compiled graph",
            found=found,
            holds=None if n_kinds is None else n_kinds >= MIN_EAGER and not n_graphs,
        )
    if entry.tier in ("step", "epoch", "kernel"):
        yield Check(
            name="tier",
            expected=f"{entry.tier}: at most {MAX_COMPILED} kinds of operation outside of what is compiled",
            found=found,
            holds=None if n_kinds is None or entry.cuda_graph else n_kinds <= MAX_COMPILED,
        )
