"""Elementwise functions where NumPy's answer is not the standard's, at no cost for the numbers where it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def floor_divide(a: Array, b: Array) -> Array:
    """Return ``a / b`` rounded down.

    The floor of the quotient is right unless the quotient is whole, when it may have been rounded up to that.
    There alone NumPy's slower and exact way is taken, which knows no infinities.
    """
    if a.dtype.kind != "f":
        return np.floor_divide(a, b)
    quotient = np.divide(a, b)
    found = np.asarray(np.floor(quotient))
    whole = found == quotient
    if whole.any():
        np.floor_divide(a, b, out=found, where=whole & np.isfinite(quotient) & np.isfinite(b))
    return found


KERNELS: dict[str, Callable[..., Any]] = {"floor_divide": floor_divide}
