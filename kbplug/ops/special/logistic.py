"""The logistic function, its inverse and its logarithm, computed natively in float32 and float64."""

from __future__ import annotations

import math
from typing import Any

from kbplug.ops.declare import REAL_FLOAT, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.precision import single


@single
def expit(xp: Any, x: Any) -> Any:
    """Logistic function by ``exp(-|x|)``, which cannot overflow."""
    small = xp.exp(-xp.abs(x))
    return xp.where(x < 0, small, 1.0) / (1.0 + small)


@single
def log_expit(xp: Any, x: Any) -> Any:
    """Logarithm of the logistic function, ``min(x, 0) - log1p(exp(-|x|))``."""
    return xp.minimum(x, 0.0) - xp.log1p(xp.exp(-xp.abs(x)))


@single
def logit(xp: Any, p: Any) -> Any:
    """Inverse logistic function: ``2 atanh(2 p - 1)`` around the zero at 1/2, ``log p - log(1 - p)`` elsewhere."""
    inside = xp.where((p > 0) & (p < 1), p, 0.5)
    near = xp.clip(inside, 0.25, 0.75)
    odds = xp.where(inside == near, 2.0 * xp.atanh(2.0 * near - 1.0), xp.log(inside) - xp.log1p(-inside))
    ends = xp.where(p == 0, -math.inf, xp.where(p == 1, odds * 0 + math.inf, math.nan))
    return xp.where((p > 0) & (p < 1), odds, ends)


unary(
    (
        "special.expit",
        REAL_FLOAT,
        "Logistic function ``1 / (1 + exp(-x))``.",
        lambda g, y, x: (g * y * nx.special.expit(-x),),
        expit,
    ),
    (
        "special.log_expit",
        REAL_FLOAT,
        "Logarithm of the logistic function.",
        lambda g, y, x: (g * nx.special.expit(-x),),
        log_expit,
    ),
    (
        "special.logit",
        REAL_FLOAT,
        "Inverse of the logistic function: ``log(p / (1 - p))``.",
        lambda g, y, p: (g / (p * (1 - p)),),
        logit,
    ),
)
