"""The beta function, its logarithm, binomial coefficients and rising factorials for real arguments, in float64.

Quotients of gamma functions by Stirling's formula with its large terms cancelled on paper, as in DiDonato and Morris
1992; negative arguments by the reflection formula of each gamma function.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL_FLOAT, binary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.angle import sinpi
from kbplug.ops.special.gamma import FIRST, positive_gammaln, positive_parts
from kbplug.ops.special.precision import bounded_power, bounded_product, double
from kbplug.ops.special.stirling import LOG_SQRT_TWO_PI, remainder, remainder_fall

LARGE = 12.0
"""From here on both arguments are expanded by Stirling's formula, below only the larger one."""


def shifted(xp: Any, p: Any, q: Any) -> tuple[Any, Any]:
    """Return ``(r, f)`` with ``r >= 3`` and ``B(p, q) = f B(p, r)``, for ``0 < p <= q``."""
    low = q < 3.0
    t = p + q
    factor = t / q * ((t + 1.0) / (q + 1.0)) * ((t + 2.0) / (q + 2.0))
    return xp.where(low, q + 3.0, q), xp.where(low, factor, 1.0)


def deviation(xp: Any, p: Any, q: Any) -> Any:
    """Return ``ln(q**p Gamma(q) / Gamma(p + q))``, which is small, for ``p <= 12`` and ``q >= 3``."""
    return p - (p + q - 0.5) * xp.log1p(p / q) + remainder_fall(q, p)


def _log_large(xp: Any, p: Any, q: Any) -> tuple[Any, Any]:
    """Return ``ln(B(p, q) sqrt(q / (2 pi)))`` for ``12 <= p <= q`` as a small and a large part."""
    small = remainder(p) + remainder(q) - remainder(p + q)
    return small, -(p - 0.5) * xp.log1p(q / p) - q * xp.log1p(p / q)


def positive_betaln(xp: Any, p: Any, q: Any) -> Any:
    """Return ``ln B(p, q)`` for finite ``0 < p <= q``."""
    low = xp.minimum(p, LARGE)
    r, factor = shifted(xp, p, q)
    small = positive_gammaln(xp, low) - low * xp.log(r) + (deviation(xp, low, r) + xp.log(factor))
    high, top = xp.maximum(p, LARGE), xp.maximum(q, LARGE)
    rest, main = _log_large(xp, high, top)
    return xp.where(p < LARGE, small, main + (rest + LOG_SQRT_TWO_PI - 0.5 * xp.log(top)))


def positive_beta(xp: Any, p: Any, q: Any) -> Any:
    """Return ``B(p, q)`` for finite ``0 < p <= q``; infinite for the smallest subnormal ``p``."""
    low = xp.clip(p, FIRST, LARGE)
    r, factor = shifted(xp, low, xp.maximum(q, low))
    first, second, d = positive_parts(xp, low)
    small = bounded_product(xp, xp.pow(r, -low) * xp.exp(deviation(xp, low, r)) * factor * first, first * second / d)
    high, top = xp.maximum(p, LARGE), xp.maximum(q, LARGE)
    rest, main = _log_large(xp, high, top)
    large = xp.exp(main) * xp.exp(rest) * xp.sqrt(2 * math.pi / top)
    return xp.where(p < FIRST, math.inf, xp.where(p < LARGE, small, large))


def _nonzero(xp: Any, x: Any) -> Any:
    return xp.where(x == 0, 1.0, x)


def _weight(xp: Any, low: Any, high: Any) -> Any:
    """Return the ``w`` of ``_reflected`` for ``low < 0``, by DLMF 5.5.3 for each gamma function left of 0."""
    total = low + high
    sine_low, sine_high, sine_total = (sinpi(xp, x) for x in (low, high, total))
    parity = 1.0 - 2.0 * (high - 2.0 * xp.floor(0.5 * high))
    crossing = xp.where(sine_low == 0, parity, sine_total / _nonzero(xp, sine_low))
    quotient = math.pi / _nonzero(xp, sine_low)
    beyond = quotient / xp.where(high > 0, high, 1.0)
    both = quotient * sine_total / (_nonzero(xp, sine_high) * (1.0 - xp.minimum(total, 0.0)))
    weight = xp.where(high < 0, both, xp.where(total < 1.0, crossing, beyond))
    cancelled = (high > 0) & (total < 1.0) & (sine_high == 0)
    pole = (high == 0) | ((sine_low == 0) & ~cancelled) | ((high < 0) & (sine_high == 0))
    return xp.where(pole, math.inf, weight)


