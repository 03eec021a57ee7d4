"""Stirling's formula from 3 upwards, for every function built on the gamma function. Declares no op.

The remainder ``ln Gamma(z) - (z - 1/2) ln z + z - ln(2 pi) / 2`` is ``1 / (12 z) - 1 / (360 z**3) + ...`` (DLMF
5.11.1); that series diverges, so its first terms are replaced by the polynomial in ``1 / z**2`` which interpolates
the remainder at Chebyshev nodes of [0, 1/9].
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.ops.special.polynomial import polynomial

LOG_SQRT_TWO_PI = 0.5 * math.log(2 * math.pi)
SQRT_TWO_PI = math.sqrt(2 * math.pi)

REMAINDER = (
    *(0.0833333333333333, -0.0027777777777198706, 0.0007936507724234067, -0.0005952350113118343),
    *(0.0008415163778136668, -0.0019068288114279443, 0.006092364447572614, -0.023023388614372777),
    *(0.0813307211132798, -0.2070933006751568, 0.26180852870866445),
)
"""``z`` times the remainder in powers of ``1 / z**2`` for ``z >= 3``; within 4e-16."""


def remainder(z: Any) -> Any:
    """Return what the leading terms of Stirling's formula lack of ``ln Gamma(z)``, for ``z >= 3``."""
    inverse = 1.0 / z
    return inverse * polynomial(inverse * inverse, REMAINDER)


def remainder_fall(z: Any, p: Any) -> Any:
    """Return ``remainder(z) - remainder(z + p)`` to full relative precision, for ``z >= 3`` and ``p >= 0``.

    By Horner's rule on divided differences.
    """
    inverse, further = 1.0 / z, 1.0 / (z + p)
    gap = p * inverse * further
    u, v = inverse * inverse, further * further
    value, slope = 0.0 * u + REMAINDER[-1], 0.0
    for c in REMAINDER[-2::-1]:
        slope = slope * v + value
        value = value * u + c
    return gap * (value + further * (inverse + further) * slope)


def gamma_parts(xp: Any, z: Any) -> tuple[Any, Any]:
    """Return ``(p, q)`` with ``Gamma(z) = p * p * q`` for ``3 <= z <= 240``; no part leaves the range of float64."""
    return xp.pow(z, 0.5 * z - 0.25), SQRT_TWO_PI * xp.exp(-z) * xp.exp(remainder(z))
