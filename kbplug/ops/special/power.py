"""Exponentials, roots and the Box-Cox transformations, exact near the points where their formulas cancel."""

from __future__ import annotations

import math
from typing import Any

from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL_FLOAT, binary, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.forward import slopes
from kbplug.ops.special.polynomial import polynomial
from kbplug.ops.special.precision import EXPONENT_LIMIT, bounded_product, double, largest, single

LN2, LN10 = math.log(2.0), math.log(10.0)


@single
def exp2(xp: Any, x: Any) -> Any:
    """Power of two, infinite from the first exponent that overflows."""
    overflows = x >= math.ceil(math.log2(largest(xp, x)))
    return xp.where(overflows, math.inf, xp.pow(2.0, xp.where(overflows, 0.0, x)))


@single
def exp10(xp: Any, x: Any) -> Any:
    """Power of ten, infinite from the first exponent that overflows."""
    overflows = x > math.log10(largest(xp, x)) * (1 - 2.0**-53)
    return xp.where(overflows, math.inf, xp.pow(10.0, xp.where(overflows, 0.0, x)))


@single
def cbrt(xp: Any, x: Any) -> Any:
    """Cube root: a power, and one step of Newton's method for its last bits."""
    size = xp.abs(x)
    regular = (size > 0) & (size < math.inf)
    radicand = xp.where(regular, size, 1.0)
    root = xp.pow(radicand, 1 / 3)
    root = root - (root - radicand / (root * root)) / 3.0
    return xp.copysign(xp.where(regular, root, size), x)


EXPREL = tuple(1 / math.factorial(k + 1) for k in range(20))
ARTANH = tuple(1 / (2 * k + 1) for k in range(18))


def _exprel(xp: Any, x: Any) -> Any:
    """Return ``(exp(x) - 1) / x``; by its Taylor series up to 1, which keeps its derivatives exact at 0."""
    near = xp.abs(x) < 1.0
    outer = xp.where(near | xp.isnan(x), 1.0, xp.clip(x, -1e300, 800.0))
    far = xp.expm1(xp.minimum(outer, 700.0)) / outer
    far = bounded_product(xp, far, xp.exp(xp.maximum(outer - 700.0, 0.0)))
    result = xp.where(near, polynomial(xp.where(near, x, 0.0), EXPREL), far)
    return xp.where(xp.isnan(x), x, xp.where(x == -math.inf, 0.0, result))


def _log1prel(xp: Any, x: Any) -> Any:
    """Return ``log1p(x) / x`` for ``x > -1``, by the series of ``atanh`` in ``x / (2 + x)`` around 0."""
    near = xp.abs(x) < 0.5
    inner = xp.where(near, x, 0.0)
    s = inner / (2.0 + inner)
    outer = xp.where(near, 1.0, x)
    return xp.where(near, 2.0 / (2.0 + inner) * polynomial(s * s, ARTANH), xp.log1p(outer) / outer)


@double
def exprel(xp: Any, x: Any) -> Any:
    """Relative exponential."""
    return _exprel(xp, x)


def _box_cox(xp: Any, log: Any, power: Any) -> Any:
    """Return ``(exp(power log) - 1) / power`` as ``log exprel(power log)``, with the limits for infinite logarithms."""
    finite = xp.isfinite(log)
    inner = xp.where(finite, log, 0.0)
    value = inner * _exprel(xp, inner * xp.clip(power, -1e300, 1e300))
    bounded = ((log > 0) & (power < 0)) | ((log < 0) & (power > 0))
    limit = xp.where(bounded, -1.0 / xp.where(power == 0, 1.0, power), log)
    return xp.where(finite, value, xp.where(xp.isnan(power), math.nan, limit))


@double
def boxcox(xp: Any, x: Any, power: Any) -> Any:
    """Box-Cox transformation."""
    inside = (x > 0) & (x < math.inf)
    ends = xp.where(x == 0, -math.inf, xp.where(x > 0, x, math.nan))
    return _box_cox(xp, xp.where(inside, xp.log(xp.where(inside, x, 1.0)), ends), power)


@double
def boxcox1p(xp: Any, x: Any, power: Any) -> Any:
    """Box-Cox transformation of ``1 + x``."""
    inside = (x > -1.0) & (x < math.inf)
    ends = xp.where(x == -1.0, -math.inf, xp.where(x > -1.0, x, math.nan))
    return _box_cox(xp, xp.where(inside, xp.log1p(xp.where(inside, x, 0.0)), ends), power)


