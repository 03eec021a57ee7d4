"""Indexing, scattering, padding and sorting by NumPy's own ways. Knows the template of an index."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from kbplug.engines.numpy.segments import combine_rows
from kbplug.graph.index import ARRAY, Template, restore
from kbplug.graph.op import lookup

Array = np.ndarray[Any, Any]

_plain = functools.lru_cache(maxsize=4096)(restore)
"""An index without operands, made once."""


def _key(index: Template, operands: Sequence[Any]) -> tuple[Any, ...]:
    return restore(index, operands) if operands else _plain(index, ())


def getitem(x: Array, *operands: Any, index: Template) -> Array:
    """Return ``x[index]``, a view where NumPy gives one."""
    part: Array = np.take(x, operands[0], axis=0) if _by_rows(operands, index) else x[_key(index, operands)]
    return part


def _by_rows(operands: Sequence[Any], index: Template) -> bool:
    """Say whether an index is one array of signed integers, for which NumPy has faster ways."""
    return index == (ARRAY,) and np.ndim(operands[0]) > 0 and operands[0].dtype.kind == "i"


def setitem(x: Array, value: Array, *operands: Any, index: Template) -> Array:
    """Return a copy of ``x`` with ``value`` at ``index``."""
    y = np.array(x)
    y[_key(index, operands)] = value
    return y


def scatter_add(x: Array, updates: Array, *operands: Any, index: Template) -> Array:
    """Return a copy of ``x`` with ``updates`` added at ``index``, doubled places included."""
    y = np.array(x, order="C")
    if _by_rows(operands, index):
        combine_rows(np.add, y, operands[0], updates)
    else:
        np.add.at(y, _key(index, operands), updates)
    return y


def one_hot(indices: Array, *, depth: int, dtype: np.dtype[Any]) -> Array:
    """Write the ones alone."""
    flat = np.ravel(indices).astype(np.int64, copy=False)  # whatever was given, as in the generic body
    inside = np.flatnonzero((flat >= 0) & (flat < depth))
    out = np.zeros((flat.size, depth), dtype=dtype)
    out[inside, flat[inside]] = 1
    return out.reshape((*np.shape(indices), depth))


def one_in_row(values: Array, indices: Array, *, size: int, out: Array | None = None) -> Array:
    """Return rows of zeros with a value at each index, which is all that is written after the zeros."""
    if values.shape != indices.shape:
        values, indices = np.broadcast_arrays(values, indices)
    lead = indices.shape[:-1]
    found = np.empty((*lead, size), values.dtype) if out is None else out
    if values.shape[-1:] != (1,) or not found.flags.c_contiguous:
        found[...] = np.where(np.arange(size) == indices, values, np.zeros((), values.dtype))
        return found
    found.fill(0)
    rows: Any = np.arange(prod(lead))
    places, chosen = indices.reshape(-1), values.reshape(-1)
    inside = (places >= 0) & (places < size)
    if not inside.all():
        rows, places, chosen = rows[inside], places[inside], chosen[inside]
    found.reshape(-1, size)[rows, places] = chosen
    return found


def pad(x: Array, *, widths: Sequence[tuple[int, int]], mode: str, value: float) -> Array:
    """Write into an array of the value; mirror images are left to the generic way."""
    if mode != "constant":
        return lookup("pad").lower(np, x, widths=widths, mode=mode, value=value)  # type: ignore[misc,no-any-return]
    sizes = [(n, before, after) for n, (before, after) in zip(np.shape(x), widths, strict=True)]
    out = np.full([before + n + after for n, before, after in sizes], value, dtype=x.dtype)
    out[tuple(slice(before, before + n) for n, before, _ in sizes)] = x
    return out


def sort(x: Array, *, axis: int, descending: bool, stable: bool) -> Array:
    """Sort; NumPy's own function knows no descending order."""
    ordered = np.sort(x, axis=axis, stable=stable)
    return np.flip(ordered, axis=axis) if descending else ordered


def argsort(x: Array, *, axis: int, descending: bool, stable: bool) -> Array:
    """Return the order that sorts; backwards from both ends keeps equal elements in place when descending."""
    if not descending:
        return np.argsort(x, axis=axis, stable=stable)
    order = np.argsort(np.flip(x, axis=axis), axis=axis, stable=stable)
    return np.flip(x.shape[axis] - 1 - order, axis=axis)


KERNELS: dict[str, Callable[..., Any]] = {
    "getitem": getitem,
    "setitem": setitem,
    "scatter_add": scatter_add,
    "one_hot": one_hot,
    "one_in_row": one_in_row,
    "pad": pad,
    "sort": sort,
    "argsort": argsort,
}
