"""Rows combined by number: what lies behind segments and behind scattering. Knows arrays, and no index.

Many rows to each number are brought into the order of the numbers and combined run by run, a block of them at a time.
Runs are added in pairs, as NumPy adds, so that sums are at least as exact as one row after the other; nothing of one
number ever meets what belongs to another, whatever infinities there are.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_PLACES = 1 << 16
"""Places of elements that are computed at a time."""

_ORDERED = 1 << 17
"""Elements that are put in order at a time."""

_LEAST, _RUN = 2048, 16
"""From so many elements, and so many rows to a number, it pays to put rows in order."""

_NARROW = 1 << 16
"""Numbers below it are ordered digit by digit, which takes next to no time."""

_PAIRS = {np.dtype(np.float32): np.complex64, np.dtype(np.float64): np.complex128}
"""Two floats side by side are added as one complex number is."""


def combine_rows(combine: np.ufunc, out: Array, ids: Array, rows: Array) -> None:
    """Combine each row into the one of a contiguous ``out`` that its number names; negative ones count from the end.

    Raises
    ------
    IndexError
        If a number names no row.
    """
    if rows.shape != (*ids.shape, *out.shape[1:]):
        rows = np.broadcast_to(rows, (*ids.shape, *out.shape[1:]))
    _combine(combine, out, ids, rows, counted=_counted(ids, len(out)))


def _combine(combine: np.ufunc, out: Array, ids: Array, rows: Array, *, counted: bool) -> None:
    width = prod(out.shape[1:])
    rows, ids = rows.reshape(ids.size, width), ids.reshape(-1)
    in_runs = rows.size >= _LEAST and ids.size >= _RUN * len(out) and len(out) <= _NARROW
    if counted and in_runs and width > 1 and rows.dtype == out.dtype:
        _run_by_run(combine, out.reshape(len(out), width), ids, rows)
    else:
        _one_by_one(combine, out.reshape(-1), ids, rows)


def _counted(ids: Array, count: int) -> bool:
    """Say whether all numbers are from 0 to ``count - 1``: read without a sign, negative ones are large."""
    return not ids.size or bool(np.maximum.reduce(ids.view(f"u{ids.itemsize}"), axis=None) < count)


def _run_by_run(combine: np.ufunc, out: Array, ids: Array, rows: Array) -> None:
    count, width = out.shape
    order = np.argsort(ids.astype(np.uint8 if count <= 1 << 8 else np.uint16), kind="stable")
    many = np.bincount(ids.astype(np.intp, copy=False), minlength=count)
    ends = np.cumsum(many)
    begins, step = ends - many, max(1, _ORDERED // width)
    for start in range(0, len(ids), step):
        found = np.flatnonzero((many > 0) & (begins < start + step) & (ends > start))
        taken = np.take(rows, order[start : start + step], axis=0)
        out[found] = combine(out[found], _reduced(combine, taken, np.maximum(begins[found] - start, 0)))


def _reduced(combine: np.ufunc, rows: Array, begins: Array) -> Array:
    """Combine the rows from each place to the next."""
    pair = _PAIRS.get(rows.dtype)
    if combine is np.add and pair is not None and not rows.shape[1] % 2:
        return combine.reduceat(rows.view(pair), begins, axis=0).view(rows.dtype)
    return combine.reduceat(rows, begins, axis=0, dtype=rows.dtype)


def _one_by_one(combine: np.ufunc, out: Array, ids: Array, rows: Array) -> None:
    """Combine element by element, which NumPy does several times faster than row by row.

    The places of elements are computed for some rows at a time, so that they stay in the cache.
    """
    width = rows.shape[1]
    if width == 1:
        combine.at(out, ids.astype(np.intp, copy=False), rows.reshape(-1))
        return
    first, along = ids.astype(np.intp).reshape(-1, 1) * width, np.arange(width)
    step = max(1, _PLACES // max(width, 1))
    for start in range(0, ids.size, step):
        places = first[start : start + step] + along
        combine.at(out, places.reshape(-1), rows[start : start + step].reshape(-1))


def _by_id(combine: np.ufunc, rows: Array, ids: Array, count: int, empty: Any) -> Array:
    """Return for each id its rows combined; ids that are no segment are left out."""
    out = np.full((count, *rows.shape[ids.ndim :]), empty, rows.dtype)
    if not _counted(ids, count):
        inside = (ids >= 0) & (ids < count)
        ids, rows = ids[inside], rows[inside]
    _combine(combine, out, ids, rows, counted=True)
    return out


def segment_sum(data: Array, segment_ids: Array, *, shape: tuple[int]) -> Array:
    """Sum the rows of each id."""
    return _by_id(np.add, data, segment_ids, shape[0], 0)


def segment_mean(data: Array, segment_ids: Array, *, shape: tuple[int]) -> Array:
    """Average the rows of each id."""
    total = segment_sum(data, segment_ids, shape=shape)
    ones = np.ones(segment_ids.shape, dtype=np.real(data[:0]).dtype)
    counts = np.maximum(segment_sum(ones, segment_ids, shape=shape), 1)
    return total / counts.reshape(-1, *(1,) * (total.ndim - 1))


def segment_max(data: Array, segment_ids: Array, *, shape: tuple[int]) -> Array:
    """Return the largest row of each id."""
    return _by_id(np.maximum, data, segment_ids, shape[0], _lowest(data.dtype))


def segment_min(data: Array, segment_ids: Array, *, shape: tuple[int]) -> Array:
    """Return the smallest row of each id."""
    return _by_id(np.minimum, data, segment_ids, shape[0], _highest(data.dtype))


def _lowest(dtype: np.dtype[Any]) -> float:
    return -np.inf if dtype.kind == "f" else int(np.iinfo(dtype).min)


def _highest(dtype: np.dtype[Any]) -> float:
    return np.inf if dtype.kind == "f" else int(np.iinfo(dtype).max)


KERNELS: dict[str, Callable[..., Any]] = {
    "segment_sum": segment_sum,
    "segment_mean": segment_mean,
    "segment_max": segment_max,
    "segment_min": segment_min,
}

__all__ = ["KERNELS", "combine_rows"]