def _log_inverse(xp: Any, y: Any, power: Any) -> Any:
    """Return ``log1p(power y) / power``: the logarithm of the inverse transformation."""
    finite = xp.abs(y) < math.inf
    product = power * xp.where(finite, y, 0.0)
    inside = product > -1.0
    log = y * _log1prel(xp, xp.where(inside, product, 0.0))
    log = xp.where(inside, log, math.nan)
    log = xp.where((product == -1.0) & (power > 0), -math.inf, log)
    log = xp.where((product == -1.0) & (power < 0), math.inf, log)
    limit = xp.where(y > 0, xp.where(power >= 0, y, math.nan), xp.where(power <= 0, y, math.nan))
    return xp.where(finite, log, limit)


@double
def inv_boxcox(xp: Any, y: Any, power: Any) -> Any:
    """Inverse Box-Cox transformation."""
    log = _log_inverse(xp, y, power)
    return xp.where(log > EXPONENT_LIMIT, math.inf, xp.exp(xp.minimum(log, EXPONENT_LIMIT)))


@double
def inv_boxcox1p(xp: Any, y: Any, power: Any) -> Any:
    """Inverse Box-Cox transformation, less one."""
    log = _log_inverse(xp, y, power)
    return xp.where(log > EXPONENT_LIMIT, math.inf, xp.expm1(xp.minimum(log, EXPONENT_LIMIT)))


exprel_slope = slopes("special.exprel_slope", "Derivatives of exprel.", _exprel, 1)
log1prel_slope = slopes("special.log1prel_slope", "Derivatives of ``log1p(x) / x``.", _log1prel, 1)


def _by_power(log: Tensor, power: Tensor) -> Any:
    """Return the derivative of the Box-Cox transformation by its power."""
    return log * log * exprel_slope(power * log, orders=(1,))


def _boxcox_slope(g: Tensor, y: Tensor, x: Tensor, power: Tensor) -> tuple[Tensor, Tensor]:
    inside = x > 0
    by_power = _by_power(nx.log(nx.where(inside, x, 1.0)), power)
    return g * nx.pow(x, power - 1), g * nx.where(inside, by_power, 1 / (power * power))


def _boxcox1p_slope(g: Tensor, y: Tensor, x: Tensor, power: Tensor) -> tuple[Tensor, Tensor]:
    inside = x > -1
    by_power = _by_power(nx.log1p(nx.where(inside, x, 0.0)), power)
    return g * nx.pow(1 + x, power - 1), g * nx.where(inside, by_power, 1 / (power * power))


def _inverse_slope(g: Tensor, x: Tensor, y: Tensor, power: Tensor) -> tuple[Tensor, Tensor]:
    """Return the derivative of ``x = (1 + power y)**(1 / power)``."""
    product = power * y
    return g * x / (1 + product), g * x * y * y * log1prel_slope(product, orders=(1,))


unary(
    ("special.exp2", REAL_FLOAT, "``2**x``.", lambda g, y, x: (g * y * LN2,), exp2),
    ("special.exp10", REAL_FLOAT, "``10**x``.", lambda g, y, x: (g * y * LN10,), exp10),
    ("special.cbrt", REAL_FLOAT, "Cube root, of negative numbers too.", lambda g, y, x: (g / (3 * y * y),), cbrt),
    (
        "special.exprel",
        REAL_FLOAT,
        "Relative exponential ``(exp(x) - 1) / x``, and 1 at 0.",
        lambda g, y, x: (g * exprel_slope(x, orders=(1,)),),
        exprel,
    ),
)

binary(
    (
        "special.boxcox",
        REAL_FLOAT,
        "Box-Cox transformation ``(x1**x2 - 1) / x2``, and ``log(x1)`` for the power 0.",
        _boxcox_slope,
        boxcox,
    ),
    (
        "special.boxcox1p",
        REAL_FLOAT,
        "Box-Cox transformation of ``1 + x1`` with the power ``x2``.",
        _boxcox1p_slope,
        boxcox1p,
    ),
    (
        "special.inv_boxcox",
        REAL_FLOAT,
        "Inverse of the Box-Cox transformation with the power ``x2``.",
        _inverse_slope,
        inv_boxcox,
    ),
    (
        "special.inv_boxcox1p",
        REAL_FLOAT,
        "Inverse of the Box-Cox transformation of ``1 + x1`` with the power ``x2``.",
        lambda g, y, x, power: _inverse_slope(g, y + 1, x, power),
        inv_boxcox1p,
    ),
)
