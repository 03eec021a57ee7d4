"""The error function and its complements, computed natively in float32 and float64. Knows nothing of distributions.

One smooth function carries all three: ``(x + 1/2) erfcx(x)`` on [0, inf) is a polynomial in
``t = (x - 3) / (x + 3)`` (the substitution of Shepherd and Laframboise 1981; the coefficients are the Chebyshev
interpolant in 50 digits). The factor ``exp(-x**2)`` is split, an idea of Cody 1969, so that it costs no accuracy.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.ops.declare import REAL_FLOAT, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.polynomial import polynomial
from kbplug.ops.special.precision import largest, single

TWO_OVER_SQRT_PI = 2 / math.sqrt(math.pi)

SCALED = (
    *(0.6265040291348648, -0.0678105530622906, -0.0237811471767246, 0.06482257935138237),
    *(-0.05963683170769319, 0.03415401367192258, -0.01188525745858567, 0.0012646959090237334),
    *(0.0009443451724995859, -0.0003899161442411542, -5.2579859792240326e-05, 6.25497177856406e-05),
    *(2.4745983249841725e-06, -1.0050421547422363e-05, -3.654140734391807e-07, 1.7365120839207664e-06),
    *(1.7788043342040298e-07, -3.0878088394961617e-07, -7.023827157714231e-08, 5.138998744135529e-08),
    *(2.0532006833970177e-08, -6.953072895865497e-09, -4.108797529355727e-09, 6.009859720067896e-10),
    *(4.1968674293454387e-10, -1.725748743832164e-11),
)
"""``(x + 1/2) erfcx(x)`` in powers of ``(x - 3) / (x + 3)``; within 4e-18."""

CENTRAL = (
    *(1.1283791670955126, -0.37612638903183476, 0.11283791670925353, -0.026866170632887928),
    *(0.00522397737302147, -0.0008548297753674966, 0.00012053335124353741, -1.4845849259707869e-05),
    1.4725865480556744e-06,
)
"""``erf(x) / x`` in powers of ``x**2`` for ``|x| <= 1/2``; within 4e-18."""


def scaled_tail(xp: Any, x: Any) -> Any:
    """Return ``exp(x**2) erfc(x)`` for ``x >= 0``."""
    return polynomial(1.0 - 6.0 / (x + 3.0), SCALED) / (x + 0.5)


def gaussian(xp: Any, x: Any, factor: float = 1.0) -> Any:
    """Return ``exp(-factor x**2)`` to the last place; ``factor`` is a power of two.

    ``x`` is split into a multiple of 1/16, whose square is exact, and a small rest.
    """
    x = xp.clip(x, -64.0, 64.0)
    coarse = xp.round(x * 16.0) * 0.0625
    return xp.exp(coarse * coarse * -factor) * xp.exp((x - coarse) * (x + coarse) * -factor)


@single
def erf(xp: Any, x: Any) -> Any:
    """Error function: a polynomial in ``x**2`` up to 1/2, ``1 - erfc(|x|)`` beyond."""
    size = xp.abs(x)
    small = xp.clip(x, -0.5, 0.5)
    outer = 1.0 - gaussian(xp, size) * scaled_tail(xp, size)
    return xp.where(size < 0.5, small * polynomial(small * small, CENTRAL), xp.where(x < 0, -outer, outer))


@single
def erfc(xp: Any, x: Any) -> Any:
    """Complementary error function: ``exp(-x**2) erfcx(x)`` where positive, ``2 - erfc(-x)`` elsewhere."""
    size = xp.abs(x)
    tail = gaussian(xp, size) * scaled_tail(xp, size)
    return xp.where(x < 0, 2.0 - tail, tail)


@single
def erfcx(xp: Any, x: Any) -> Any:
    """Scaled complementary error function; ``2 exp(x**2) - erfcx(-x)`` where negative, infinite once that overflows."""
    lowest = -math.sqrt(math.log(largest(xp, x) / 2))
    left = xp.clip(x, lowest, 0.0)
    tail = scaled_tail(xp, xp.abs(x))
    result = xp.where(x < 0, 2.0 / gaussian(xp, left) - tail, tail)
    return xp.where(x < lowest, math.inf, result)


def _erf_slope(x: Any) -> Any:
    return TWO_OVER_SQRT_PI * nx.exp(-x * x)


unary(
    (
        "special.erf",
        REAL_FLOAT,
        "Error function: 2/sqrt(pi) times the integral of exp(-t**2) from 0 to ``x``.",
        lambda g, y, x: (g * _erf_slope(x),),
        erf,
    ),
    (
        "special.erfc",
        REAL_FLOAT,
        "Complementary error function ``1 - erf(x)``, exact where ``erf`` is nearly 1.",
        lambda g, y, x: (-g * _erf_slope(x),),
        erfc,
    ),
    (
        "special.erfcx",
        REAL_FLOAT,
        "Scaled complementary error function ``exp(x**2) * erfc(x)``.",
        lambda g, y, x: (g * (2 * x * y - TWO_OVER_SQRT_PI),),
        erfcx,
    ),
)
