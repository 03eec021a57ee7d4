"""Reductions over groups of rows that share an id, and how the standard's functions compute them.

Rows are sorted by id and combined by doubling steps within equal ids. Unlike differences of a running sum,
this loses no digits and lets no infinity or NaN of one group reach another.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from kbplug.errors import ShapeError
from kbplug.graph.spec import Shape, Spec, compatible
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import FLOAT, INTEGER, NUMERIC, REAL, accept, primitive
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.patches import device_of

Array = Any


def last_of_each(xp: Any, ids: Array, count: int) -> tuple[Array, Array, Array]:
    """Return the order that sorts ``ids``, the last place in it of each id below ``count``, and whether it occurs."""
    order = xp.argsort(ids, stable=True)
    ranked = xp.take(ids, order)
    slots = xp.arange(count, dtype=ids.dtype, device=device_of(ids))
    last = xp.astype(xp.searchsorted(ranked, slots, side="right"), xp.int64) - 1
    last = xp.where(last < 0, 0, last)
    return order, last, xp.take(ranked, last) == slots


def combined_by_id(
    xp: Any, rows: Array, ids: Array, count: int, combine: Callable[[Array, Array], Array], empty: Any
) -> Array:
    """Return, for each id below ``count``, its ``rows`` combined along the first axis; ``empty`` where it has none."""
    total = ids.shape[0]
    if total == 0 or count == 0:
        return xp.full((count, *rows.shape[1:]), empty, dtype=rows.dtype, device=device_of(rows))
    ids = xp.astype(ids, xp.int64)
    order, last, hit = last_of_each(xp, ids, count)
    ids, rows = xp.take(ids, order), xp.take(rows, order, axis=0)
    step = 1
    while step < total:
        same = _column(xp, ids[step:] == ids[:-step], rows.ndim)
        later = rows[step:, ...]
        rows = xp.concat([rows[:step, ...], xp.where(same, combine(later, rows[:-step, ...]), later)], axis=0)
        step *= 2
    return xp.where(_column(xp, hit, rows.ndim), xp.take(rows, last, axis=0), empty)


def _column(xp: Any, x: Array, ndim: int) -> Array:
    return xp.reshape(x, (x.shape[0],) + (1,) * (ndim - 1))


def _grouped(name: str, data: Spec, ids: Spec, shape: Shape) -> Spec:
    accept(f"{name}, in its ids,", INTEGER, ids)
    if ids.ndim == 0 or not compatible(ids.shape, data.shape[: ids.ndim]):
        raise ShapeError(f"{name} needs an id for each leading element: ids of {ids.shape} do not lead {data.shape}.")
    return data.like(shape=(*shape, *data.shape[ids.ndim :]))


def _rows(xp: Any, data: Array, ids: Array) -> tuple[Array, Array]:
    """Return data and ids with the dimensions of the ids as one."""
    total = prod(ids.shape)
    return xp.reshape(data, (total, *data.shape[ids.ndim :])), xp.reshape(ids, (total,))


@primitive(traits=("sized",))
def segment_sum(data: Spec, segment_ids: Spec, /, *sizes: Spec, shape: Shape) -> Spec:
    """Sum of the rows of each id from 0 to ``shape[0] - 1``; a row of any other id is left out."""
    accept("segment_sum", NUMERIC, data)
    return _grouped("segment_sum", data, segment_ids, shape)


@segment_sum.implement
def _(xp: Any, data: Array, segment_ids: Array, /, *, shape: tuple[int]) -> Array:
    rows, ids = _rows(xp, data, segment_ids)
    return combined_by_id(xp, rows, ids, shape[0], xp.add, 0)


@segment_sum.derive
def _(g: Tensor, y: Tensor, data: Tensor, ids: Tensor, *sizes: Tensor, shape: Shape) -> tuple[Any, ...]:
    return _picked(g, data, ids, sizes, shape), None, *[None] * len(sizes)


def _picked(g: Tensor, data: Tensor, ids: Tensor, sizes: tuple[Tensor, ...], shape: Shape) -> Tensor:
    """Return for each row what its group has, 0 for a row that no group holds."""
    if shape == (0,):
        return xp.zeros_like(data)
    ids = xp.astype(ids, "int64")
    inside = (ids >= 0) & (ids < (sizes[0] if sizes else shape[0]))
    found = g[xp.where(inside, ids, 0)]
    return xp.where(xp.expand_dims(inside, axis=tuple(range(ids.ndim, data.ndim))), found, 0)


@primitive(traits=("sized",))
def segment_mean(data: Spec, segment_ids: Spec, /, *sizes: Spec, shape: Shape) -> Spec:
    """Mean of the rows of each id from 0 to ``shape[0] - 1``, 0 where it has none."""
    accept("segment_mean", FLOAT, data)
    return _grouped("segment_mean", data, segment_ids, shape)


@segment_mean.implement
def _(xp: Any, data: Array, segment_ids: Array, /, *, shape: tuple[int]) -> Array:
    rows, ids = _rows(xp, data, segment_ids)
    total = combined_by_id(xp, rows, ids, shape[0], xp.add, 0)
    ones = xp.ones(ids.shape, dtype=data.dtype, device=device_of(data))
    counts = combined_by_id(xp, ones, ids, shape[0], xp.add, 0)
    return total / _column(xp, xp.where(counts == 0, 1, counts), rows.ndim)


@segment_mean.derive
def _(g: Tensor, y: Tensor, data: Tensor, ids: Tensor, *sizes: Tensor, shape: Shape) -> tuple[Any, ...]:
    counts = xp.segment_sum(xp.ones_like(ids, dtype=g.dtype), ids, sizes[0] if sizes else shape[0])
    shares = g / xp.expand_dims(xp.where(counts == 0, 1, counts), axis=tuple(range(1, g.ndim)))
    return _picked(shares, data, ids, sizes, shape), None, *[None] * len(sizes)


@primitive(traits=("sized",))
def segment_max(data: Spec, segment_ids: Spec, /, *sizes: Spec, shape: Shape) -> Spec:
    """Largest row of each id from 0 to ``shape[0] - 1``; where it has none, the lowest value of the dtype."""
    accept("segment_max", REAL, data)
    return _grouped("segment_max", data, segment_ids, shape)


@segment_max.implement
def _(xp: Any, data: Array, segment_ids: Array, /, *, shape: tuple[int]) -> Array:
    lowest = xp.iinfo(data.dtype).min if xp.isdtype(data.dtype, "integral") else -xp.inf
    rows, ids = _rows(xp, data, segment_ids)
    return combined_by_id(xp, rows, ids, shape[0], xp.maximum, lowest)


@primitive(traits=("sized",))
def segment_min(data: Spec, segment_ids: Spec, /, *sizes: Spec, shape: Shape) -> Spec:
    """Smallest row of each id from 0 to ``shape[0] - 1``; where it has none, the highest value of the dtype."""
    accept("segment_min", REAL, data)
    return _grouped("segment_min", data, segment_ids, shape)


@segment_min.implement
def _(xp: Any, data: Array, segment_ids: Array, /, *, shape: tuple[int]) -> Array:
    highest = xp.iinfo(data.dtype).max if xp.isdtype(data.dtype, "integral") else xp.inf
    rows, ids = _rows(xp, data, segment_ids)
    return combined_by_id(xp, rows, ids, shape[0], xp.minimum, highest)


@segment_max.derive
@segment_min.derive
def _(g: Tensor, y: Tensor, data: Tensor, ids: Tensor, *sizes: Tensor, shape: Shape) -> tuple[Any, ...]:
    """Ties share the gradient evenly."""
    top = _picked(y, data, ids, sizes, shape)
    hit = xp.astype((data == top) | (xp.isnan(data) & xp.isnan(top)), g.dtype)
    counts = xp.segment_sum(hit, ids, sizes[0] if sizes else shape[0])
    shares = g / xp.where(counts == 0, 1, counts)
    return hit * _picked(shares, data, ids, sizes, shape), None, *[None] * len(sizes)
