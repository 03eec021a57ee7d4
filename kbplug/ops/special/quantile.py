"""Inverses of the normal distribution function and of the error function, natively in float32 and float64.

Wichura 1988, algorithm AS 241 (PPND16), with its published coefficients: a rational function of the squared
distance from the median in the middle, of ``sqrt(-log(tail))`` in the tails.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.ops.declare import REAL_FLOAT, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.normal import SQRT_HALF, SQRT_TWO_PI
from kbplug.ops.special.polynomial import rational
from kbplug.ops.special.precision import single

MIDDLE = (
    (
        *(3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125),
        *(45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727),
    ),
    (
        *(1.0, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077),
        *(21213.794301586595867, 39307.895800092710610, 28729.085735721942674, 5226.4952788528545610),
    ),
)
NEAR_TAIL = (
    (
        *(1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504),
        *(1.27045825245236838258, 0.241780725177450611770, 0.0227238449892691845833, 7.74545014278341407640e-4),
    ),
    (
        *(1.0, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550),
        *(0.148103976427480074590, 0.0151986665636164571966, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
    ),
)
FAR_TAIL = (
    (
        *(6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 0.296560571828504891230),
        *(0.0265321895265761230930, 0.00124266094738807843860, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    ),
    (
        *(1.0, 0.599832206555887937690, 0.136929880922735805310, 0.0148753612908506148525),
        *(7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
    ),
)


def normal_quantile(xp: Any, middle: Any, twice: Any) -> Any:
    """Return the normal quantile of ``1/2 + middle``; ``twice`` the smaller of that and its complement is above 0."""
    near = xp.clip(middle, -0.425, 0.425)
    central = near * rational(0.180625 - near * near, *MIDDLE)
    r = xp.sqrt(math.log(2.0) - xp.log(twice))
    outer = xp.where(r <= 5.0, rational(xp.clip(r, 1.0, 5.0) - 1.6, *NEAR_TAIL), rational(r - 5.0, *FAR_TAIL))
    return xp.where(xp.abs(middle) <= 0.425, central, xp.where(middle < 0, -outer, outer))


def _at_ends(xp: Any, middle: Any, twice: Any) -> Any:
    """Return the quantile, infinite where the tail is empty and NaN where it is negative."""
    inside = normal_quantile(xp, middle, xp.where(twice > 0, twice, 1.0))
    inside = xp.where(twice > 0, inside, math.nan)
    inside = xp.where((twice == 0) & (middle < 0), -math.inf, inside)
    return xp.where((twice == 0) & (middle > 0), math.inf, inside)


@single
def ndtri(xp: Any, p: Any) -> Any:
    """Quantile of the standard normal."""
    return _at_ends(xp, p - 0.5, 2.0 * xp.minimum(p, 1.0 - p))


@single
def erfinv(xp: Any, x: Any) -> Any:
    """Inverse of ``erf``: the quantile of ``(1 + x) / 2`` over the square root of two, exact near 0."""
    return _at_ends(xp, x * 0.5, 1.0 - xp.abs(x)) * SQRT_HALF


@single
def erfcinv(xp: Any, x: Any) -> Any:
    """Inverse of ``erfc``: minus the quantile of ``x / 2`` over the square root of two, exact near 0."""
    return _at_ends(xp, (1.0 - x) * 0.5, xp.minimum(x, 2.0 - x)) * SQRT_HALF


def _inverse_slope(y: Any) -> Any:
    return math.sqrt(math.pi) / 2 * nx.exp(y * y)


unary(
    (
        "special.ndtri",
        REAL_FLOAT,
        "Quantile of the standard normal, the inverse of ``ndtr``.",
        lambda g, y, p: (g * SQRT_TWO_PI * nx.exp(0.5 * y * y),),
        ndtri,
    ),
    (
        "special.erfinv",
        REAL_FLOAT,
        "Inverse of ``erf`` on [-1, 1].",
        lambda g, y, x: (g * _inverse_slope(y),),
        erfinv,
    ),
    (
        "special.erfcinv",
        REAL_FLOAT,
        "Inverse of ``erfc`` on [0, 2].",
        lambda g, y, x: (-g * _inverse_slope(y),),
        erfcinv,
    ),
)
