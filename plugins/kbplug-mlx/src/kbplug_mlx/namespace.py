"""The standard's names over MLX: MLX's own where it keeps to the standard, corrected here where it does not.

It knows MLX and no graph. Only what kbplug asks of a namespace is corrected.
"""

# ruff: noqa: ARG001 -- the signatures are the standard's

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod as product
from typing import Any

import mlx.core as mx
import numpy as np

Array = Any
Axes = int | tuple[int, ...] | None
Shape = int | tuple[int, ...]

bool = mx.bool_


def __getattr__(name: str) -> Any:
    """Return what MLX has under the standard's name already."""
    return getattr(mx, name)


# Creation: a shape may be one number, and there is a device.


def zeros(shape: Shape, *, dtype: Any = None, device: Any = None) -> Array:
    """Return zeros."""
    return mx.zeros(shape, dtype or mx.float32)


def ones(shape: Shape, *, dtype: Any = None, device: Any = None) -> Array:
    """Return ones."""
    return mx.ones(shape, dtype or mx.float32)


def full(shape: Shape, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """Return one value everywhere."""
    return mx.full(shape, fill_value, dtype=dtype)


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: Any = None, device: Any = None
) -> Array:
    """Return evenly spaced numbers; the integers are 64 bits wide."""
    start, stop = (0, start) if stop is None else (start, stop)
    whole = all(isinstance(n, int) for n in (start, stop, step))
    return mx.arange(start, stop, step, dtype or (mx.int64 if whole else mx.float32))


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: Any = None) -> Array:
    """Return an array of numbers."""
    return mx.array(obj, dtype=dtype)


# Elementwise: what MLX lacks, and the numbers at which it is not the standard's.


def _bits(x: Array) -> Array:
    return x.view(mx.int64 if x.dtype == mx.float64 else mx.int32)


def signbit(x: Array) -> Array:
    """Return whether the sign is minus, of zeros too."""
    return _bits(x) < 0


def copysign(x: Array, y: Array) -> Array:
    """Return the numbers of ``x`` with the signs of ``y``."""
    return mx.where(signbit(x) == signbit(y), x, -x)


def hypot(x: Array, y: Array) -> Array:
    """Return the length of a vector, without a square that overflows."""
    x, y = mx.abs(x), mx.abs(y)
    long, short = mx.maximum(x, y), mx.minimum(x, y)
    ratio = short / mx.where(long > 0, long, mx.ones_like(long))
    return mx.where(mx.isinf(x) | mx.isinf(y), mx.inf, long * mx.sqrt(1 + ratio * ratio))


def nextafter(x: Array, y: Array) -> Array:
    """Return the next number after ``x`` in the direction of ``y``."""
    step = mx.where((x < y) == (x > 0), 1, -1)
    moved = (_bits(x) + step).view(x.dtype)
    least = copysign(mx.ones_like(_bits(x)).view(x.dtype), y)
    found = mx.where(x == y, y, mx.where(x == 0, least, moved))
    return mx.where(mx.isnan(x) | mx.isnan(y), mx.nan, found)


def sign(x: Array) -> Array:
    """Return the sign; that of a NaN is NaN."""
    return mx.where(mx.isnan(x), x, mx.sign(x))


def exp(x: Array, /) -> Array:
    """Return the exponential; MLX computes that of a float64 in float32, whose range is smaller."""
    if x.dtype != mx.float64:
        return mx.exp(x)
    return mx.where(mx.abs(x) > 80, mx.exp(x / 16) ** 16, mx.exp(x))


def expm1(x: Array) -> Array:
    """Return the exponential less one; of complex numbers, from parts that lose nothing."""
    if x.dtype != mx.complex64:
        return mx.expm1(x)
    a, b = mx.real(x), mx.imag(x)
    half = mx.sin(b / 2)
    return mx.expm1(a) * mx.cos(b) - 2 * half * half + 1j * (mx.exp(a) * mx.sin(b))


def clip(x: Array, /, min: Any = None, max: Any = None) -> Array:
    """Return the numbers moved between two bounds, of which none need be given."""
    return x if min is None and max is None else mx.clip(x, min, max)


# Reductions: the standard's sums are as wide as int64, and take a dtype.


def _widened(x: Array, dtype: Any) -> Array:
    if dtype is not None:
        return x.astype(dtype)
    if x.dtype == bool:
        return x.astype(mx.int64)
    if x.dtype in (mx.uint8, mx.uint16, mx.uint32):
        return x.astype(mx.uint64)
    return x.astype(mx.int64) if x.dtype in (mx.int8, mx.int16, mx.int32) else x


def sum(x: Array, /, *, axis: Axes = None, dtype: Any = None, keepdims: Any = False) -> Array:
    """Return sums."""
    found = mx.sum(_widened(x, dtype), axis=axis, keepdims=keepdims)
    return found if dtype is None else found.astype(dtype)


def prod(x: Array, /, *, axis: Axes = None, dtype: Any = None, keepdims: Any = False) -> Array:
    """Return products."""
    found = mx.prod(_widened(x, dtype), axis=axis, keepdims=keepdims)
    return found if dtype is None else found.astype(dtype)


def _cumulative(name: str, first: int) -> Callable[..., Array]:
    whole = getattr(mx, name)

    def running(x: Array, /, *, axis: int | None = None, dtype: Any = None, include_initial: Any = False) -> Array:
        axis = 0 if axis is None else axis
        found = whole(_widened(x, dtype), axis=axis)
        if not include_initial:
            return found
        shape = list(found.shape)
        shape[axis] = 1
        return mx.concatenate([mx.full(shape, first, dtype=found.dtype), found], axis=axis)

    return running


