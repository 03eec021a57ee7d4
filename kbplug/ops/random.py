"""Random draws: each a function of a stream's state, which a cell holds and every call moves on.

A state is three int64: two words of a key and a counter of calls. The generic bodies are the portable
generator, Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
2011), which gives the same bits on every engine. An engine's own generator stands in as a kernel for the
ops of trait ``random``, and is used where the setting ``rng`` is ``"native"``.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.dtypes import INTEGER, REAL_FLOATING, check_dtype
from kbplug.errors import ShapeError
from kbplug.graph.spec import Spec, check_shape
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import accept, primitive
from kbplug.ops.namespace import namespace

STATE = Spec((3,), "int64")
_MASK = 0xFFFFFFFF
_PARITY = 0x1BD11BDA
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def _check_state(state: Spec) -> None:
    if state != STATE:
        raise ShapeError(f"A random draw needs the state of a stream, {STATE}, not {state}.")


def _draw(name: str, state: Spec, shape: tuple[int | None, ...], dtype: str) -> Spec:
    _check_state(state)
    result = Spec(check_shape(shape), check_dtype(dtype))
    accept(name, REAL_FLOATING, result)
    return result


@primitive("random.advance")
def advance(state: Spec, /) -> Spec:
    """The state of a stream after a call."""
    _check_state(state)
    return state


@advance.implement
def _(xp: Any, state: Any, /) -> Any:
    return state + xp.asarray([0, 0, 1], dtype=xp.int64)


@primitive("random.split", traits=("sized",))
def split(state: Spec, /, *sizes: Spec, shape: tuple[int | None, ...]) -> Spec:
    """The states of as many streams as ``shape`` says, each with a key of its own made from the state."""
    _check_state(state)
    if len(shape) != 1:
        raise ShapeError(f"random.split makes a row of states, so its shape has one size, not {len(shape)}.")
    return Spec((*check_shape(shape), *STATE.shape), STATE.dtype)


@split.implement
def _(xp: Any, state: Any, /, *, shape: tuple[int, ...]) -> Any:
    place = xp.arange(1, shape[0] + 1, dtype=xp.int64)  # 0 stands in the keys of the state's own draws
    keys = threefry(xp, state[:2], xp.stack([place, xp.broadcast_to(state[2, ...], shape)], axis=0))
    return xp.stack([keys[0, ...], keys[1, ...], xp.zeros(shape, dtype=xp.int64)], axis=1)


def threefry(xp: Any, key: Any, count: Any, /) -> Any:
    """Return two 32-bit words for each pair of counts; as int64, since not every library adds uint32.

    Parameters
    ----------
    key
        Two words.
    count
        Shape (2, n): the pairs to encrypt.

    A namespace that has the cipher itself, under the name ``threefry2x32``, computes it.
    """
    own = getattr(xp, "threefry2x32", None)
    if own is not None:
        return own(key, count)
    mask = xp.asarray(_MASK, dtype=xp.int64)
    k0, k1 = key[0, ...], key[1, ...]
    keys = (k0, k1, xp.bitwise_xor(xp.bitwise_xor(k0, k1), xp.asarray(_PARITY, dtype=xp.int64)))
    x0 = xp.bitwise_and(count[0, ...] + keys[0], mask)
    x1 = xp.bitwise_and(count[1, ...] + keys[1], mask)
    for block in range(5):
        for bits in _ROTATIONS[block % 2]:
            x0 = xp.bitwise_and(x0 + x1, mask)
            x1 = xp.bitwise_xor(_rotate(xp, x1, bits, mask), x0)
        x0 = xp.bitwise_and(x0 + keys[(block + 1) % 3], mask)
        x1 = xp.bitwise_and(x1 + keys[(block + 2) % 3] + xp.asarray(block + 1, dtype=xp.int64), mask)
    return xp.stack([x0, x1], axis=0)


def _rotate(xp: Any, x: Any, bits: int, mask: Any) -> Any:
    left = xp.bitwise_left_shift(x, xp.asarray(bits, dtype=xp.int64))
    right = xp.bitwise_right_shift(x, xp.asarray(32 - bits, dtype=xp.int64))
    return xp.bitwise_and(xp.bitwise_or(left, right), mask)


@primitive("random.bits", traits=("sized", "random"))
def bits(state: Spec, /, *sizes: Spec, shape: tuple[int | None, ...]) -> Spec:
    """Random 32-bit words as int64."""
    _check_state(state)
    return Spec(check_shape(shape), "int64")


@bits.implement
def words(xp: Any, state: Any, /, *, shape: tuple[int, ...]) -> Any:
    """Draw words: the counter makes the call's own key, which then encrypts 0, 1, 2, ..."""
    size = math.prod(shape)
    step = xp.stack([xp.zeros((), dtype=xp.int64), state[2, ...]], axis=0)
    key = threefry(xp, state[:2], step)
    half = (size + 1) // 2
    index = xp.arange(half, dtype=xp.int64)
    drawn = threefry(xp, key, xp.stack([xp.zeros((half,), dtype=xp.int64), index], axis=0))
    return xp.reshape(xp.reshape(drawn, (2 * half,))[:size], shape)


