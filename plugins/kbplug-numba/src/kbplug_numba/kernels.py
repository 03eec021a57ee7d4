"""The kernels, each beside the engine's own: which arrays the loops take, and how they are laid out for them.

What they do not take goes to the engine's own kernel, as does what has few elements: loading machine code takes longer.
numba is imported with the first loop that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np

from kbplug.engine import Engine, Kernel
from kbplug.graph.index import ARRAY, Template
from kbplug.graph.window import windows

Array = np.ndarray[Any, Any]

LEAST = 1 << 11
"""From how many elements on the loops are used."""

WIDE = 256
"""Bytes of a row, from which on NumPy's own search is as fast."""

MANY = 32
"""From how many elements that lie side by side on it pays to search in all of them at a time."""


def beside(engine: Engine, least: int = LEAST) -> Mapping[str, Kernel]:
    """Return the kernels that take over from those of ``engine`` for arrays of ``least`` elements and more."""
    own = {name: engine.kernels.get(name) or getattr(engine.xp, name, None) for name in KERNELS}
    return MappingProxyType({name: _either(KERNELS[name], k, least) for name, k in own.items() if k is not None})


def _either(fast: Callable[..., Array | None], own: Kernel, least: int) -> Kernel:
    def kernel(*arrays: Any, **params: Any) -> Any:
        if max(np.size(a) for a in arrays) >= least:
            found = fast(*arrays, **params)
            if found is not None:
                return found
        return own(*arrays, **params)

    return kernel


def argmin(x: Array, *, axis: int | None = None, keepdims: bool = False) -> Array | None:
    """Return where the least float is along an axis; of equals the first, and a NaN before all."""
    return _places(x, axis, keepdims, 0)


def argmax(x: Array, *, axis: int | None = None, keepdims: bool = False) -> Array | None:
    """Return where the largest float is along an axis; of equals the first, and a NaN before all."""
    return _places(x, axis, keepdims, -1)


def _places(x: Array, axis: int | None, keepdims: bool, flip: int) -> Array | None:
    kind = _WORDS.get(x.dtype)
    if kind is None or axis is None or not x.flags.c_contiguous or not x.size:
        return None
    axis %= x.ndim
    before, length, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    columns = prod(after)
    if (columns == 1 and length * x.itemsize > WIDE) or 1 < columns < MANY:
        return None
    from kbplug_numba import places

    lowest, infinity = kind.type(np.iinfo(kind).min), np.array(np.inf, x.dtype).view(kind)[()]
    found = np.empty((*before, *after), np.int64)
    if columns == 1:
        places.along_rows(x.view(kind).reshape(-1, length), lowest, infinity, kind.type(flip), found.reshape(-1))
    else:
        cube = x.view(kind).reshape(-1, length, columns)
        places.along_columns(cube, lowest, infinity, kind.type(flip), found.reshape(-1, columns))
    return np.expand_dims(found, axis) if keepdims else found


_WORDS: Mapping[Any, np.dtype[Any]] = {
    np.dtype(np.float32): np.dtype(np.int32),
    np.dtype(np.float64): np.dtype(np.int64),
}
"""The integers as wide as the floats whose order is known here."""


def segment_sum(data: Array, segment_ids: Array, *, shape: tuple[int]) -> Array | None:
    """Return the sum of the rows of each id; a row of any other is left out."""
    return _segments("add", data, segment_ids, shape[0], 0)


def segment_mean(data: Array, segment_ids: Array, *, shape: tuple[int]) -> Array | None:
    """Return the mean of the rows of each id, 0 where there is none."""
    total = segment_sum(data, segment_ids, shape=shape)
    if total is None:
        return None
    inside = segment_ids[(segment_ids >= 0) & (segment_ids < shape[0])]
    counts = np.bincount(inside.astype(np.intp), minlength=shape[0]).astype(np.real(data[:0]).dtype)
    divided: Array = total / np.maximum(counts, 1).reshape(-1, *(1,) * (total.ndim - 1))
    return divided


