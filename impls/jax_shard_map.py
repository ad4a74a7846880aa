"""One call per epoch on each of several processes: jax_scan under shard_map, one pmean per step."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from impls.contract import BETA1, BETA2, EPSILON, GRADIENT_CLAMP, LOG_CLAMP, EpochResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jax import Array
    from numpy.typing import NDArray

    from impls.contract import Batches, Device, Parameters, Problem, Ranks

Epoch: TypeAlias = "tuple[tuple[Array, Array], list[tuple[Array, Array]]]"
TrainEpoch: TypeAlias = "Callable[..., tuple[Perceptron, optax.OptState, Array]]"

FRAMEWORK = "jax"
TIER = "epoch"
GRADIENT = "framework, own loss rule"
SPANS_RANKS = True

UNROLL: dict[Device, int] = {"cpu": 1, "cuda": 5}
"""Steps per iteration of the compiled loop, as in jax_scan."""

N_VALUES = 256
"""So many values are exchanged at once: by a program of one size, so that it is compiled once."""

# Handing small computations to another thread costs more than running them (about 10 µs a call on a CPU).
jax.config.update("jax_cpu_enable_async_dispatch", val=False)


class Perceptron(NamedTuple):
    """The parameters of y_pred = sigmoid(x·w + b): weight (n_features,), bias ()."""

    weight: Array | NDArray[np.float32]
    bias: Array | NDArray[np.float32]


Carry: TypeAlias = tuple[Perceptron, optax.OptState]


class State(NamedTuple):
    """The parameters, the optimizer's state, the compiled epoch and the losses of the latest one."""

    model: Perceptron
    optimizer_state: optax.OptState
    train_epoch: TrainEpoch
    losses: Array


def join(ranks: Ranks) -> None:
    """Connect to the other ranks, if there are any; each has one device."""
    if ranks.n_ranks > 1:
        address = f"{ranks.address}:{ranks.port}"
        jax.distributed.initialize(address, ranks.n_ranks, ranks.rank, local_device_ids=0)


def leave() -> None:
    """Disconnect once all ranks are here."""
    jax.distributed.shutdown()


