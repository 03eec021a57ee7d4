"""In which precision a lowering computes, and the largest numbers of a dtype. Knows no special function."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

Lowering = Callable[..., Any]


def single(lowering: Lowering) -> Lowering:
    """Compute float32 and float64 in their own precision, narrower dtypes in float32."""

    @functools.wraps(lowering)
    def run(xp: Any, *arrays: Any, **params: Any) -> Any:
        if _is_one_of(xp, arrays[0].dtype, "float32", "float64"):
            return lowering(xp, *arrays, **params)
        return _through(lowering, xp, xp.float32, arrays, params)

    return run


def double(lowering: Lowering) -> Lowering:
    """Compute every dtype in float64: for formulas that would cost float32 more than a few units in the last place."""

    @functools.wraps(lowering)
    def run(xp: Any, *arrays: Any, **params: Any) -> Any:
        if _is_one_of(xp, arrays[0].dtype, "float64"):
            return lowering(xp, *arrays, **params)
        return _through(lowering, xp, xp.float64, arrays, params)

    return run


def _is_one_of(xp: Any, dtype: Any, *names: str) -> bool:
    return any(dtype == getattr(xp, name) for name in names)


def _through(lowering: Lowering, xp: Any, wide: Any, arrays: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Return the result in the dtype of ``arrays``; what overflows becomes infinite, without a warning."""
    dtype = arrays[0].dtype
    result = lowering(xp, *[xp.astype(a, wide) for a in arrays], **params)
    limit = float(xp.finfo(dtype).max)
    result = xp.where(result > limit, math.inf, xp.where(result < -limit, -math.inf, result))
    return xp.astype(result, dtype)


def largest(xp: Any, x: Any) -> float:
    """Return the largest finite number of the dtype of ``x``."""
    return float(xp.finfo(x.dtype).max)


def bounded_product(xp: Any, a: Any, b: Any) -> Any:
    """Return ``a * b`` in float64 for ``b > 0``, infinite without a warning where it overflows."""
    fits = (xp.abs(a) * 2.0**-540) * (b * 2.0**-540) < 2.0 ** (1024 - 1080)
    return a * xp.where(fits, b, math.inf)


EXPONENT_LIMIT = 709.782712
"""Logarithm of the largest float64."""


def bounded_power(xp: Any, base: Any, exponent: Any) -> Any:
    """Return ``base**exponent`` in float64 for ``base > 0``, infinite without a warning where it overflows."""
    overflows = exponent * xp.log(base) > EXPONENT_LIMIT
    return xp.where(overflows, math.inf, xp.pow(xp.where(overflows, 1.0, base), exponent))
