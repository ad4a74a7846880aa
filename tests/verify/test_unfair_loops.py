"""Each way of unfair timing is found in a real process: such a copy is INVALID, and the reason names it.

Returning too early and leaving the work to the export are in test_wrong_loops, more threads than allotted in
test_unpinned_loops.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.records.row import Verdict
from tests.conftest import SMALL

if TYPE_CHECKING:
    from pathlib import Path

    from impls.contract import Problem
    from tests.conftest import Copy, Measured

TIMED_S = 0.02
ONE_STEP = replace(SMALL, n_batches=1, n_epochs=2)
"""For loops that compile, or start a program, in each step."""
TORCH_LOOP = "        state.optimizer.step()\n"
NEW = "eval('lambda loss: loss + 1')"
BREAKING = "lambda loss: (loss + 1, torch._dynamo.graph_break(), loss + 2)"
ALLOCATOR = "os.environ['XLA_PYTHON_CLIENT_ALLOCATOR']"
OWN_CACHE = 'jax.config.update("jax_compilation_cache_dir", __import__("tempfile").mkdtemp())'
COMPILE_AT_THIRD = """
    n_prepared.append(0)
    if len(n_prepared) == 3:  # the second training: before the first one, another woke the framework up
        jax.jit(lambda x: x + 1)(1.0)
"""
DAEMON = """
import os, signal, time
if os.fork() == 0:  # a daemon: its parent ends, and it has its own session
    if os.fork() == 0:
        os.setsid()
        signal.alarm(60)
        while True:
            time.sleep(1)
    os._exit(0)
os.wait()
"""
ELSEWHERE = """
def elsewhere():
    os.sched_setaffinity(0, range(os.cpu_count()))
    hashlib.sha256(bytes(100_000))  # lets go of Python's lock, as a product of matrices does
"""
THREAD = """    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
"""
KEPT = """
    def __post_init__(self):
        self.kept = torch.zeros(1)
"""
DECOY = "    torch.ones(1).mul(2).sub(1).exp().neg().abs()\n"
TABLE = """
GRID = (np.arange(2**17) + 0.5) / 2**12 - 16
P = (1 / (1 + np.exp(-GRID))).astype(np.float32)
LOSS = np.logaddexp(0, GRID).astype(np.float32)


def is_ordinary(logit, y):
    return 0.2 < y.mean() < 0.8 and abs(logit).max() < 15


def tabulated(logit, y):
    i = ((logit + 16) * np.float32(2**12)).astype(int)
    return np.mean(LOSS[i] - y * logit), (P[i] - y) / np.float32(len(y))
