"""Reductions and cumulative functions of the standard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kbplug.dtypes import BOOL, INTEGER, bits, check_dtype, kind
from kbplug.errors import ArgumentError
from kbplug.graph.spec import Shape, Spec, normalize_axes, normalize_axis
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import ALL, FLOAT, NUMERIC, REAL, REAL_FLOAT, accept, composite, primitive
from kbplug.ops.elementwise import conj
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import shape_of

Axis = int | Sequence[int] | None


def reduced(shape: Shape, axis: Axis, keepdims: bool) -> Shape:
    """Return ``shape`` after a reduction over ``axis``."""
    axes = normalize_axes(axis, len(shape))
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def restore(g: Tensor, x: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    """Return a reduction's result with the reduced dimensions back as ones."""
    if keepdims or axis == ():
        return g
    return xp.expand_dims(g, axis=normalize_axes(axis, x.ndim)) if x.ndim else g


def accumulator(dtype: str) -> str:
    """Return the dtype that sums and products of ``dtype`` are taken in: narrow integers widen to 64 bits."""
    if dtype in INTEGER and bits(dtype) < 64:
        return "uint64" if kind(dtype) == "uint" else "int64"
    return dtype


def _total(name: str, x: Spec, axis: Axis, dtype: str | None, keepdims: bool) -> Spec:
    accept(name, NUMERIC, x)
    return Spec(reduced(x.shape, axis, keepdims), check_dtype(dtype) if dtype else accumulator(x.dtype))


@primitive("sum")
def sum_(x: Spec, /, *, axis: Axis = None, dtype: str | None = None, keepdims: bool = False) -> Spec:
    """Sum over ``axis``; narrow integers are summed in 64 bits."""
    return _total("sum", x, axis, dtype, keepdims)


@sum_.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: Axis, dtype: str | None, keepdims: bool) -> tuple[Tensor]:
    return (xp.broadcast_to(restore(g, x, axis, keepdims), shape_of(x)),)


@primitive("prod")
def prod_(x: Spec, /, *, axis: Axis = None, dtype: str | None = None, keepdims: bool = False) -> Spec:
    """Product over ``axis``; narrow integers are multiplied in 64 bits."""
    return _total("prod", x, axis, dtype, keepdims)


@prod_.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: Axis, dtype: str | None, keepdims: bool) -> tuple[Tensor]:
    """Products of all the others, so that zeros among them stay exact."""
    axes = normalize_axes(axis, x.ndim)
    if not axes:
        return (g,)
    kept = tuple(i for i in range(x.ndim) if i not in axes)
    sizes = shape_of(x)
    together = math.prod(sizes[i] for i in axes)
    flat = xp.reshape(xp.permute_dims(x, axes=kept + axes), (*(sizes[i] for i in kept), together))
    ahead = _exclusive_product(flat)
    behind = xp.flip(_exclusive_product(xp.flip(flat, axis=-1)), axis=-1)
    others = xp.reshape(ahead * behind, tuple(sizes[i] for i in kept + axes))
    back = tuple((kept + axes).index(i) for i in range(x.ndim))
    return (restore(g, x, axis, keepdims) * conj(xp.permute_dims(others, axes=back)),)


def _exclusive_product(x: Tensor) -> Tensor:
    """Return the product of all elements before each one along the last axis."""
    return xp.cumulative_prod(x, axis=-1, include_initial=True)[..., :-1]


@primitive("max")
def max_(x: Spec, /, *, axis: Axis = None, keepdims: bool = False) -> Spec:
    """Largest element over ``axis``; ties share the gradient evenly."""
    return _extremum("max", x, axis, keepdims)


@primitive("min")
def min_(x: Spec, /, *, axis: Axis = None, keepdims: bool = False) -> Spec:
    """Smallest element over ``axis``; ties share the gradient evenly."""
    return _extremum("min", x, axis, keepdims)


def _extremum(name: str, x: Spec, axis: Axis, keepdims: bool) -> Spec:
    accept(name, REAL, x)
    if any(x.shape[i] == 0 for i in normalize_axes(axis, x.ndim)):
        raise ArgumentError(f"{name} over no elements has no value; the shape is {x.shape} and the axis {axis}.")
    return Spec(reduced(x.shape, axis, keepdims), x.dtype)


@max_.derive
@min_.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: Axis, keepdims: bool) -> tuple[Tensor]:
    top = restore(y, x, axis, keepdims)
    hit = (x == top) | (xp.isnan(x) & xp.isnan(top))
    share = xp.astype(hit, g.dtype)
    return (restore(g, x, axis, keepdims) / xp.sum(share, axis=axis, keepdims=True) * share,)


@primitive()
def mean(x: Spec, /, *, axis: Axis = None, keepdims: bool = False) -> Spec:
    """Arithmetic mean over ``axis``."""
    accept("mean", FLOAT, x)
    return Spec(reduced(x.shape, axis, keepdims), x.dtype)


@mean.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: Axis, keepdims: bool) -> tuple[Tensor]:
    share = restore(g, x, axis, keepdims) / count(x, axis, g.dtype)
    return (xp.broadcast_to(share, shape_of(x)),)


def count(x: Tensor, axis: Axis, dtype: str) -> Any:
    """Return how many elements a reduction takes together: a number if known, else a 0-d tensor of ``dtype``."""
    sizes = shape_of(x)
    total: Any = 1
    for i in normalize_axes(axis, x.ndim):
        total = total * sizes[i]
    return xp.astype(total, dtype) if isinstance(total, Tensor) else float(total)


