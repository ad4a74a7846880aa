"""What a session on a GPU measures: the most important line first."""

from dataclasses import dataclass

from benchmarks.paths import IMPLEMENTATIONS

COMMAND_BUFFERS = "FUSION,CUBLAS,CUBLASLT,CUSTOM_CALL,CUDNN,DYNAMIC_SLICE_FUSION,WHILE"
"""Those that XLA captures by default, and loops."""

BEST = ("torch_cudagraph_compiled", "jax_scan")
"""Of each framework, an epoch in one call."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the list."""

    name: str
    answers: str  # the question
    commands: tuple[tuple[str, ...], ...]  # of Python; {out}: the line's folder, {seconds}: to measure
    limit_s: float
    least_s: float  # with less, it is not begun
    statuses: tuple[int, ...] = (0,)  # of a command that is done


def _run(record: str, impls: tuple[str, ...], problems: tuple[str, ...], *more: str) -> tuple[str, ...]:
    named = [f"--impl={name}" for name in impls] + [f"--problem={name}" for name in problems]
    where = ("--device=cuda", "--max-time={seconds}", "-o", f"{{out}}/{record}.json")
    return ("-m", "benchmarks", "run", *named, *where, *more)


def _ab(report: str, *more: str) -> tuple[str, ...]:
    where = ("--device=cuda", "--max-pairs=20", "--undecided-ok")
    return (
        "-m",
        "benchmarks",
        "ab",
        *more,
        *where,
        f"--json={{out}}/{report}.json",
        f"--markdown={{out}}/{report}.md",
    )


def _impl(name: str) -> str:
    return str(IMPLEMENTATIONS / f"{name}.py")


LINES = (
    Line(
        name="1-tests",
        answers="do the tests hold that need a GPU?",
        commands=(
            (
                *("-m", "pytest", "tests/impls/test_on_gpu.py", "tests/impls/test_torch_cudagraphs.py"),
                *("-v", "-rs", "-kcuda or gpu", "--benchmark-disable", "-pno:cacheprovider"),
                "-Wdefault",  # another machine's packages may warn
            ),
        ),
        limit_s=60,
        least_s=30,
    ),
    Line(
        name="2-floor",
        answers="what can the GPU do?",
        commands=(("-m", "benchmarks.studies.gpu.floor", "-o", "{out}/floor.md"),),
        limit_s=60,
        least_s=30,
    ),
    Line(
        name="3-wide",
        answers="`wide`, and its energy",
        commands=(
            _run(
                "wide",
                (*BEST, "torch_cudagraph_step", "jax_scan_fused", "jax_jit", "native_floor"),
                ("wide",),
                "--rounds=6",
            ),
        ),
        limit_s=200,
        least_s=60,
    ),
    Line(
        name="4-kernels",
        answers="how far is a kernel in a framework from the floor?",
        commands=(
            _run(
                "kernels",
                ("torch_triton", "jax_pallas", "native_floor", *BEST),
                ("book", "small", "large"),
                "--rounds=3",
            ),
        ),
        limit_s=140,
        least_s=60,
    ),
    Line(
        name="5-cores",
        answers="does a second core beside the GPU help?",
        commands=(_run("cores", ("jax_jit", *BEST), ("book", "small"), "--rounds=3", "--cores=2"),),
        limit_s=100,
        least_s=50,
    ),
    Line(
        name="6-captured",
        answers="what can XLA and Inductor capture?",
        commands=(
            _ab(
                "while",
                "--impl=jax_scan",
                "--problem=book",
                f"--new-env=XLA_FLAGS=--xla_gpu_enable_command_buffer={COMMAND_BUFFERS}",
            ),
            _ab(
                "step",
                f"--base-impl={_impl('torch_cudagraph_step')}",
                f"--new-impl={_impl('torch_cudagraph_step_compiled')}",
                "--problem=book",
            ),
        ),
        limit_s=160,
        least_s=60,
        statuses=(0, 1),
    ),
    Line(
        name="7-rest",
        answers="lower precision, feeds, readbacks, PyTorch's scan",
        commands=(
            _run(
                "precision",
                ("jax_scan", "jax_jit"),
                ("wide,precision=tf32", "wide,precision=bfloat16"),
                "--rounds=2",
            ),
            _run("feed", (*BEST, "torch_cudagraph_step"), ("book,feed=host",), "--rounds=2"),
            _run(
                "readback",
                ("torch_cudagraph_step", "torch_eager", "jax_jit"),
                ("book,readback=step",),
                "--rounds=2",
            ),
            _run("scan", ("torch_epoch",), ("book",), "--rounds=2"),
        ),
        limit_s=140,
        least_s=50,
    ),
)
