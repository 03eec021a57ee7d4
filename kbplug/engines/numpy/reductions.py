"""Reductions as the ufuncs themselves: NumPy's own functions for them spend longer on their arguments than on a row.

Inside regions sums over rows are products with ones, which BLAS computes three times as fast.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from kbplug.graph.spec import normalize_axes

Array = np.ndarray[Any, Any]
Axis = int | tuple[int, ...] | None

_sum: Callable[..., Any] = np.add.reduce


def mean(x: Array, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return the sum over ``axis`` by the number of its elements; small floats are added in wider ones."""
    small = x.dtype == np.float16
    total = _sum(x, axis=axis, dtype=np.float32 if small else None, keepdims=keepdims)
    found = np.true_divide(total, x.size // total.size if total.size else 1)
    return found.astype(x.dtype) if small else found


def var(x: Array, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """Return the variance; over no more elements than the correction takes off, the quotient by zero that this is.

    There NumPy's own function warns, in a way that ``errstate`` does not silence.
    """
    if prod([x.shape[i] for i in normalize_axes(axis, x.ndim)]) > correction:
        return np.var(x, axis=axis, correction=correction, keepdims=keepdims)
    squares = np.square(np.abs(np.subtract(x, mean(x, axis=axis, keepdims=True))))
    return np.true_divide(_sum(squares, axis=axis, keepdims=keepdims), squares.dtype.type(0))


def std(x: Array, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """Return the square root of the variance."""
    return np.sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


KERNELS: dict[str, Callable[..., Any]] = {
    "sum": _sum,
    "prod": np.multiply.reduce,
    "max": np.maximum.reduce,
    "min": np.minimum.reduce,
    "all": np.logical_and.reduce,
    "any": np.logical_or.reduce,
    "mean": mean,
    "var": var,
    "std": std,
}

SHORT, LONG = 32, 4096
"""Shorter rows are not worth a call of BLAS; over longer ones it adds less exactly than NumPy, which adds in pairs."""


def row_sum(x: Array, *, axis: int | tuple[int, ...], dtype: Any = None, keepdims: bool) -> Any:
    """Return the sum of each row, off by at most ``n / 16`` roundings of the sum of absolute values.

    Over other axes than the last it is the sum of all rows.
    """
    if axis != -1:
        return _sum(x.reshape(-1, x.shape[-1]), axis=0, dtype=dtype)
    if _by_blas(x) and dtype in (None, x.dtype):
        return np.matmul(x, _ones(x.shape[1], x.dtype.char))[:, None]
    return _sum(x, axis=axis, dtype=dtype, keepdims=keepdims)


def row_mean(x: Array, *, axis: int, keepdims: bool) -> Any:
    """Return the mean of each row, as exact as ``row_sum``."""
    if not _by_blas(x):
        return mean(x, axis=axis, keepdims=keepdims)
    total = np.matmul(x, _ones(x.shape[1], x.dtype.char))
    return np.true_divide(total, x.shape[1], total)[:, None]


def _by_blas(x: Array) -> bool:
    return x.ndim == 2 and x.dtype.char in "fd" and SHORT <= x.shape[1] <= LONG and x.flags.c_contiguous


@functools.lru_cache(maxsize=64)
def _ones(length: int, char: str) -> Array:
    return np.ones(length, char)


ROWS: dict[str, Callable[..., Any]] = {"sum": row_sum, "mean": row_mean}
"""What reduces the last axis inside a region."""
