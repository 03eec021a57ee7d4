"""The digamma function and its derivatives, computed in float64.

``digamma`` is a rational function with the positive root as a factor on [1, 3], and beyond Stirling's series made a
polynomial as in ``stirling``; its derivatives are Hurwitz zeta functions.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.ops.declare import REAL_FLOAT, binary, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.angle import cotpi
from kbplug.ops.special.gamma import positive_parts
from kbplug.ops.special.polynomial import polynomial, rational
from kbplug.ops.special.precision import bounded_product, double
from kbplug.ops.special.zeta import hurwitz_parts

ROOT, ROOT_REST = 1.4616321449683622, 9.549995429965697e-17
"""The positive root of digamma in two parts."""
AROUND_ROOT = (
    (
        *(1.250380137503405, 1.8306806696781515, 0.9226850001355458, 0.19609924040778487),
        *(0.01688739793666913, 0.0004441875132029205, 7.067106391699533e-07),
    ),
    (
        *(1.0, 2.147646103561495, 1.6041486371407185, 0.5323657731677113),
        *(0.08080982920030369, 0.005036402527057303, 8.985042099256068e-05),
    ),
)
"""``digamma(1 + v) / (1 + v - root)`` for ``v`` in [0, 2]; within 3e-16."""
BEYOND = (
    *(0.08333333333333326, -0.008333333333142599, 0.003968253884920039, -0.004166652178650307),
    *(0.00757443060881869, -0.02101916489697652, 0.08064047398067098, -0.37430045081725144),
    *(1.7458633558768843, -6.706334097588544, 17.261883761190983, -21.29861333701341),
)
"""``z**2 (ln z - 1 / (2 z) - digamma(z))`` in powers of ``1 / z**2`` for ``z >= 3``; within 9e-16."""


LAST_ORDER = 170.0
"""The largest ``n`` whose factorial is finite."""


def positive_digamma(xp: Any, x: Any) -> Any:
    """Return ``digamma(x)`` for ``x > 0``."""
    small = xp.clip(x, 0.0, 3.0)
    v = xp.where(small < 1.0, small, small - 1.0)
    near = ((v - (ROOT - 1.0)) - ROOT_REST) * rational(v, *AROUND_ROOT)
    far = xp.maximum(x, 3.0)
    inverse = 1.0 / far
    square = inverse * inverse
    beyond = xp.log(far) - 0.5 * inverse - square * polynomial(square, BEYOND)
    return xp.where(x < 3.0, near - xp.where(x < 1.0, 1.0 / xp.clip(x, 1e-300, 1.0), 0.0), beyond)


@double
def digamma(xp: Any, x: Any) -> Any:
    """Logarithmic derivative of gamma; left of 0 by reflection (DLMF 5.5.4), NaN at the poles other than 0."""
    size = xp.maximum(xp.abs(x), 1e-300)
    right = positive_digamma(xp, size)
    left = right + 1.0 / size + math.pi * cotpi(xp, size)
    pole = (x <= 0) & (x == xp.floor(x))
    result = xp.where(pole, math.nan, xp.where(x < 0, left, right))
    return xp.where(xp.abs(x) < 1e-300, _reciprocal_of_tiny(xp, x), result)


def _reciprocal_of_tiny(xp: Any, x: Any) -> Any:
    """Return ``-1 / x`` for ``|x| < 1e-300``, infinite once that overflows."""
    bounded = xp.clip(xp.abs(x), 5.6e-309, 1.0)
    return xp.copysign(xp.where(xp.abs(x) < 5.6e-309, math.inf, 1.0 / bounded), -x)


@double
def polygamma(xp: Any, n: Any, x: Any) -> Any:
    """Derivative of digamma of order ``n`` by DLMF 5.15.1, ``(-1)**(n + 1) n! zeta(n + 1, x)``; NaN for no integer."""
    defined = (n >= 0) & (n == xp.floor(n)) & (n <= LAST_ORDER)
    order = xp.clip(xp.where(defined, n, 1.0), 1.0, LAST_ORDER)
    sign = 2.0 * (order - 2.0 * xp.floor(0.5 * order)) - 1.0
    half, scaled = hurwitz_parts(xp, order + 1.0, x)
    p, q, d = positive_parts(xp, order + 1.0)
    half = bounded_product(xp, half, p)
    result = sign * bounded_product(xp, bounded_product(xp, scaled * q / d, half), half)
    result = xp.where(n == 0, digamma(xp, x), result)
    return xp.where(defined, result, math.nan)


unary(
    (
        "special.digamma",
        REAL_FLOAT,
        "Logarithmic derivative of the gamma function.",
        lambda g, y, x: (g * nx.special.polygamma(1.0, x),),
        digamma,
    ),
    (
        "special.psi",
        REAL_FLOAT,
        "Logarithmic derivative of the gamma function; another name of ``digamma``.",
        lambda g, y, x: (g * nx.special.polygamma(1.0, x),),
        digamma,
    ),
)

binary(
    (
        "special.polygamma",
        REAL_FLOAT,
        "Derivative of ``digamma`` of the integer order ``n``.",
        lambda g, y, n, x: (None, g * nx.special.polygamma(n + 1, x)),
        polygamma,
    ),
)
