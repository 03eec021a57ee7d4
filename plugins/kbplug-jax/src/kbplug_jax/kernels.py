"""What JAX does better than the generic lowerings: loops, convolution, scattering, random numbers.

A kernel that needs a value which is only traced leaves the work to the op's own body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from kbplug.graph.index import ARRAY, Template, restore
from kbplug.graph.op import lookup
from kbplug.graph.window import windows
from kbplug_jax import host, limits

Array = Any
VALUE_NEEDED = (jax.errors.JAXTypeError, jax.errors.JAXIndexError)
"""What JAX raises where a value is asked for that is only traced."""


def _generic(name: str, *arrays: Array, **params: Any) -> Any:
    lower = lookup(name).lower
    assert lower is not None  # every op that asks has a body
    return lower(jnp, *arrays, **params)


def scan(
    *arrays: Array, body: Any, carries: int, sequences: int, length: int | None = None, reverse: bool = False
) -> Any:
    """Loop over rows, compiled once for all of them."""
    state, rest = tuple(map(jnp.asarray, arrays[:carries])), arrays[carries + sequences :]
    rows = arrays[carries : carries + sequences]

    def step(state: Any, row: Any) -> Any:
        found = body(*state, *row, *rest)
        return tuple(found[:carries]), tuple(found[carries:])

    try:
        last, kept = lax.scan(step, state, tuple(rows), length=None if rows else length, reverse=reverse)
    except (TypeError, *VALUE_NEEDED):  # a carry that changes its shape, or a value needed
        sizes = {"carries": carries, "sequences": sequences, "length": length, "reverse": reverse}
        return _generic("scan", *arrays, body=body, **sizes)
    return (*last, *kept)


def cond(condition: Array, *arrays: Array, then: Any, orelse: Any) -> Any:
    """Choose a branch when run."""
    try:
        found = lax.cond(condition, lambda *a: tuple(then(*a)), lambda *a: tuple(orelse(*a)), *arrays)
    except (TypeError, *VALUE_NEEDED):  # branches of two shapes, or a value needed
        return _generic("cond", condition, *arrays, then=then, orelse=orelse)
    return found[0] if len(found) == 1 else found


def while_(*arrays: Array, test: Any, body: Any, carries: int, keep: bool = False) -> Any:
    """Loop while a condition holds; states that are kept are as many as only the run can say."""
    if keep:
        return _generic("while_", *arrays, test=test, body=body, carries=carries, keep=keep)
    state, rest = tuple(map(jnp.asarray, arrays[:carries])), arrays[carries:]
    try:
        return lax.while_loop(lambda s: test(*s, *rest)[0], lambda s: tuple(body(*s, *rest)), state)
    except (TypeError, *VALUE_NEEDED):
        return _generic("while_", *arrays, test=test, body=body, carries=carries, keep=keep)


def _convolve(
    x: Array, kernel: Array, *, strides: Any, padding: Any, dilation: Any, groups: int, data_format: str
) -> Array:
    spatial = x.ndim - 2
    letters = "DHW"[-spatial:]
    layout = f"NC{letters}" if data_format == "channels_first" else f"N{letters}C"
    sizes = x.shape[2:] if data_format == "channels_first" else x.shape[1:-1]
    steps = {"strides": strides, "padding": padding, "dilation": dilation}
    slides = windows("conv", tuple(sizes), tuple(kernel.shape[:-2]), **steps)
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=[w.stride for w in slides],
        padding=[(w.before or 0, w.after or 0) for w in slides],
        rhs_dilation=[w.dilation for w in slides],
        dimension_numbers=(layout, f"{letters}IO", layout),
        feature_group_count=groups,
        precision=lax.Precision.HIGHEST,
    )


def _is_empty(*arrays: Array) -> bool:
    return any(a.size == 0 for a in arrays)


def conv(x: Array, kernel: Array, **params: Any) -> Array:
    """Return the convolution of ``x`` with ``kernel``."""
    return _generic("conv", x, kernel, **params) if _is_empty(x, kernel) else _convolve(x, kernel, **params)


def conv_input(y: Array, kernel: Array, *, shape: tuple[int, ...], **params: Any) -> Array:
    """Return the transpose of ``conv`` in the array."""
    if _is_empty(y, kernel) or 0 in shape:
        return _generic("conv_input", y, kernel, shape=shape, **params)
    channels = kernel.shape[-2] * params["groups"]
    whole = (channels, *shape) if params["data_format"] == "channels_first" else (*shape, channels)
    like = jax.ShapeDtypeStruct((y.shape[0], *whole), y.dtype)
    return jax.linear_transpose(lambda x: _convolve(x, kernel, **params), like)(y)[0]


def conv_kernel(x: Array, y: Array, *, shape: tuple[int, ...], **params: Any) -> Array:
    """Return the transpose of ``conv`` in the kernel."""
    if _is_empty(x, y):
        return _generic("conv_kernel", x, y, shape=shape, **params)
    axis = 1 if params["data_format"] == "channels_first" else -1
    like = jax.ShapeDtypeStruct((*shape, x.shape[axis] // params["groups"], y.shape[axis]), x.dtype)
    return jax.linear_transpose(lambda kernel: _convolve(x, kernel, **params), like)(y)[0]


def getitem(x: Array, *operands: Array, index: Template) -> Array:
    """Return ``x[index]``; JAX reads brackets as NumPy does."""
    return x[restore(index, operands)]


def setitem(x: Array, value: Array, *operands: Array, index: Template) -> Array:
    """Return ``x`` with ``value`` at ``index``; which of several values for one place stays, JAX does not say."""
    if ARRAY in index and all(o.dtype != jnp.bool for o in operands):
        return _generic("setitem", x, value, *operands, index=index)
    return x.at[restore(index, operands)].set(value)


def scatter_add(x: Array, updates: Array, *operands: Array, index: Template) -> Array:
    """Return ``x`` with ``updates`` added at ``index``, doubled places included."""
    return x.at[restore(index, operands)].add(updates)


def segment_sum(data: Array, segment_ids: Array, *, shape: tuple[int]) -> Array:
    """Sum the rows of each id; rows of ids that are none go to a slot that is cut off."""
    ids = segment_ids.reshape(-1).astype(jnp.int64)
    slots = jnp.where((ids >= 0) & (ids < shape[0]), ids, shape[0])
    rows = data.reshape((ids.size, *data.shape[segment_ids.ndim :]))
    return jnp.zeros((shape[0] + 1, *rows.shape[1:]), data.dtype).at[slots].add(rows)[:-1]


def permute_dims(x: Array, axes: tuple[int, ...]) -> Array:
    """Permute; JAX counts axes from the front alone."""
    return jnp.transpose(x, tuple(axis % x.ndim for axis in axes))


def searchsorted(x1: Array, x2: Array, sorter: Array | None = None, *, side: str) -> Array:
    """Return where elements belong, as int64."""
    return jnp.searchsorted(x1, x2, side=side, sorter=sorter).astype(jnp.int64)


def cumulative_prod(x: Array, *, axis: int | None, dtype: Any, include_initial: bool) -> Array:
    """Multiply up; of small integers in 64 bits, as the standard says."""
    if dtype is None and jnp.issubdtype(x.dtype, jnp.integer):
        dtype = jnp.uint64 if jnp.issubdtype(x.dtype, jnp.unsignedinteger) else jnp.int64
    return jnp.cumulative_prod(x, axis=axis, dtype=dtype, include_initial=include_initial)


def meshgrid(*arrays: Array, indexing: str) -> Any:
    """Return the coordinates of a grid; JAX refuses a scalar among the axes."""
    return jnp.meshgrid(*map(jnp.atleast_1d, arrays), indexing=indexing)


def any_(x: Array, *, axis: Any, keepdims: bool) -> Array:
    """Return whether any element is not zero; JAX looks at the real part of a complex number alone."""
    return jnp.any(x != 0, axis=axis, keepdims=keepdims)


def all_(x: Array, *, axis: Any, keepdims: bool) -> Array:
    """Return whether no element is zero."""
    return jnp.all(x != 0, axis=axis, keepdims=keepdims)


def matrix_rank(x: Array, rtol: Array | None = None) -> Array:
    """Count singular values; JAX takes one tolerance for a whole stack."""
    values = jnp.linalg.svd(x, compute_uv=False)
    least = max(x.shape[-2:]) * jnp.finfo(x.dtype).eps if rtol is None else jnp.asarray(rtol)[..., None]
    if not values.shape[-1]:
        return jnp.zeros(values.shape[:-1], jnp.int64)
    return jnp.sum(values > least * values.max(axis=-1, keepdims=True), axis=-1, dtype=jnp.int64)


def _key(state: Array) -> Array:
    key = jax.random.wrap_key_data(state[:2].astype(jnp.uint32), impl="threefry2x32")
    return jax.random.fold_in(key, state[2].astype(jnp.uint32))


def uniform(state: Array, *, shape: Sequence[int], dtype: Any) -> Array:
    """Draw uniform numbers in [0, 1)."""
    return jax.random.uniform(_key(state), tuple(shape), dtype)


def normal(state: Array, *, shape: Sequence[int], dtype: Any) -> Array:
    """Draw standard normal numbers."""
    return jax.random.normal(_key(state), tuple(shape), dtype)


def truncated_normal(state: Array, *, shape: Sequence[int], dtype: Any) -> Array:
    """Draw standard normal numbers between -2 and 2."""
    return jax.random.truncated_normal(_key(state), -2.0, 2.0, tuple(shape), dtype)


def bits(state: Array, *, shape: Sequence[int]) -> Array:
    """Draw 32-bit words as int64."""
    return jax.random.bits(_key(state), tuple(shape), jnp.uint32).astype(jnp.int64)


def integers(state: Array, *, shape: Sequence[int], low: int, high: int, dtype: Any) -> Array:
    """Draw integers from ``low`` up to but without ``high``."""
    return jax.random.randint(_key(state), tuple(shape), low, high, jnp.int64).astype(dtype)


KERNELS: dict[str, Callable[..., Any]] = {
    **host.KERNELS,
    **limits.KERNELS,
    "all": all_,
    "any": any_,
    "cond": cond,
    "conv": conv,
    "conv_input": conv_input,
    "conv_kernel": conv_kernel,
    "cumulative_prod": cumulative_prod,
    "getitem": getitem,
    "linalg.matrix_rank": matrix_rank,
    "meshgrid": meshgrid,
    "permute_dims": permute_dims,
    "random.bits": bits,
    "random.integers": integers,
    "random.normal": normal,
    "random.truncated_normal": truncated_normal,
    "random.uniform": uniform,
    "scan": scan,
    "scatter_add": scatter_add,
    "searchsorted": searchsorted,
    "segment_sum": segment_sum,
    "setitem": setitem,
    "while_": while_,
}