def _reflected(xp: Any, a: Any, b: Any) -> tuple[Any, Any, Any, Any]:
    """Return ``(p, q, w, inverse)`` with ``B(a, b) = w B(p, q)``, or ``w / B(p, q)`` where ``inverse``.

    The arguments are finite and ``0 < p <= q``. ``w`` is infinite at a pole, and 0 where only ``Gamma(a + b)`` has one;
    where the poles of a negative and a positive integer cancel, it is the limit along the former.
    """
    low, high = xp.minimum(a, b), xp.maximum(a, b)
    left = low <= 0
    below = xp.where(left, low, -0.5)
    above = xp.where(left, high, 0.25)
    total = below + above
    inverse = left & ((above < 0) | (total >= 1.0))
    p = xp.where(left, xp.where(inverse, 1.0 - below, above), low)
    q = xp.where(left, xp.where(above < 0, 1.0 - above, xp.where(inverse, total, 1.0 - total)), high)
    p = xp.where(above == 0, 1.0, p)
    weight = xp.where(left, _weight(xp, below, above), 1.0)
    return xp.minimum(p, q), xp.maximum(p, q), xp.where(low == 0, math.inf, weight), inverse


def _finite(xp: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    finite = xp.isfinite(a) & xp.isfinite(b)
    return finite, xp.where(finite, a, 1.0), xp.where(finite, b, 1.0)


def _signed_power(xp: Any, weight: Any, exponent: Any) -> Any:
    """Return ``weight * exp(exponent)``, infinite without a warning where it overflows."""
    top = xp.exp(xp.clip(exponent - 700.0, 0.0, 700.0))
    return bounded_product(xp, weight * xp.exp(xp.minimum(exponent, 700.0)), top)


def log_value(xp: Any, a: Any, b: Any) -> Any:
    """Return ``ln |B(a, b)|`` for any real arguments."""
    finite, a_finite, b_finite = _finite(xp, a, b)
    p, q, weight, inverse = _reflected(xp, a_finite, b_finite)
    log = positive_betaln(xp, p, q)
    size = xp.abs(weight)
    shift = xp.where(size > 0, xp.log(_nonzero(xp, size)), -math.inf)
    result = xp.where(finite, shift + xp.where(inverse, -log, log), math.nan)
    return xp.where(~finite & (a > 0) & (b > 0), -math.inf, result)


def value(xp: Any, a: Any, b: Any) -> Any:
    """Return ``B(a, b)`` for any real arguments."""
    finite, a_finite, b_finite = _finite(xp, a, b)
    p, q, weight, inverse = _reflected(xp, a_finite, b_finite)
    log = positive_betaln(xp, p, q)
    mirrored = _signed_power(xp, weight, xp.where(inverse, -log, log))
    result = xp.where((a > 0) & (b > 0), positive_beta(xp, p, q), mirrored)
    result = xp.where(finite, result, math.nan)
    return xp.where(~finite & (a > 0) & (b > 0), 0.0, result)


@double
def beta(xp: Any, a: Any, b: Any) -> Any:
    """Beta function."""
    return value(xp, a, b)


@double
def betaln(xp: Any, a: Any, b: Any) -> Any:
    """Logarithm of the absolute beta function."""
    return log_value(xp, a, b)


@double
def binom(xp: Any, n: Any, k: Any) -> Any:
    """Binomial coefficient ``1 / ((n + 1) B(n - k + 1, k + 1))``, an integer for integers: exact below 1e13."""
    finite, n, k = _finite(xp, n, k)
    whole = (n == xp.floor(n)) & (k == xp.floor(k))
    outside = whole & ((k < 0) | (k > n))
    undefined = ~finite | ((n < 0) & (n == xp.floor(n)))
    n, k = xp.where(undefined | outside, 1.0, n), xp.where(undefined | outside, 1.0, k)
    inverse = value(xp, n - (k - 1.0), k + 1.0) * (n + 1.0)
    result = xp.where(inverse == 0, math.inf, 1.0 / _nonzero(xp, inverse))
    result = xp.where(whole, xp.round(result), result)
    return xp.where(undefined, math.nan, xp.where(outside, 0.0, result))


def _positive_rise(xp: Any, z: Any, m: Any) -> Any:
    """Return ``Gamma(z + m) / Gamma(z)`` for finite positive arguments."""
    p, q = xp.minimum(z, m), xp.maximum(z, m)
    low = xp.minimum(p, LARGE)
    r, factor = shifted(xp, low, xp.maximum(q, low))
    direct = (p < LARGE) & ((m <= z) | (m <= 170.0))
    rise = bounded_power(xp, r, low) * (xp.exp(-deviation(xp, low, r)) / factor)  # Gamma(p + q) / Gamma(q)
    swapped = direct & (m > z)
    first, second, d = positive_parts(xp, xp.where(swapped, m, 1.0))
    first_z, second_z, d_z = positive_parts(xp, xp.where(swapped, z, 1.0))
    quotient = first * second / d * (d_z / second_z / first_z / first_z)
    rise = bounded_product(xp, xp.where(swapped, rise * quotient, rise), xp.where(swapped, first, 1.0))
    log = positive_gammaln(xp, m) - positive_betaln(xp, p, q)
    return xp.where(direct, rise, _signed_power(xp, 1.0, xp.where(direct, 0.0, log)))


@double
def poch(xp: Any, z: Any, m: Any) -> Any:
    """Rising factorial; for a negative ``m`` the reciprocal of that from ``z + m``, left of 0 by reflection."""
    finite, z, m = _finite(xp, z, m)
    fall = m < 0
    start, size = xp.where(fall, z + m, z), xp.abs(m)
    end = xp.where(fall, z, start + size)
    left = (start <= 0) & (end <= 0)
    rise = _positive_rise(xp, xp.where(left, 1.0 - end, xp.where(start > 0, start, 1.0)), xp.where(size > 0, size, 1.0))
    sine, sine_end = sinpi(xp, start), sinpi(xp, end)
    parity = 1.0 - 2.0 * (size - 2.0 * xp.floor(0.5 * size))
    weight = xp.where(sine_end == 0, xp.where(sine == 0, parity, math.inf), sine / _nonzero(xp, sine_end))
    crossing = (start <= 0) & ~left
    above = xp.where(crossing, 1.0 - start, 1.0)
    log = positive_gammaln(xp, above) + positive_gammaln(xp, xp.where(crossing, end, 1.0))
    across = _signed_power(xp, sine / math.pi, log)
    result = xp.where(left, weight * rise, xp.where(crossing, across, rise))
    result = xp.where(size == 0, 1.0, result)
    inverse = xp.where(result == 0, math.inf, 1.0 / _nonzero(xp, result))
    return xp.where(finite, xp.where(fall, inverse, result), math.nan)


def _beta_slope(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    psi = nx.special.digamma
    both = psi(a + b)
    return g * y * (psi(a) - both), g * y * (psi(b) - both)


def _betaln_slope(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    psi = nx.special.digamma
    both = psi(a + b)
    return g * (psi(a) - both), g * (psi(b) - both)


def _binom_slope(g: Tensor, y: Tensor, n: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    psi = nx.special.digamma
    rest = psi(n - k + 1)
    return g * y * (psi(n + 1) - rest), g * y * (rest - psi(k + 1))


def _poch_slope(g: Tensor, y: Tensor, z: Tensor, m: Tensor) -> tuple[Tensor, Tensor]:
    psi = nx.special.digamma
    end = psi(z + m)
    return g * y * (end - psi(z)), g * y * end


binary(
    ("special.beta", REAL_FLOAT, "Beta function ``Gamma(a) Gamma(b) / Gamma(a + b)``.", _beta_slope, beta),
    ("special.betaln", REAL_FLOAT, "Logarithm of the absolute value of ``beta``.", _betaln_slope, betaln),
    ("special.binom", REAL_FLOAT, "Binomial coefficient ``x1`` over ``x2``, for real numbers.", _binom_slope, binom),
    ("special.poch", REAL_FLOAT, "Rising factorial ``Gamma(x1 + x2) / Gamma(x1)``.", _poch_slope, poch),
)
