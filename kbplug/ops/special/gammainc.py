"""The regularised incomplete gamma functions, computed in float64 by four methods, each where it converges fastest.

========================  =================================================================================
``a >= 12``, x near a     Temme's uniform expansion (Gil, Segura and Temme 2012), for ``|eta| <= 1``
``x < max(a, 3)``         the power series of the lower function, DLMF 8.7.1 with 8.5.1
``x >= max(a, 3)``        Legendre's continued fraction of the upper function, DLMF 8.9.2 (even part)
``a < 1``, ``x < 3``      the upper function from the alternating series DLMF 8.7.1, free of cancellation
========================  =================================================================================

Every element runs through all four, with arguments clamped to where the method holds; the counts of terms suit the
slowest element.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL_FLOAT, binary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.erf import scaled_tail
from kbplug.ops.special.forward import slopes
from kbplug.ops.special.gamma import near_gammaln, positive_parts
from kbplug.ops.special.logarithm import excess
from kbplug.ops.special.polynomial import fraction
from kbplug.ops.special.precision import bounded_power, double
from kbplug.ops.special.stirling import SQRT_TWO_PI, remainder

UNIFORM_FROM = 12.0
"""The smallest ``a`` of Temme's expansion."""
UNIFORM_TERMS = 34
SERIES_TERMS = 44
FRACTION_STEPS = 38
ALTERNATING_TERMS = 28
NO_UPPER_TAIL = 800.0
"""``exp(-x)`` is 0 from here on."""


def _expansion_coefficients(count: int) -> tuple[float, ...]:
    """Return the series of ``eta / (lambda - 1)`` in ``eta``, where ``eta**2 / 2 = lambda - 1 - ln lambda``.

    Those of ``lambda`` itself are DLMF 8.12.12.
    """
    alpha = [0.0, 1.0]
    for n in range(2, count + 2):
        product = sum(j * alpha[j] * alpha[n - j + 1] for j in range(2, n))
        alpha.append((alpha[n - 1] - product) / (n + 1))
    inverse = [1.0]
    for n in range(1, count):
        inverse.append(-sum(alpha[k + 1] * inverse[n - k] for k in range(1, n + 1)))
    return tuple(inverse)


EXPANSION = _expansion_coefficients(UNIFORM_TERMS + 2)


def uniform_sum(a: Any, eta: Any, coefficients: Any) -> Any:
    """Return ``S`` in ``Q = erfc(eta sqrt(a / 2)) / 2 + exp(-a eta**2 / 2) S / sqrt(2 pi a)``.

    Its series in ``eta`` follows backwards from the differential equation of ``Q``:
    ``beta[n - 1] = f[n] + (n + 1) beta[n + 1] / a``, and ``S = sum(beta[n] eta**n) / (1 + beta[1] / a)``.
    """
    inverse = 1.0 / a
    older = newer = 0.0
    total = 0.0 * eta
    for n in range(len(coefficients) - 1, 0, -1):
        older, newer = newer, coefficients[n] + (n + 1.0) * inverse * older
        total = total * eta + newer
    return total / (1.0 + older * inverse)


def _exponent(xp: Any, a: Any, x: Any) -> tuple[Any, Any]:
    """Return ``a phi`` and ``sqrt(phi)`` signed, with ``phi = (x - a) / a - ln(x / a)``, for ``a >= 12``."""
    phi, root = excess(xp, xp.maximum(x / a, 5e-324), (x - a) / a)
    return a * xp.minimum(phi, 1000.0 / a), root  # exp(-1000) is 0


def _small_power(xp: Any, a: Any, x: Any, less: float = 0.0) -> Any:
    """Return ``x**(a - less) exp(-x) / Gamma(a + 1)`` for ``a <= 12``."""
    p, q, d = positive_parts(xp, a + 1.0)
    bounded = xp.minimum(x, NO_UPPER_TAIL)
    return bounded_power(xp, bounded, a - less) * (xp.exp(-bounded) / p / p * d / q)


def _large_power(xp: Any, a: Any, exponent: Any) -> Any:
    """Return ``x**a exp(-x) / Gamma(a + 1)`` for ``a >= 12`` from the exponent."""
    return xp.exp(-exponent - remainder(a)) / (SQRT_TWO_PI * xp.sqrt(a))


def _uniform(xp: Any, a: Any, exponent: Any, root: Any) -> Any:
    """Return the smaller of lower and upper function by Temme's expansion."""
    eta = xp.clip(root * math.sqrt(2.0), -1.0, 1.0)
    correction = uniform_sum(a, eta, EXPANSION) / (SQRT_TWO_PI * xp.sqrt(a))
    distance = xp.where(root < 0, -root, root)  # unlike abs, it has a slope at 0
    tail = 0.5 * scaled_tail(xp, distance * xp.sqrt(a))
    return xp.exp(-exponent) * (tail + xp.where(root < 0, -correction, correction))


def _series(a: Any, x: Any) -> Any:
    """Return the lower function over the prefactor, ``1 + x / (a + 1) + x**2 / ((a + 1) (a + 2)) + ...``."""
    total = 1.0
    for k in range(SERIES_TERMS, 0, -1):
        total = 1.0 + x / (a + float(k)) * total
    return total


def upper_fraction(a: Any, x: Any) -> Any:
    """Return the upper function over the prefactor and ``a``."""
    start = x + 1.0 - a
    return 1.0 / (start + fraction(lambda k: (k * (a - float(k)), start + 2.0 * k), FRACTION_STEPS))