def largest(values: Sequence[float]) -> list[float]:
    """Return the largest of each value over the ranks, in float32, exchanged between their CPUs."""
    exchange, by_rank = make_exchange()
    padded = np.zeros((-(-len(values) // N_VALUES), 1, N_VALUES), np.float32)
    padded.flat[: len(values)] = values
    found = [exchange(jax.make_array_from_process_local_data(by_rank, own)) for own in padded]
    everyone: list[float] = np.concatenate(found)[: len(values)].tolist()
    return everyone


@cache  # the program outlives jax.clear_caches()
def make_exchange() -> tuple[jax.stages.Compiled, NamedSharding]:
    """Compile the maximum over the ranks, and say where its argument (n_ranks, N_VALUES) is."""
    mesh = make_mesh("cpu")
    by_rank = NamedSharding(mesh, P("rank"))
    rows = jax.ShapeDtypeStruct((mesh.size, N_VALUES), np.float32, sharding=by_rank)
    exchange = jax.jit(lambda rows: jnp.max(rows, axis=0), out_shardings=NamedSharding(mesh, P()))
    return exchange.lower(rows).compile(), by_rank


@cache
def make_mesh(device: Device) -> Mesh:
    """Line up the ranks' devices, one of each."""
    devices = [jax.local_devices(rank, device)[0] for rank in range(jax.process_count())]
    return Mesh(np.array(devices), ("rank",), axis_types=(AxisType.Auto,))


def unavailable(device: Device) -> str | None:
    """Return why it can't run on the device, or None."""
    try:
        jax.devices(device)
    except RuntimeError as error:
        return f"jax {jax.__version__} finds no {device.upper()} device ({error})"
    return None


def prepare(problem: Problem, parameters: Parameters, device: Device) -> State:
    """Put all parameters and optimizer state on each rank's device."""
    model = Perceptron(parameters.weight, parameters.bias)
    optimizer_state = adam(problem.learning_rate).init(model)
    model, optimizer_state = put((model, optimizer_state), NamedSharding(make_mesh(device), P()))
    train_epoch = make_train_epoch(problem.learning_rate, device)
    return State(model, optimizer_state, train_epoch, jnp.empty(0))


def place(problem: Problem, batches: Batches, device: Device) -> Epoch:
    """Stack the batches as large as the first and keep the ragged last one, if any, beside them.

    Then copy this rank's rows to its device.
    """
    del problem
    full = [batch for batch in batches if len(batch[1]) == len(batches[0][1])]
    stacked = tuple(np.stack(arrays) for arrays in zip(*full, strict=True))
    mesh = make_mesh(device)
    ragged = put(list(batches[len(full) :]), NamedSharding(mesh, P("rank")))
    return put(stacked, NamedSharding(mesh, P(None, "rank"))), ragged


def put(arrays: Any, sharding: NamedSharding) -> Any:  # noqa: ANN401 - a tree of arrays: typing has no type for it
    """Copy each array's part that belongs to this rank to its device."""

    def put_one(array: Array | NDArray[Any]) -> Array:
        return jax.make_array_from_callback(array.shape, sharding, np.asarray(array).__getitem__)

    return jax.tree.map(put_one, arrays)


def run_epoch(state: State, batches: Epoch) -> State:
    """Train on each batch in order and wait for the device."""
    model, optimizer_state, train_epoch, _ = state
    model, optimizer_state, losses = train_epoch(model, optimizer_state, batches)
    state = State(model, optimizer_state, train_epoch, losses)
    jax.block_until_ready((model, optimizer_state, losses))
    return state


def export(state: State) -> EpochResult:
    """Copy the epoch's losses (n_batches,), weight (n_features,) and bias () to the host."""
    return EpochResult(np.array(state.losses), np.array(state.model.weight), np.array(state.model.bias))


@cache  # one compilation for all trainings
def make_train_epoch(learning_rate: float, device: Device) -> TrainEpoch:
    """Make the compiled epoch of a rank's rows; each step averages gradient and loss in one message."""

    def train_step(carry: Carry, batch: tuple[Array, Array]) -> tuple[Carry, Array]:
        model, optimizer_state = carry
        own_loss, own = jax.value_and_grad(loss_of)(model, *batch)
        message = jnp.concatenate([own.weight, jnp.stack([own.bias, own_loss])])
        mean = jax.lax.pmean(message, "rank")
        gradients, loss = Perceptron(mean[:-2], mean[-2]), mean[-1]
        updates, optimizer_state = adam(learning_rate).update(gradients, optimizer_state)
        return (optax.apply_updates(model, updates), optimizer_state), loss

    # With check_vma, JAX would sum up the gradients by itself, weight and bias in a message each.
    @partial(jax.jit, donate_argnums=(0, 1))  # the model's and the optimizer's memory is reused
    @partial(
        jax.shard_map,
        mesh=make_mesh(device),
        in_specs=(P(), P(), (P(None, "rank"), P("rank"))),
        out_specs=P(),
        check_vma=False,
    )
    def train_epoch(
        model: Perceptron, optimizer_state: optax.OptState, batches: Epoch
    ) -> tuple[Perceptron, optax.OptState, Array]:
        full, ragged = batches
        carry, losses = jax.lax.scan(train_step, (model, optimizer_state), full, unroll=UNROLL[device])
        for batch in ragged:
            carry, loss = train_step(carry, batch)
            losses = jnp.append(losses, loss)
        return *carry, losses

    return train_epoch


def adam(learning_rate: float) -> optax.GradientTransformation:
    """Make the optimizer."""
    return optax.adam(learning_rate, b1=BETA1, b2=BETA2, eps=EPSILON)


def loss_of(model: Perceptron, x: Array, y: Array) -> Array:
    """Compute the mean loss from y_pred = sigmoid(x·w + b)."""
    y_pred = jax.nn.sigmoid(x @ model.weight + model.bias)
    return binary_cross_entropy(y_pred, y)


@jax.custom_vjp
def binary_cross_entropy(y_pred: Array, y: Array) -> Array:
    """Compute the mean cross-entropy with the semantics of torch.nn.BCELoss.

    Its gradient is written by hand below: JAX's own, of `maximum(log(p), -100)`, is NaN at p = 0 or 1.
    """
    log_p = jnp.maximum(jnp.log(y_pred), LOG_CLAMP)
    log_q = jnp.maximum(jnp.log1p(-y_pred), LOG_CLAMP)
    return -jnp.mean(y * log_p + (1 - y) * log_q)


def _forward(y_pred: Array, y: Array) -> tuple[Array, tuple[Array, Array]]:
    return binary_cross_entropy(y_pred, y), (y_pred, y)


def _backward(residuals: tuple[Array, Array], cotangent: Array) -> tuple[Array, None]:
    y_pred, y = residuals
    slope = jnp.maximum(y_pred * (1 - y_pred), GRADIENT_CLAMP)
    return cotangent * (y_pred - y) / slope / y.size, None


binary_cross_entropy.defvjp(_forward, _backward)