@primitive("random.uniform", traits=("sized", "random"))
def uniform(state: Spec, /, *sizes: Spec, shape: tuple[int | None, ...], dtype: str) -> Spec:
    """Uniform numbers from 0 up to but without 1: 24 random bits, or 53 for float64."""
    return _draw("random.uniform", state, shape, dtype)


@uniform.implement
def _(xp: Any, state: Any, /, *, shape: tuple[int, ...], dtype: Any) -> Any:
    return xp.astype(_unit(xp, state, shape, dtype), dtype)


def _unit(xp: Any, state: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return float64 numbers in [0, 1) with as many random bits as ``dtype`` keeps."""
    if dtype != xp.float64:
        return xp.astype(words(xp, state, shape=shape) >> 8, xp.float64) * 2.0**-24
    both = words(xp, state, shape=(2, *shape))
    high, low = xp.astype(both[0, ...] >> 5, xp.float64), xp.astype(both[1, ...] >> 6, xp.float64)
    return (high * 2.0**26 + low) * 2.0**-53


@primitive("random.normal", traits=("sized", "random"))
def normal(state: Spec, /, *sizes: Spec, shape: tuple[int | None, ...], dtype: str) -> Spec:
    """Standard normal numbers (Box and Muller, 1958)."""
    return _draw("random.normal", state, shape, dtype)


@normal.implement
def _(xp: Any, state: Any, /, *, shape: tuple[int, ...], dtype: Any) -> Any:
    size = math.prod(shape)
    half = (size + 1) // 2
    pair = _unit(xp, state, (2, half), dtype)
    radius = xp.sqrt(-2.0 * xp.log1p(-pair[0, ...]))
    angle = 2.0 * math.pi * pair[1, ...]
    both = xp.concat([radius * xp.cos(angle), radius * xp.sin(angle)], axis=0)
    return xp.astype(xp.reshape(both[:size], shape), dtype)


@primitive("random.truncated_normal", traits=("sized", "random"))
def truncated_normal(state: Spec, /, *sizes: Spec, shape: tuple[int | None, ...], dtype: str) -> Spec:
    """Standard normal numbers given that they lie between -2 and 2."""
    return _draw("random.truncated_normal", state, shape, dtype)


@truncated_normal.implement
def _(xp: Any, state: Any, /, *, shape: tuple[int, ...], dtype: Any) -> Any:
    from kbplug.ops.special.quantile import ndtri  # by inversion: no rejection, so every engine draws as many words

    tail = 0.5 * math.erfc(2.0 / math.sqrt(2.0))
    return xp.astype(ndtri(xp, tail + (1.0 - 2.0 * tail) * _unit(xp, state, shape, dtype)), dtype)


@primitive("random.integers", traits=("sized", "random"))
def integers(state: Spec, /, *sizes: Spec, shape: tuple[int | None, ...], low: int, high: int, dtype: str) -> Spec:
    """Uniform integers from ``low`` up to but without ``high``."""
    _check_state(state)
    if not low < high:
        raise ShapeError(f"random.integers needs low < high, not {low} and {high}.")
    result = Spec(check_shape(shape), check_dtype(dtype))
    accept("random.integers", INTEGER, result)
    return result


@integers.implement
def _(xp: Any, state: Any, /, *, shape: tuple[int, ...], low: int, high: int, dtype: Any) -> Any:
    unit = _unit(xp, state, shape, xp.float64)
    drawn = xp.astype(xp.floor(unit * float(high - low)), xp.int64)
    return xp.astype(drawn + low, dtype)


def shuffled(state: Tensor, n: Any) -> Tensor:
    """Return the integers below ``n`` in random order: the order that sorts random words."""
    from kbplug.ops.namespace import size_operands

    sizes, static = size_operands(n)
    return namespace.argsort(bits(state, *sizes, shape=static), stable=True)
