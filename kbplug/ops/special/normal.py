"""The standard normal distribution function and its logarithm, computed natively in float32 and float64."""

from __future__ import annotations

import math
from typing import Any

from kbplug.ops.declare import REAL_FLOAT, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.erf import gaussian, scaled_tail
from kbplug.ops.special.precision import largest, single

SQRT_HALF = math.sqrt(0.5)
SQRT_TWO_PI = math.sqrt(2 * math.pi)


@single
def ndtr(xp: Any, x: Any) -> Any:
    """Lower tail ``exp(-x**2 / 2) erfcx(|x| / sqrt 2) / 2``, and one minus it where positive (DLMF 7.2.2)."""
    size = xp.abs(x)
    tail = gaussian(xp, size, 0.5) * scaled_tail(xp, size * SQRT_HALF) * 0.5
    return xp.where(x > 0, 1.0 - tail, tail)


@single
def log_ndtr(xp: Any, x: Any) -> Any:
    """Logarithm of the tail with its square taken out where negative, ``log1p(-tail)`` where positive."""
    size = xp.abs(x)
    furthest = math.sqrt(largest(xp, x))
    bounded = xp.clip(size, 0.0, furthest)
    scaled = scaled_tail(xp, bounded * SQRT_HALF) * 0.5
    left = xp.log(scaled) - bounded * bounded * 0.5
    right = xp.log1p(-scaled * gaussian(xp, size, 0.5))
    return xp.where(x > 0, right, xp.where(x < -furthest, -math.inf, left))


unary(
    (
        "special.ndtr",
        REAL_FLOAT,
        "Distribution function of the standard normal: the probability of a value up to ``x``.",
        lambda g, y, x: (g * nx.exp(-0.5 * x * x) / SQRT_TWO_PI,),
        ndtr,
    ),
    (
        "special.log_ndtr",
        REAL_FLOAT,
        "Logarithm of ``ndtr``, finite far into the lower tail.",
        lambda g, y, x: (g * _hazard(x),),
        log_ndtr,
    ),
)


def _hazard(x: Any) -> Any:
    """Return density over distribution function, ``sqrt(2 / pi) / erfcx(-x / sqrt 2)``, which cannot be 0 / 0."""
    return math.sqrt(2 / math.pi) / nx.special.erfcx(-SQRT_HALF * x)
