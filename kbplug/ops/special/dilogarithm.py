"""Spence's function, the dilogarithm of ``1 - x``, computed in float64.

Every argument is brought near 1 by reflection and inversion (DLMF 25.12.6, 25.12.4), where ``Li2(w)`` is a short series
in ``u = -log(1 - w)`` with Bernoulli numbers.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.ops.declare import REAL_FLOAT, unary
from kbplug.ops.special.polynomial import polynomial
from kbplug.ops.special.power import log1prel_slope
from kbplug.ops.special.precision import double
from kbplug.ops.special.zeta import BERNOULLI

ZETA_2 = math.pi**2 / 6
SERIES = (1.0, *(b / (2 * j + 1) for j, b in enumerate(BERNOULLI, start=1)))
"""``Li2(w) / u + u / 4`` in powers of ``u**2``; the first neglected term is below 1e-21 for ``|u| <= ln 2``."""


@double
def spence(xp: Any, x: Any) -> Any:
    """Dilogarithm of ``1 - x``; pi squared over 6 at 0, NaN below."""
    inside = (x > 0) & (x < math.inf)
    z = xp.where(inside, x, 1.0)
    low, high = z < 0.5, z > 2.0
    log = xp.log(z)
    small = -xp.log1p(-xp.where(low, z, 0.0))
    large = xp.log1p(-1.0 / xp.maximum(z, 2.0))
    u = xp.where(low, small, xp.where(high, large, -log))
    series = u * (polynomial(u * u, SERIES) - 0.25 * u)
    top = xp.log(xp.where(high, z - 1.0, 1.0))
    result = xp.where(low, ZETA_2 + log * u - series, xp.where(high, -ZETA_2 - 0.5 * top * top - series, series))
    result = xp.where(inside, result, math.nan)
    return xp.where(x == 0, ZETA_2, xp.where(x == math.inf, -math.inf, result))


unary(
    (
        "special.spence",
        REAL_FLOAT,
        "Spence's function: the integral of ``log(t) / (1 - t)`` from 1 to ``x``.",
        lambda g, y, x: (-g * log1prel_slope(x - 1, orders=(0,)),),
        spence,
    ),
)