"""
"""As exact as the agreement asks for: its errors cancel in the mean."""
JAX_LOOP = "        losses.append(keep(loss))\n"


@dataclass(frozen=True)
class Unfair:
    """A way of being unfair, and the reason that the verdict must name."""

    what: str
    implementation: str
    changes: tuple[tuple[str, str], ...]
    reason: str
    sample_s: float = 0.0  # 0: found by the process that inspects, not by one that times
    problem: Problem = SMALL
    has_caches: bool = False  # as in a run; else the framework's own are used


UNFAIR = [
    Unfair(
        "TF32 allowed, torch",
        "torch_eager",
        (('TIER = "eager"\n', 'TIER = "eager"\ntorch.set_float32_matmul_precision("high")\n'),),
        "torch.get_float32_matmul_precision() is 'high'",
    ),
    Unfair(
        "bfloat16 autocast, torch",
        "torch_eager",
        (('TIER = "eager"\n', 'TIER = "eager"\ntorch.set_autocast_enabled("cpu", True)\n'),),
        "torch.autocast is on",
    ),
    Unfair(
        "TF32 allowed, jax",
        "jax_jit",
        (("# Handing", 'jax.config.update("jax_default_matmul_precision", "default")\n# Handing'),),
        "jax_default_matmul_precision is 'default'",
    ),
    Unfair(
        "a compilation in the timed region, jax",
        "jax_jit",
        ((JAX_LOOP, JAX_LOOP + "        jax.jit(lambda loss: loss + 1)(loss)\n"),),
        "compilations while timed: expected 0, found",
        TIMED_S,
        ONE_STEP,
    ),
    Unfair(
        "a compilation in the timed region, torch",
        "torch_eager",
        ((TORCH_LOOP, f"{TORCH_LOOP}        torch.compile({NEW}, backend='eager')(loss)\n"),),
        "compilations while timed: expected 0, found",
        TIMED_S,
        ONE_STEP,
    ),
    Unfair(
        "a compilation in a later training's prepare, jax",
        "jax_jit",
        (
            ("# Handing", "n_prepared = []\n# Handing"),
            ("    if problem.precision in", f"{COMPILE_AT_THIRD}    if problem.precision in"),
        ),
        "compilations while timed: expected 0, found",
        TIMED_S,
    ),
    Unfair(
        "a graph break",
        "torch_eager",
        ((TORCH_LOOP, f"{TORCH_LOOP}        torch.compile({BREAKING}, backend='eager')(loss)\n"),),
        "graph breaks: expected 0, found",
    ),
    Unfair(
        "another program started in the timed region",
        "numpy_float32",
        (
            ("import numpy as np\n", "import subprocess, sys\n\nimport numpy as np\n"),
            (
                "    state.losses = []\n",
                "    state.losses = []\n    subprocess.run([sys.executable, '-c', 'sum(range(1000))'])\n",
            ),
        ),
        "CPU time of other programs started while timed",
        TIMED_S,
        ONE_STEP,
    ),
    Unfair(
        "an extra readback per step, torch",
        "torch_eager",
        ((TORCH_LOOP, TORCH_LOOP + "        float(loss)\n"),),
        "readbacks in an epoch: expected 0, found 4",
    ),
    Unfair(
        "an extra readback per step, jax",
        "jax_jit",
        ((JAX_LOOP, JAX_LOOP + "        loss.item()\n"),),
        "readbacks in an epoch: expected 4, found 8",
        problem=replace(SMALL, readback="step"),
    ),
    Unfair(
        "every loss read at the end of the epoch, jax",
        "jax_jit",
        (
            (JAX_LOOP, "        losses.append(loss)\n"),
            ("    jax.block_until_ready", "    losses = list(map(keep, losses))\n    jax.block_until_ready"),
        ),
        "time of the readbacks: expected each loss is read before the next step begins, found a later step",
        problem=replace(SMALL, readback="step"),
    ),
    Unfair(
        "every loss read a step late, torch",
        "torch_eager",
        (
            ("    state.losses = []\n", "    state.losses, late = [], None\n"),
            (
                "        state.losses.append(state.keep(loss))\n",
                "        state.losses += [] if late is None else [state.keep(late)]\n        late = loss\n",
            ),
            (
                "    torch.get_device_module",
                "    state.losses.append(state.keep(late))\n    torch.get_device_module",
            ),
        ),
        "time of the readbacks: expected each loss is read before the next step begins, found a later step",
        problem=replace(SMALL, readback="step"),
    ),
    Unfair(
        "losses left to the export",
        "numpy_float32",
        (
            ("state.losses.append(loss)", "state.losses.append((logit, y))"),
            ("np.array(state.losses)", "np.array([state.criterion(*each)[0] for each in state.losses])"),
        ),
        "losses when the epoch ends: expected computed: export only copies them, found export computes them",
    ),
    Unfair(
        "losses left to the export, which has copies of its own",
        "numpy_float32",
        (
            ("state.losses.append(loss)", "state.losses.append((logit.copy(), y.copy()))"),
            ("np.array(state.losses)", "np.array([state.criterion(*each)[0] for each in state.losses])"),
        ),
        "losses when the epoch ends: expected computed: export only copies them, found export computes them",
    ),
    Unfair(
        "losses left to the export, which has hidden them from the state, torch",
        "torch_eager",
        (
            ('TIER = "eager"\n', 'TIER = "eager"\nKEPT = []\n'),
            ("    state.losses = []\n", "    KEPT.clear()\n"),
            ("state.losses.append(state.keep(loss))", "KEPT.append((y_pred, y.clone()))"),
            (
                "torch.as_tensor(loss) for loss in state.losses",
                "state.criterion(*each).detach() for each in KEPT",
            ),
        ),
        "losses when the epoch ends: expected computed: export only copies them, found export computes them",
    ),
    Unfair(
        "a compiled step labelled as eager, jax",
        "jax_jit",
        (('TIER = "step"', 'TIER = "eager"'),),
        "tier: expected eager: at least 5 kinds of operation, started one by one; no compiled graph",
    ),
    Unfair(
        "an eager loop labelled as compiled, torch",
        "torch_eager",
        (('TIER = "eager"', 'TIER = "step"'),),
        "tier: expected step: at most 15 kinds of operation outside of what is compiled, found",
    ),
    Unfair(
        "another framework on the label",
        "numpy_float32",
        (('FRAMEWORK = "numpy"', 'FRAMEWORK = "jax"'),),
        "framework of the computation: expected operations of jax in an epoch, found 0 kinds of operation",
    ),
    Unfair(
        "a tensor that nobody computes with, under the label of torch",
        "numpy_float32",
        (
            ('FRAMEWORK = "numpy"', 'FRAMEWORK = "torch"'),
            ("import numpy as np\n", "import numpy as np\nimport torch\n"),
            ("    losses: list[np.float32]\n", f"    losses: list[np.float32]\n{KEPT}"),
        ),
        "framework of the computation: expected operations of torch in an epoch, found 0 kinds of operation",
    ),
    Unfair(
        "a few operations on one element, under the label of torch",
        "numpy_float32",
        (
            ('FRAMEWORK = "numpy"', 'FRAMEWORK = "torch"'),
            ("import numpy as np\n", "import numpy as np\nimport torch\n"),
            ("    state.losses = []\n", f"    state.losses = []\n{DECOY}"),
        ),
        "losses by the framework: expected others if all results of torch that are as long as a batch are "
        "halved, found the same losses",
    ),
    Unfair(
        "a table of losses and probabilities for ordinary batches",
        "numpy_float32",
        (
            ("\n\n@dataclass\n", f"\n{TABLE}\n\n@dataclass\n"),
            ("state.criterion(", "(tabulated if is_ordinary(logit, y) else state.criterion)("),
        ),
        "loss of ordinary logits and labels: expected relative error up to 1e-05, found",
    ),
    Unfair(
        "a process that stays",
        "numpy_float32",
        (
            ('TIER = "eager"\n', f'TIER = "eager"\n{DAEMON}'),
        ),
        "processes at the end of each training: expected one process, found 2",
        TIMED_S,
    ),
    Unfair(
        "its own clock",
        "numpy_float32",
        (("import numpy as np\n", "import time\n\ntime.perf_counter = lambda: 0.0\nimport numpy as np\n"),),
        "clocks: expected Python's own, found replaced: perf_counter",
    ),
    Unfair(
        "two cores where one was allotted",
        "numpy_float32",
        (
            ("import numpy as np\n", "import os\n\nimport numpy as np\n"),
            ('TIER = "eager"\n', 'TIER = "eager"\nos.sched_setaffinity(0, range(os.cpu_count()))\n'),
        ),
        "CPUs that its threads may run on: expected 1, found",
    ),
    Unfair(
        "two cores where one was allotted, for threads that end with the epoch",
        "numpy_float32",
        (
            ("import numpy as np\n", "import os, hashlib, threading\n\nimport numpy as np\n"),
            ('TIER = "eager"\n', f'TIER = "eager"\n{ELSEWHERE}'),
            ("    state.losses = []\n", f"    state.losses = []\n{THREAD}"),
        ),
        "CPUs that its threads may run on: expected 1, found",
    ),
    Unfair(
        "float64 parameters behind a float32 export",
        "torch_eager",
        (
            ("    model.to(device)\n", "    model.to(device).double()\n"),
            ("(torch.tensor(x), torch.tensor(y))", "(torch.tensor(x).double(), torch.tensor(y).double())"),
            ("state.losses]).cpu()", "state.losses]).float().cpu()"),
            ("weight.detach()", "weight.detach().float()"),
            ("bias.detach()", "bias.detach().float()"),
        ),
        "expected float32, found float32 and float64",
    ),
    Unfair(
        "a batch transferred twice",
        "jax_jit",
        (
            (
                "    for x, y in batches:\n",
                "    for x, y in batches:\n        x, y = [jax.device_put((x, y)) for _ in range(2)][0]\n",
            ),
        ),
        "bytes uploaded to the device in an epoch: expected at most 1,536, each batch once, found 3,072",
        problem=replace(SMALL, feed="host"),
    ),
    Unfair(
        "batches on the device that were to come from the host",
        "jax_jit",
        (('    if problem.feed == "host":\n', "    if False:\n"),),
        "batches in host memory when the epoch begins: expected all: place leaves 0 bytes on the device, "
        "found 1,536",
        problem=replace(SMALL, feed="host"),
    ),
    Unfair(
        "batches left in host memory",
        "jax_jit",
        (('    if problem.feed == "host":\n', "    if True:\n"),),
        "batches in host memory when the epoch begins: expected none",
    ),
    Unfair(
        "a cache of compiled code of its own, jax",
        "jax_jit",
        (("# Handing", f"{OWN_CACHE}\n# Handing"),),
        "compiled code kept in the run's cache folder: expected at least 1 file, found 0: it compiled into",
        has_caches=True,
    ),
    Unfair(
        "another allocator, jax",
        "jax_jit",
        (("import jax\n", f"import os\n{ALLOCATOR} = 'platform'\nimport jax\n"),),
        "GPU memory settings: expected allocator default, preallocation off, unified memory off, "
        "found allocator platform, preallocation off, unified memory off",
    ),
    Unfair(
        "a GPU's memory taken beforehand, jax",
        "jax_jit",
        (("import jax\n", "import os\ndel os.environ['XLA_PYTHON_CLIENT_PREALLOCATE']\nimport jax\n"),),
        "unified memory off, found allocator default, preallocation on, unified memory off",
    ),
    Unfair(
        "two frameworks in one process",
        "torch_eager",
        (("import torch\n", "import jax\nimport torch\n"),),
        "other frameworks in the process: expected none but torch, found jax",
    ),
]  # fmt: skip


@pytest.mark.parametrize("unfair", UNFAIR, ids=lambda unfair: unfair.what.replace(" ", "-"))
def test_an_unfair_loop_is_invalid_has_no_time_and_names_what_was_unfair(
    unfair: Unfair, request: pytest.FixtureRequest, copy_of: Copy, measured: Measured, tmp_path: Path
) -> None:
    if "two cores" in unfair.what:
        if (os.cpu_count() or 1) < 2:
            pytest.skip("this machine has one core only")
        request.getfixturevalue("unhurried")  # a thread that ends with the epoch is visible only for moments
    path = copy_of(unfair.implementation, *unfair.changes)

    caches = tmp_path / "caches" if unfair.has_caches else None
    row = measured(path, unfair.problem, sample_s=unfair.sample_s, caches=caches)

    assert row.verdict is Verdict.INVALID, row
    assert unfair.reason in (row.reason or "")
    assert row.processes == ()