cumulative_sum = _cumulative("cumsum", 0)
cumulative_prod = _cumulative("cumprod", 1)


def var(x: Array, /, *, axis: Axes = None, correction: float = 0.0, keepdims: Any = False) -> Array:
    """Return variances; MLX corrects by whole numbers alone."""
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    number = product(x.shape[i] for i in axes)
    apart = mx.abs(x - mx.mean(x, axis=axis, keepdims=True))
    total = mx.sum(apart * apart, axis=axis, keepdims=keepdims)
    return total / max(number - correction, 0)


def std(x: Array, /, *, axis: Axes = None, correction: float = 0.0, keepdims: Any = False) -> Array:
    """Return standard deviations."""
    return mx.sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


# Sorting and searching: places are int64, an order may be reversed, and NaN comes last.


def _place(find: Callable[..., Array], x: Array, axis: int | None, keepdims: Any) -> Array:
    if x.size or axis is None or not x.shape[axis]:
        return find(x, axis=axis, keepdims=keepdims).astype(mx.int64)
    return mx.sum(x, axis=axis, keepdims=keepdims).astype(mx.int64)  # none, in the shape of the result


def argmax(x: Array, /, *, axis: int | None = None, keepdims: Any = False) -> Array:
    """Return where the greatest is."""
    return _place(mx.argmax, x, axis, keepdims)


def argmin(x: Array, /, *, axis: int | None = None, keepdims: Any = False) -> Array:
    """Return where the least is."""
    return _place(mx.argmin, x, axis, keepdims)


def count_nonzero(x: Array, /, *, axis: Axes = None, keepdims: Any = False) -> Array:
    """Return how many are not zero."""
    return mx.sum((x != 0).astype(mx.int64), axis=axis, keepdims=keepdims)


def argsort(x: Array, /, *, axis: int = -1, descending: Any = False, stable: Any = True) -> Array:
    """Return places in order; equal ones keep theirs."""
    if not descending:
        return mx.argsort(x, axis=axis).astype(mx.int64)
    last = x.shape[axis] - 1
    return last - mx.flip(mx.argsort(mx.flip(x, axis), axis=axis), axis).astype(mx.int64)


def sort(x: Array, /, *, axis: int = -1, descending: Any = False, stable: Any = True) -> Array:
    """Return the numbers in order."""
    found = mx.sort(x, axis=axis)
    return mx.flip(found, axis) if descending else found


def nonzero(x: Array, /) -> tuple[Array, ...]:
    """Return the places of what is not zero, which NumPy looks up: MLX has no size that hangs on values."""
    return tuple(mx.array(places) for places in np.nonzero(np.array(x)))


def searchsorted(x1: Array, x2: Array, /, *, side: str = "left", sorter: Array | None = None) -> Array:
    """Return where each number would be put into a sorted row."""
    row = x1 if sorter is None else mx.take(x1, sorter, axis=0)
    return mx.searchsorted(row, x2, side=side).astype(mx.int64)


# Products: MLX multiplies matrices of floats alone.


def matmul(x: Array, y: Array, /) -> Array:
    """Return the product of matrices; of integers, as a sum of products."""
    if not mx.issubdtype(x.dtype, mx.integer):
        return mx.matmul(x, y)
    left = x if x.ndim > 1 else x[None, :]
    right = y if y.ndim > 1 else y[:, None]
    found = mx.sum(left[..., :, :, None] * right[..., None, :, :], axis=-2).astype(x.dtype)
    found = found if y.ndim > 1 else found[..., 0]
    return found if x.ndim > 1 else found[..., 0, :] if y.ndim > 1 else found[..., 0]


def tensordot(x: Array, y: Array, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Array:
    """Return the sum of products along axes of each."""
    if isinstance(axes, int):
        axes = (range(x.ndim - axes, x.ndim), range(axes))
    ours, theirs = ([i % a.ndim for i in along] for a, along in ((x, axes[0]), (y, axes[1])))
    kept = [i for i in range(x.ndim) if i not in ours]
    rest = [i for i in range(y.ndim) if i not in theirs]
    shape = [x.shape[i] for i in kept] + [y.shape[i] for i in rest]
    size = product(x.shape[i] for i in ours)
    left = mx.transpose(x, [*kept, *ours]).reshape(product(x.shape[i] for i in kept), size)
    right = mx.transpose(y, [*theirs, *rest]).reshape(size, product(y.shape[i] for i in rest))
    return matmul(left, right).reshape(shape)


def vecdot(x: Array, y: Array, /, *, axis: int = -1) -> Array:
    """Return the sum of products along one axis."""
    return mx.sum(mx.conj(x) * y if x.dtype == mx.complex64 else x * y, axis=axis).astype(x.dtype)


# Shapes.


def repeat(x: Array, repeats: int | Array, /, *, axis: int | None = None) -> Array:
    """Return each part several times, as often as a number or an array of numbers says."""
    if isinstance(repeats, int):
        return mx.repeat(x, repeats, axis)
    rows, axis = (x.reshape(-1), 0) if axis is None else (x, axis)
    return mx.take(rows, mx.array(np.repeat(np.arange(rows.shape[axis]), np.array(repeats))), axis=axis)


def moveaxis(x: Array, source: int | tuple[int, ...], destination: int | tuple[int, ...], /) -> Array:
    """Return the array with axes elsewhere."""
    sources, places = (
        [n % x.ndim for n in ((axes,) if isinstance(axes, int) else axes)] for axes in (source, destination)
    )
    order = [n for n in range(x.ndim) if n not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return mx.transpose(x, order)