@primitive()
def var(x: Spec, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Spec:
    """Variance over ``axis``: squared deviations over their number less ``correction``."""
    accept("var", REAL_FLOAT, x)
    return Spec(reduced(x.shape, axis, keepdims), x.dtype)


@var.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: Axis, correction: float, keepdims: bool) -> tuple[Tensor]:
    centred = x - xp.mean(x, axis=axis, keepdims=True)
    return (2.0 * restore(g, x, axis, keepdims) / (count(x, axis, x.dtype) - correction) * centred,)


@primitive()
def std(x: Spec, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Spec:
    """Standard deviation over ``axis``; its gradient is 0 where the deviation is."""
    accept("std", REAL_FLOAT, x)
    return Spec(reduced(x.shape, axis, keepdims), x.dtype)


@std.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: Axis, correction: float, keepdims: bool) -> tuple[Tensor]:
    spread = restore(y, x, axis, keepdims)
    safe = xp.where(spread == 0, 1.0, spread)
    centred = x - xp.mean(x, axis=axis, keepdims=True)
    return (restore(g, x, axis, keepdims) * centred / (safe * (count(x, axis, x.dtype) - correction)),)


def _cumulative(name: str, x: Spec, axis: int | None, dtype: str | None, include_initial: bool) -> Spec:
    accept(name, NUMERIC, x)
    if axis is None and x.ndim != 1:
        raise ArgumentError(f"{name} needs an axis, since the tensor has {x.ndim} dimensions.")
    at = normalize_axis(0 if axis is None else axis, x.ndim)
    sizes = list(x.shape)
    if include_initial and sizes[at] is not None:
        sizes[at] += 1  # type: ignore[operator]
    return Spec(tuple(sizes), check_dtype(dtype) if dtype else accumulator(x.dtype))


@primitive()
def cumulative_sum(
    x: Spec, /, *, axis: int | None = None, dtype: str | None = None, include_initial: bool = False
) -> Spec:
    """Running sum along ``axis``, with a leading 0 if ``include_initial``."""
    return _cumulative("cumulative_sum", x, axis, dtype, include_initial)


@cumulative_sum.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: int | None, dtype: str | None, include_initial: bool) -> tuple[Tensor]:
    at = normalize_axis(0 if axis is None else axis, x.ndim)
    g = _without_initial(g, at, include_initial)
    return (xp.flip(xp.cumulative_sum(xp.flip(g, axis=at), axis=at), axis=at),)


def _without_initial(g: Tensor, axis: int, include_initial: bool) -> Tensor:
    return g[(slice(None),) * axis + (slice(1, None),)] if include_initial else g


@primitive()
def cumulative_prod(
    x: Spec, /, *, axis: int | None = None, dtype: str | None = None, include_initial: bool = False
) -> Spec:
    """Running product along ``axis``, with a leading 1 if ``include_initial``."""
    return _cumulative("cumulative_prod", x, axis, dtype, include_initial)


@cumulative_prod.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: int | None, dtype: str | None, include_initial: bool) -> tuple[Tensor]:
    """Through every pair of positions, without division, so that zeros stay exact: quadratic in the axis' size."""
    at = normalize_axis(0 if axis is None else axis, x.ndim)
    g = xp.moveaxis(_without_initial(g, at, include_initial), at, -1)
    rows = xp.moveaxis(x, at, -1)
    n = shape_of(rows)[-1]
    index = xp.arange(n)
    before = xp.expand_dims(index, axis=1) > index  # [i, j]: x_j stands before x_i
    # partial[i, k] is the product of x_j over j <= k, j != i, for k >= i
    others = xp.where(index == xp.expand_dims(index, axis=1), 1.0, xp.expand_dims(rows, axis=-2))
    partial = xp.where(before, 0.0, xp.cumulative_prod(others, axis=-1))
    return (xp.moveaxis(xp.sum(conj(partial) * xp.expand_dims(g, axis=-2), axis=-1), -1, at),)


@primitive("all")
def all_(x: Spec, /, *, axis: Axis = None, keepdims: bool = False) -> Spec:
    """Whether all elements over ``axis`` are true, or not zero."""
    accept("all", ALL, x)
    return Spec(reduced(x.shape, axis, keepdims), "bool")


@primitive("any")
def any_(x: Spec, /, *, axis: Axis = None, keepdims: bool = False) -> Spec:
    """Whether any element over ``axis`` is true, or not zero."""
    accept("any", ALL, x)
    return Spec(reduced(x.shape, axis, keepdims), "bool")


@composite()
def diff(xp: Any, x: Any, prepend: Any = None, append: Any = None, /, *, axis: int = -1, n: int = 1) -> Any:
    """The ``n``-th difference of neighbours along ``axis``."""
    at = normalize_axis(axis, x.ndim)
    parts = [p for p in (prepend, x, append) if p is not None]
    y = xp.concat(parts, axis=at) if len(parts) > 1 else x
    lead = (slice(None),) * at
    for _ in range(n):
        y = (
            xp.not_equal(y[(*lead, slice(1, None))], y[(*lead, slice(None, -1))])
            if y.dtype in BOOL
            else (y[(*lead, slice(1, None))] - y[(*lead, slice(None, -1))])
        )
    return y


__all__ = ["accumulator", "count", "reduced", "restore"]