def segment_max(data: Array, segment_ids: Array, *, shape: tuple[int]) -> Array | None:
    """Return the largest row of each id, the lowest value where there is none."""
    lowest = -np.inf if data.dtype.kind == "f" else np.iinfo(data.dtype).min
    return _segments("raise_to", data, segment_ids, shape[0], lowest)


def segment_min(data: Array, segment_ids: Array, *, shape: tuple[int]) -> Array | None:
    """Return the smallest row of each id, the highest value where there is none."""
    highest = np.inf if data.dtype.kind == "f" else np.iinfo(data.dtype).max
    return _segments("lower_to", data, segment_ids, shape[0], highest)


def _segments(loop: str, data: Array, ids: Array, count: int, empty: float) -> Array | None:
    if not _combined(data) or data.shape[: ids.ndim] != ids.shape:
        return None
    out = np.full((count, *data.shape[ids.ndim :]), empty, dtype=data.dtype)
    _combine(loop, data, ids, out)
    return out


def scatter_add(x: Array, updates: Array, *operands: Any, index: Template) -> Array | None:
    """Return a copy of ``x`` with ``updates`` added to rows that one array of integers names, doubled ones included."""
    if index != (ARRAY,) or np.ndim(operands[0]) == 0 or operands[0].dtype.kind != "i" or not _combined(x):
        return None
    (ids,) = operands
    if updates.dtype != x.dtype:
        return None
    y = np.array(x, order="C")
    complete = _combine("scatter", np.broadcast_to(updates, (*ids.shape, *x.shape[1:])), ids, y)
    return y if complete else None


def _combined(rows: Array) -> bool:
    return rows.dtype.kind in "iufc" and rows.dtype.itemsize > 1 and rows.dtype != np.float16 and rows.dtype.isnative


def _combine(loop: str, data: Array, ids: Array, out: Array) -> Any:
    """Return what a loop over the rows of ``data`` does, each of which an id puts into a row of ``out``."""
    from kbplug_numba import rows

    width = prod(out.shape[1:])
    given = np.ascontiguousarray(data).reshape(ids.size, width)
    return getattr(rows, loop)(given, np.ascontiguousarray(ids, np.int64).reshape(-1), out.reshape(len(out), width))


def max_pool_input(
    g: Array, x: Array, y: Array, *, window: Any, strides: Any, padding: Any, data_format: str
) -> Array | None:
    """Return ``g`` shared out among the largest elements of each window; a NaN is the largest."""
    if x.dtype not in _WORDS or not g.dtype == x.dtype == y.dtype or not x.size:
        return None
    if data_format == "channels_first":
        g, x, y = (np.moveaxis(a, 1, -1) for a in (g, x, y))
    spatial = x.ndim - 2
    taken = (window,) * spatial if isinstance(window, int) else tuple(window)
    slides = windows("max_pool_input", x.shape[1:-1], taken, strides=strides or taken, padding=padding)
    if not (g.shape == y.shape == (len(x), *(w.count for w in slides), x.shape[-1])):
        return None
    out = np.zeros(x.shape, x.dtype)
    _spread(g, x, y, [(w.size, w.stride, w.before) for w in slides], out)
    return out if data_format == "channels_last" else np.moveaxis(out, -1, 1)


def _spread(g: Array, x: Array, y: Array, slides: list[tuple[Any, ...]], out: Array) -> None:
    """Run the loop in three dimensions, of which the first may have one element."""
    from kbplug_numba import pools

    missing = 3 - len(slides)

    def solid(a: Array) -> Array:
        return np.ascontiguousarray(a).reshape(len(a), *(1,) * missing, *a.shape[1:])

    pools.spread(solid(g), solid(x), solid(y), np.array([(1, 1, 0)] * missing + slides), solid(out))


KERNELS: Mapping[str, Callable[..., Array | None]] = MappingProxyType(
    {
        "argmax": argmax,
        "argmin": argmin,
        "max_pool_input": max_pool_input,
        "scatter_add": scatter_add,
        "segment_max": segment_max,
        "segment_mean": segment_mean,
        "segment_min": segment_min,
        "segment_sum": segment_sum,
    }
)
"""Op name to what returns its result, or None for arrays that it does not take."""
