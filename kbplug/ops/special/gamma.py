"""The gamma function, its logarithm and its reciprocal on the real line, computed in float64.

From 3 upwards by Stirling's formula; below by a shift of three (``gamma``) or a rational function that has the
zeros of ``ln Gamma`` at 1 and 2 as factors (``gammaln``); left of 0 by the reflection formula DLMF 5.5.3.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.errors import ArgumentError
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL_FLOAT, ZERO, accept, primitive, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.angle import EXACT_INTEGERS, sinpi
from kbplug.ops.special.polynomial import rational
from kbplug.ops.special.precision import bounded_product, double
from kbplug.ops.special.stirling import LOG_SQRT_TWO_PI, gamma_parts, remainder

LAST = 171.6243769563027
"""The largest argument whose gamma function is finite in float64."""
FIRST = 5.6e-309
"""The smallest positive one."""
LAST_LOG = 2.55e305
"""The largest argument of a finite ``gammaln``."""

BETWEEN_ZEROS = (
    (
        *(0.5772156649015329, 1.6573859915112124, 1.8195310986608273, 0.9583772627767942),
        *(0.2489515203019172, 0.02934996892711011, 0.0012144645025018563, 5.152191194029259e-06),
        -3.4387534246231254e-08,
    ),
    (
        *(1.0, 3.2962330645658335, 4.283498617926743, 2.7922148253073),
        *(0.961953097690663, 0.1693844804533058, 0.013462840310043222, 0.00034666036878764635),
    ),
)
"""``ln Gamma(1 + v) / (v (v - 1))`` for ``v`` in [0, 2], Chebyshev interpolation; within 6e-17."""


def _is_pole(xp: Any, x: Any) -> Any:
    return (x <= 0) & (x == xp.floor(x))


def positive_parts(xp: Any, x: Any) -> tuple[Any, Any, Any]:
    """Return ``(p, q, d)`` with ``Gamma(x) = p * p * q / d``, for ``0 < x <= 190``."""
    low = x < 3.0
    p, q = gamma_parts(xp, xp.where(low, x + 3.0, x))
    return p, q, xp.where(low, x * (x + 1.0) * (x + 2.0), 1.0)


def near_gammaln(v: Any) -> Any:
    """Return ``ln Gamma(1 + v)`` for ``v`` in [0, 2] to full relative precision."""
    return v * (v - 1.0) * rational(v, *BETWEEN_ZEROS)


def positive_gammaln(xp: Any, x: Any) -> Any:
    """Return ``ln Gamma(x)`` for ``0 < x <= 2.55e305``."""
    small = xp.clip(x, 0.0, 3.0)
    v = xp.where(small < 1.0, small, small - 1.0)
    log = xp.log(x)
    far = xp.maximum(x, 3.0)
    stirling = (far - 0.5) * (xp.where(x < 3.0, 1.0, log) - 1.0) + (LOG_SQRT_TWO_PI - 0.5) + remainder(far)
    return xp.where(x < 3.0, near_gammaln(v) - xp.where(x < 1.0, log, 0.0), stirling)


@double
def gamma(xp: Any, x: Any) -> Any:
    """Gamma function: infinite at the zeros of either sign, NaN at the other poles, exact at the small integers."""
    size = xp.clip(xp.abs(x), FIRST, 190.0)
    p, q, d = positive_parts(xp, xp.where(x < 0, size, xp.clip(size, FIRST, LAST)))
    half = p * q / d
    right = half * xp.where(x < 0, 1.0, p)
    right = xp.where(x == xp.round(x), xp.round(right), right)
    sine = sinpi(xp, xp.maximum(xp.abs(x), FIRST))
    left = -math.pi / xp.where(sine == 0, 1.0, sine) / p / (size * half)
    result = xp.where(x > LAST, math.inf, xp.where(x < 0, left, right))
    at_zero = (x == 0) | (xp.abs(x) < FIRST)  # some libraries take the subnormal FIRST for 0
    result = xp.where(at_zero, xp.copysign(size * 0.0 + math.inf, x), result)
    return xp.where(_is_pole(xp, x) & (x != 0), math.nan, result)


@double
def rgamma(xp: Any, x: Any) -> Any:
    """Reciprocal of the gamma function, 0 at its poles."""
    size = xp.clip(xp.abs(x), FIRST, 190.0)
    p, q, d = positive_parts(xp, size)
    left = bounded_product(xp, sinpi(xp, xp.abs(x)) * (size / d) * p * q / -math.pi, p)
    result = xp.where(xp.abs(x) < FIRST, x, xp.where(x < 0, left, d / q / p / p))
    return xp.where(_is_pole(xp, x) & (x != 0), 0.0, result)


@double
def gammaln(xp: Any, x: Any) -> Any:
    """Logarithm of ``|Gamma(x)|``."""
    size = xp.clip(xp.abs(x), 5e-324, LAST_LOG)
    right = positive_gammaln(xp, size)
    pole = _is_pole(xp, x)
    sine = xp.abs(sinpi(xp, size))
    left = math.log(math.pi) - xp.log(size) - xp.log(xp.where(sine == 0, 1.0, sine)) - right
    result = xp.where(x < 0, left, xp.where(x > LAST_LOG, math.inf, right))
    return xp.where(x == -math.inf, -math.inf, xp.where(pole, math.inf, result))


@double
def loggamma(xp: Any, x: Any) -> Any:
    """Principal logarithm of the gamma function; not real, hence NaN, where negative."""
    right = positive_gammaln(xp, xp.clip(x, 5e-324, LAST_LOG))
    return xp.where(x < 0, math.nan, xp.where(x == 0, math.inf, xp.where(x > LAST_LOG, math.inf, right)))


@double
def gammasgn(xp: Any, x: Any) -> Any:
    """Sign of the gamma function, which alternates between its poles."""
    below = xp.floor(xp.clip(x, -EXACT_INTEGERS, 0.0))
    sign = 1.0 - 2.0 * (below - 2.0 * xp.floor(below * 0.5))
    sign = xp.where(x == 0, xp.copysign(sign, x), sign)
    return xp.where(_is_pole(xp, x) & (x != 0), math.nan, sign)


def _rgamma_slope(y: Tensor, x: Tensor) -> Any:
    """Return ``-digamma(x) / Gamma(x)``; left of 1/2 by reflection, which is smooth across the poles."""
    left = x < 0.5
    z = nx.where(left, 1 - x, 1.0)
    factorial = nx.special.gamma(z)
    reflected = nx.cos(math.pi * z) + nx.sin(math.pi * z) * nx.special.digamma(z) / math.pi
    return nx.where(left, -reflected * factorial, -y * nx.special.digamma(nx.where(left, 1.0, x)))


unary(
    (
        "special.gamma",
        REAL_FLOAT,
        "Gamma function, ``(x - 1)!`` at the positive integers.",
        lambda g, y, x: (g * y * nx.special.digamma(x),),
        gamma,
    ),
    (
        "special.rgamma",
        REAL_FLOAT,
        "Reciprocal of the gamma function, defined everywhere.",
        lambda g, y, x: (g * _rgamma_slope(y, x),),
        rgamma,
    ),
    (
        "special.gammaln",
        REAL_FLOAT,
        "Logarithm of the absolute value of the gamma function.",
        lambda g, y, x: (g * nx.special.digamma(x),),
        gammaln,
    ),
    (
        "special.loggamma",
        REAL_FLOAT,
        "Logarithm of the gamma function; NaN where negative, since the result is real.",
        lambda g, y, x: (g * nx.special.digamma(x),),
        loggamma,
    ),
    ("special.gammasgn", REAL_FLOAT, "Sign of the gamma function.", ZERO, gammasgn),
)


@primitive("special.multigammaln", traits=("elementwise",))
def multigammaln(a: Spec, /, d: int) -> Spec:
    """Logarithm of the multivariate gamma function of dimension ``d``, for ``a > (d - 1) / 2``."""
    accept("special.multigammaln", REAL_FLOAT, a)
    if d < 1:
        raise ArgumentError(f"special.multigammaln needs a dimension d of at least 1, not {d}.")
    return a


@multigammaln.implement
@double
def _(xp: Any, a: Any, *, d: int) -> Any:
    defined = a > 0.5 * (d - 1)
    inside = xp.minimum(xp.where(defined, a, 0.5 * d), LAST_LOG / d)
    terms = [positive_gammaln(xp, inside - 0.5 * j) for j in range(d)]
    result = sum(terms[1:], terms[0]) + 0.25 * d * (d - 1) * math.log(math.pi)
    return xp.where(a > LAST_LOG / d, math.inf, xp.where(defined, result, math.nan))


@multigammaln.derive
def _(g: Tensor, y: Tensor, a: Tensor, *, d: int) -> tuple[Any]:
    return (g * sum((nx.special.digamma(a - 0.5 * j) for j in range(1, d)), nx.special.digamma(a)),)
