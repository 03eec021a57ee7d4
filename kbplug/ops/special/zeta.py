"""The zeta functions of Hurwitz and Riemann, computed in float64.

``zeta(s, q)`` is ten terms of its series and the Euler-Maclaurin formula for the rest (DLMF 25.11.28). For a negative
``q`` and an integer ``s`` the series over all integers on both sides of ``q`` gives the rest.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.graph.spec import Spec, broadcast
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL_FLOAT, accept, primitive, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.angle import EXACT_INTEGERS, sinpi
from kbplug.ops.special.forward import slopes
from kbplug.ops.special.precision import bounded_power, bounded_product, double
from kbplug.ops.special.stirling import remainder

TERMS = 10
BERNOULLI = tuple(
    n / d / math.factorial(2 * j)
    for j, (n, d) in enumerate(
        (
            *((1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730)),
            *((7, 6), (-3617, 510), (43867, 798), (-174611, 330), (854513, 138), (-236364091, 2730)),
        ),
        start=1,
    )
)
"""``B(2 j) / (2 j)!`` from ``j = 1``."""

ORDER_LIMIT = 1e300
"""An order beyond it gives the same zeta and would overflow a product."""
PRODUCT_LIMIT = 1e13
"""Orders beyond it leave only the first terms of the series, and would overflow the products of the others."""
TAU = 2 * math.pi


def _scaled(xp: Any, s: Any, q: Any) -> Any:
    """Return ``q**s zeta(s, q)`` for ``q > 0`` and ``s >= -1/4`` other than 1, by analytic continuation below 1."""
    step = 1.0 / xp.maximum(q, 1e-300)
    total = 1.0
    for k in range(1, TERMS):
        total = total + xp.pow(1.0 + k * step, -s)
    end = 1.0 + TERMS * step
    integral = xp.pow(end, 1.0 - s)
    bounded = xp.minimum(q, 8e307 * xp.minimum(xp.abs(s - 1.0), 1.0))  # the quotient below must stay finite
    total = total + integral * (bounded / (s - 1.0)) + 0.5 * integral / end
    s = xp.minimum(s, PRODUCT_LIMIT)
    step = step / end
    factor = s * step * integral / end
    for j, bernoulli in enumerate(BERNOULLI, start=1):
        total = total + bernoulli * factor
        factor = factor * ((s + (2.0 * j - 1.0)) * step) * ((s + 2.0 * j) * step)
    return total


def _positive_parts(xp: Any, s: Any, q: Any) -> tuple[Any, Any]:
    """Return ``(h, z)`` with ``zeta(s, q) = h * h * z`` for ``q > 0`` and ``s >= -1/4`` other than 1."""
    return bounded_power(xp, q, -0.5 * s), _scaled(xp, s, q)


def _positive_hurwitz(xp: Any, s: Any, q: Any) -> Any:
    half, scaled = _positive_parts(xp, s, q)
    return bounded_product(xp, half * scaled, half)


def hurwitz_parts(xp: Any, s: Any, q: Any) -> tuple[Any, Any]:
    """Return ``_positive_parts`` for ``s > 1`` and any ``q``.

    Where ``q`` is negative and ``s`` an integer: the sum over all integers, less the one that starts at ``1 - q``.
    """
    bounded = xp.clip(q, -EXACT_INTEGERS, 1.0)
    rest = bounded - xp.round(bounded)
    left = (q < 0) & (rest != 0)
    half, scaled = _positive_parts(xp, s, xp.where(left, 1.0 + rest, xp.where(q > 0, q, 1.0)))
    odd = 1.0 - 2.0 * (s - 2.0 * xp.floor(0.5 * s))
    nearest = bounded_power(xp, xp.where(left, xp.abs(rest), 1.0), -s) * xp.where(rest < 0, odd, 1.0)
    mirror = _positive_hurwitz(xp, s, xp.where(left, 1.0 - rest, 1.0))
    mirror = mirror - _positive_hurwitz(xp, s, xp.where(left, 1.0 - bounded, 1.0))
    total = nearest + bounded_product(xp, half * scaled, half) + odd * mirror
    total = xp.where(s == xp.floor(s), total, math.nan)
    scaled = xp.where(left, total, xp.where((q <= 0) & (rest == 0), math.inf, scaled))
    return xp.where(q > 0, half, 1.0), xp.where(xp.isnan(q), math.nan, scaled)


def hurwitz(xp: Any, s: Any, q: Any) -> Any:
    """Return ``zeta(s, q)``: infinite at ``s = 1`` and at the poles ``q = 0, -1, ...``, NaN for ``s < 1``."""
    half, scaled = hurwitz_parts(xp, xp.minimum(xp.where(s > 1.0, s, 2.0), ORDER_LIMIT), q)
    result = bounded_product(xp, half * scaled, half)
    return xp.where(s > 1.0, result, xp.where(s == 1.0, math.inf, s + math.nan))


def riemann(xp: Any, s: Any, base: float = 0.0) -> Any:
    """Return ``zeta(s) - base``: the series from 2 on where ``s >= -1/4``, below it the reflection DLMF 25.4.2."""
    order = xp.clip(xp.where(s == 1.0, 2.0, s), -0.25, ORDER_LIMIT)
    two = order * 0.0 + 2.0
    right = _positive_hurwitz(xp, order, two)
    z = 1.0 - xp.clip(s, -270.0, -0.25)
    low = z < 3.0
    shifted = xp.where(low, z + 3.0, z)
    half = xp.pow(shifted / TAU, 0.5 * shifted - 0.25)
    rest = half * xp.exp(-shifted) * xp.exp(remainder(shifted))
    rest = rest * xp.where(low, TAU**3 / (z * (z + 1.0) * (z + 2.0)), 1.0)
    wave = -2.0 * sinpi(xp, 0.5 * xp.abs(s)) * (1.0 + _positive_hurwitz(xp, z, two))
    left = bounded_product(xp, wave * rest, half)
    result = xp.where(s < -0.25, left - base, xp.where(s == 1.0, math.inf, right + (1.0 - base)))
    return xp.where(s == -math.inf, math.nan, result)


@double
def zetac(xp: Any, s: Any) -> Any:
    """Riemann zeta less one."""
    return riemann(xp, s, 1.0)


zeta_slope = slopes("special.zeta_slope", "Partial derivatives of the Hurwitz zeta function.", hurwitz, 2)
riemann_slope = slopes("special.riemann_slope", "Derivatives of the Riemann zeta function.", riemann, 1)


@primitive("special.zeta", promotes=range, traits=("elementwise",))
def zeta(x: Spec, q: Spec | None = None, /) -> Spec:
    """Hurwitz zeta function, the sum of ``(k + q)**-x`` over ``k >= 0``; without ``q`` that of Riemann."""
    accept("special.zeta", REAL_FLOAT, x, q)
    return x if q is None else Spec(broadcast(x.shape, q.shape), x.dtype)


@zeta.implement
def _(xp: Any, s: Any, q: Any = None) -> Any:
    if q is None:
        return double(riemann)(xp, s)
    return double(hurwitz)(xp, s, q)


@zeta.derive
def _(g: Tensor, y: Tensor, s: Tensor, q: Tensor | None) -> tuple[Any, ...]:
    if q is None:
        return g * riemann_slope(s, orders=(1,)), None
    return g * zeta_slope(s, q, orders=(1, 0)), -g * s * nx.special.zeta(s + 1, q)


unary(
    (
        "special.zetac",
        REAL_FLOAT,
        "Riemann zeta function less one.",
        lambda g, y, x: (g * riemann_slope(x, orders=(1,)),),
        zetac,
    ),
)