def _alternating(xp: Any, a: Any, x: Any) -> Any:
    """Return the upper function for ``a <= 1`` and ``x <= 3``, where the lower one may be nearly 1."""
    exponent = a * xp.log(x) - near_gammaln(a)
    power, total = 1.0, 0.0
    for n in range(1, ALTERNATING_TERMS + 1):
        power = power * (x * (-1.0 / n))
        total = total + power / (a + float(n))
    return -xp.expm1(exponent) - xp.exp(exponent) * a * total


def parts(xp: Any, a: Any, x: Any) -> tuple[Any, Any, Any]:
    """Return lower function, upper function and ``x**a exp(-x) / Gamma(a + 1)``, for positive finite arguments."""
    large = xp.maximum(a, UNIFORM_FROM)
    exponent, root = _exponent(xp, large, x)
    low = a < UNIFORM_FROM
    small = _small_power(xp, xp.minimum(a, UNIFORM_FROM), x)
    power = xp.where(low, small, _large_power(xp, large, exponent))

    middle = xp.maximum(a, 3.0)
    series = x < middle
    lower = power * _series(a, xp.minimum(x, middle))
    bounded = xp.minimum(a, 1e300)
    upper = power * bounded * upper_fraction(bounded, xp.maximum(xp.minimum(x, 1e300), xp.minimum(middle, 1e300)))
    alternating = _alternating(xp, xp.minimum(a, 1.0), xp.minimum(x, 3.0))

    near = ~low & (xp.abs(root) <= math.sqrt(0.5))
    tail = _uniform(xp, large, exponent, root)
    left = x < a
    below = xp.where(series, lower, 1.0 - upper)
    above = xp.where(series, xp.where(a < 1.0, alternating, 1.0 - lower), upper)
    below = xp.where(near, xp.where(left, tail, 1.0 - tail), below)
    above = xp.where(near, xp.where(left, 1.0 - tail, tail), above)
    return below, above, power


def ratios(xp: Any, a: Any, x: Any) -> tuple[Any, Any]:
    """Return the lower and the upper regularised function, with their limits at 0 and infinity."""
    inside = (a > 0) & (x > 0) & (a < math.inf) & (x < math.inf)
    a_inside, x_inside = xp.where(inside, a, 1.0), xp.where(inside, x, 1.0)
    lower, upper, _ = parts(xp, a_inside, x_inside)
    full = (a == 0) | (x == math.inf)
    defined = (a >= 0) & (x >= 0) & ((a > 0) | (x > 0)) & ((a < math.inf) | (x < math.inf))
    zero = lower * 0.0
    lower_end = xp.where(defined, xp.where(full, 1.0, zero), math.nan)
    upper_end = xp.where(defined, xp.where(full, zero, 1.0), math.nan)
    return xp.where(inside, lower, lower_end), xp.where(inside, upper, upper_end)


def _lower(xp: Any, a: Any, x: Any) -> Any:
    return ratios(xp, a, x)[0]


def density(xp: Any, a: Any, x: Any) -> Any:
    """Return ``x**(a - 1) exp(-x) / Gamma(a)``, with its limits at 0 and infinity."""
    inside = (a > 0) & (x > 0) & (a < math.inf) & (x < math.inf)
    a_inside, x_inside = xp.where(inside, a, 1.0), xp.where(inside, x, 1.0)
    low = xp.minimum(a_inside, UNIFORM_FROM)
    large = xp.maximum(a_inside, UNIFORM_FROM)
    small = _small_power(xp, low, x_inside, 1.0) * low
    exponent, _ = _exponent(xp, large, x_inside)
    power = _large_power(xp, large, exponent) * (large / xp.maximum(x_inside, 1e-300))
    result = xp.where(a_inside < UNIFORM_FROM, small, power)
    at_zero = xp.where(a == 1.0, 1.0, xp.where(a < 1.0, math.inf, result * 0.0))
    end = xp.where(x == 0, at_zero, xp.where(x > 0, result * 0.0, math.nan))
    return xp.where(inside, result, xp.where(a > 0, end, math.nan))


@double
def gammainc(xp: Any, a: Any, x: Any) -> Any:
    """Lower regularised incomplete gamma function."""
    return ratios(xp, a, x)[0]


@double
def gammaincc(xp: Any, a: Any, x: Any) -> Any:
    """Upper regularised incomplete gamma function."""
    return ratios(xp, a, x)[1]


slope = slopes("special.gammainc_slope", "Partial derivatives of the lower incomplete gamma function.", _lower, 2)


def _density_slope(g: Tensor, y: Tensor, a: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    safe = nx.where(x > 0, x, 1.0)
    return g * y * (nx.log(safe) - nx.special.digamma(a)), g * y * ((a - 1) / safe - 1)


def _gammainc_slope(g: Tensor, y: Tensor, a: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    return g * slope(a, x, orders=(1, 0)), g * nx.special.gamma_density(a, x)


binary(
    (
        "special.gammainc",
        REAL_FLOAT,
        "Lower regularised incomplete gamma function, the share of ``t**(a - 1) exp(-t)`` below ``x``.",
        _gammainc_slope,
        gammainc,
    ),
    (
        "special.gammaincc",
        REAL_FLOAT,
        "Upper regularised incomplete gamma function, the share of ``t**(a - 1) exp(-t)`` above ``x``.",
        lambda g, y, a, x: _gammainc_slope(-g, y, a, x),
        gammaincc,
    ),
    (
        "special.gamma_density",
        REAL_FLOAT,
        "Density of the gamma distribution, ``x**(a - 1) exp(-x) / Gamma(a)``.",
        _density_slope,
        double(density),
    ),
)
