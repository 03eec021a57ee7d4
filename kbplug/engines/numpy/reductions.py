"""Reductions as the ufuncs themselves: NumPy's own functions for them spend longer on their arguments than on a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_sum: Callable[..., Any] = np.add.reduce


def mean(x: Array, *, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    """Return the sum over ``axis`` by the number of its elements; small floats are added in wider ones."""
    if x.dtype == np.float16:
        return np.mean(x, axis=axis, keepdims=keepdims)
    total = _sum(x, axis=axis, keepdims=keepdims)
    return np.true_divide(total, x.size // total.size if total.size else 1)


KERNELS: dict[str, Callable[..., Any]] = {
    "sum": _sum,
    "prod": np.multiply.reduce,
    "max": np.maximum.reduce,
    "min": np.minimum.reduce,
    "all": np.logical_and.reduce,
    "any": np.logical_or.reduce,
    "mean": mean,
}
