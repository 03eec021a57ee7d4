"""Elementwise functions where NumPy's answer is not the standard's, at no cost for the numbers where it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def expm1(x: Array, out: Array | None = None) -> Array:
    """Return ``exp(x) - 1``; complex numbers that are 0 or not finite go by way of ``exp``, as the standard asks."""
    if x.dtype.kind != "c":
        return np.expm1(x, out=out)
    y = np.expm1(x)
    plain = np.isfinite(x) & (x != 0)
    return y if plain.all() else np.where(plain, y, np.exp(x) - 1)


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


KERNELS: dict[str, Callable[..., Any]] = {"expm1": expm1, "floor_divide": floor_divide}
