"""Named choices of implementations, problems and rounds, from a quick look to everything."""

from dataclasses import dataclass

N_FEATURES = (1, 16, 256, 4096)
BATCH_SIZES = (1, 8, 10, 100, 1000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
"""Closer where interpolation between distant sizes made the decision map wrong (measured): where batches
exceed the caches (at 250,000, between 100,000 and a million, a quarter too high for jax_jit), and where XLA's
CPU compiler chooses other code (jax_scan_packed, now replaced, compiled in 0.1 s up to batches of 8, then in
0.2 s)."""

WIDE_BATCH_SIZES = (1, 10, 100, 1000, 10_000)  # of 256 features: 100,000 would take half a gigabyte
N_BATCHES = (1, 5, 100)


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Implementations and problems by their names on the command line, and how often to measure them."""

    summary: str
    impls: tuple[str, ...] = ()  # empty: all
    problems: tuple[str, ...]
    rounds: int
    max_time_s: float | None = None  # no round starts that would end later
    resumes: bool = False


_BATCH_SIZE_SWEEP = tuple(f"book,batch_size={size}" for size in BATCH_SIZES)
_WIDE_BATCH_SIZE_SWEEP = tuple(f"wide,n_batches=5,batch_size={size}" for size in WIDE_BATCH_SIZES)
_WIDTH_SWEEP = tuple(f"book,n_features={width}" for width in N_FEATURES)
_LENGTH_SWEEP = (*(f"book,n_batches={n}" for n in N_BATCHES), "wide,n_batches=100")
_VARIANTS = (
    *(f"{name},feed=host" for name in ("book", "large", "wide")),
    *(f"{name},readback=step" for name in ("book", "small")),
    *(f"{name},loss=bce_with_logits" for name in ("book", "large")),
    *(f"{name},precision={each}" for each in ("tf32", "bfloat16") for name in ("book", "large", "wide")),
    "book,data=stream,last_batch_size=300",
    "book,target_loss=0.3,max_loss_change=0.01,n_epochs=200",
)

QUICK = Suite(
    summary="PyTorch's textbook loop and JAX's compiled step, one round (a quarter of a minute)",
    impls=("torch_eager", "jax_jit"),
    problems=("book",),
    rounds=1,
)
"""What --quick measures."""

SUITES = {
    "default": Suite(
        summary="one usual program a tier; six rounds (about a minute), or as many as three minutes allow",
        impls=("torch_eager", "jax_jit", "jax_scan"),
        problems=("book",),
        rounds=6,
        max_time_s=174,  # and the start and the tables take some seconds
    ),
    "named": Suite(
        summary="every implementation on the four named problems (half an hour or more)",
        problems=("book", "small", "large", "wide"),
        rounds=6,
    ),
    "sweep": Suite(
        summary="every implementation over batch sizes, widths and lengths, to fit the cost model",
        problems=(*_BATCH_SIZE_SWEEP, *_WIDE_BATCH_SIZE_SWEEP, *_WIDTH_SWEEP, *_LENGTH_SWEEP),
        rounds=3,
        resumes=True,
    ),
    "full": Suite(
        summary="everything: the named problems, the sweeps, feeds, readbacks, the loss on logits, the "
        "stopping rule, and on GPUs lower precisions (hours)",
        problems=(
            *("book", "small", "large", "wide"),
            *_VARIANTS,
            *_BATCH_SIZE_SWEEP,
            *_WIDE_BATCH_SIZE_SWEEP,
            *_WIDTH_SWEEP,
            *_LENGTH_SWEEP,
        ),
        rounds=6,
        resumes=True,
    ),
}
