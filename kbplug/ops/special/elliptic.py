"""The complete elliptic integral of the first kind, computed in float64 by the arithmetic-geometric mean."""

from __future__ import annotations

import math
from typing import Any

from kbplug.ops.declare import REAL_FLOAT, unary
from kbplug.ops.special.forward import slopes
from kbplug.ops.special.precision import double

STEPS = 14
"""The mean's digits double with every step; the first ones bring 1 and the smallest square root together."""


def _complete(xp: Any, p: Any) -> Any:
    """Return ``K`` at the parameter ``1 - p``: pi over twice the mean of 1 and ``sqrt(p)`` (DLMF 19.8.5)."""
    inside = (p > 0) & (p < math.inf)
    b = xp.sqrt(xp.where(inside, p, 1.0))
    a = 0.0 * b + 1.0
    for _ in range(STEPS):
        a, b = 0.5 * (a + b), xp.sqrt(a * b)
    result = xp.where(inside, (0.5 * math.pi) / a, math.nan)
    return xp.where(p == 0, math.inf, xp.where(p == math.inf, 0.0, result))


@double
def ellipkm1(xp: Any, p: Any) -> Any:
    """Complete elliptic integral around ``m = 1``."""
    return _complete(xp, p)


@double
def ellipk(xp: Any, m: Any) -> Any:
    """Complete elliptic integral of parameter ``m``."""
    return _complete(xp, 1.0 - m)


slope = slopes("special.ellipkm1_slope", "Derivatives of ``ellipkm1``.", _complete, 1)

unary(
    (
        "special.ellipk",
        REAL_FLOAT,
        "Complete elliptic integral of the first kind with the parameter ``x``; NaN above 1.",
        lambda g, y, m: (-g * slope(1 - m, orders=(1,)),),
        ellipk,
    ),
    (
        "special.ellipkm1",
        REAL_FLOAT,
        "Complete elliptic integral of the first kind with the parameter ``1 - x``, exact where ``x`` is small.",
        lambda g, y, p: (g * slope(p, orders=(1,)),),
        ellipkm1,
    ),
)
