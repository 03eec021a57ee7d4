"""The regularised incomplete beta functions, computed in float64 by three methods, each where it converges fastest.

=======================  ====================================================================================
``p >= 40``, x central   Temme's uniform expansion (Temme 1992; the recurrence of ``gammainc``)
``p < 1``, x small       the complement by the power series DLMF 8.17.7, free of cancellation
elsewhere                the even part of the continued fraction DLMF 8.17.22 (Didonato and Morris 1992, section 3)
=======================  ====================================================================================

With ``p`` the smaller parameter, ``q`` the larger, and ``x`` counted from the side of ``p``; the symmetry
``I(x; a, b) = 1 - I(1 - x; b, a)`` does the rest. Every element runs through all three.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL_FLOAT, ternary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.beta import LARGE, deviation, shifted
from kbplug.ops.special.erf import scaled_tail
from kbplug.ops.special.forward import slopes
from kbplug.ops.special.gamma import near_gammaln, positive_parts
from kbplug.ops.special.gammainc import uniform_sum
from kbplug.ops.special.logarithm import excess, near_ratio
from kbplug.ops.special.polynomial import fraction, polynomial
from kbplug.ops.special.precision import bounded_power, double
from kbplug.ops.special.stirling import SQRT_TWO_PI, remainder

UNIFORM_FROM = 40.0
"""The smallest ``p`` of Temme's expansion."""
UNIFORM_REACH = 0.2
"""Its largest ``|theta|``."""
UNIFORM_TERMS = 16
FRACTION_STEPS = 34
SERIES_TERMS = 48


def _times(a: Sequence[float], b: Sequence[float]) -> list[float]:
    """Return the product of two polynomials."""
    product = [0.0] * (len(a) + len(b) - 1)
    for i, u in enumerate(a):
        for j, v in enumerate(b):
            product[i + j] += u * v
    return product


def _plus(a: Sequence[float], b: Sequence[float], factor: float = 1.0) -> list[float]:
    """Return ``a + factor b`` for two polynomials."""
    size = max(len(a), len(b))
    return [x + factor * y for x, y in zip(*([*c, *[0.0] * (size - len(c))] for c in (a, b)), strict=True)]


def _expansion_coefficients(count: int) -> list[list[float]]:
    """Return the series of ``theta / mu`` in ``theta``; each coefficient is a polynomial in ``kappa``.

    ``mu`` solves ``mu mu' = theta (1 + mu) (1 - kappa mu)`` with ``mu = theta + ...``. From the series of its square,
    which that equation gives term by term, follow its own and that of the quotient.
    """
    mu, square = [[0.0], [1.0]], [[0.0], [0.0], [1.0]]
    for n in range(3, count + 2):
        linear = _times([1.0, -1.0], mu[n - 2])
        square.append([2.0 / n * c for c in _plus(linear, [0.0, *square[n - 2]], -1.0)])
        known = [0.0]
        for j in range(2, n - 1):
            known = _plus(known, _times(mu[j], mu[n - j]))
        mu.append([0.5 * c for c in _plus(square[n], known, -1.0)])
    quotient = [[1.0]]
    for n in range(1, count):
        terms = [0.0]
        for k in range(1, n + 1):
            terms = _plus(terms, _times(mu[k + 1], quotient[n - k]), -1.0)
        quotient.append(terms)
    return quotient


EXPANSION = _expansion_coefficients(UNIFORM_TERMS)


def _power(xp: Any, p: Any, q: Any, x: Any, y: Any, less: float = 0.0) -> tuple[Any, Any, Any]:
    """Return ``x**(p - less) y**(q - less) / (p B(p, q))``, and two numbers that the expansion needs too.

    They are ``lead = p y - q x``, the distance from the mode, and the exponent there. Two forms as in ``beta``: powers
    for ``p < 12``, beyond the exponential.
    """
    low, high = xp.minimum(p, LARGE), xp.maximum(p, LARGE)
    top = xp.maximum(q, high)
    r, factor = shifted(xp, low, xp.maximum(q, low))
    first, second, d = positive_parts(xp, low + 1.0)
    log_y = xp.where(y < 0.5, xp.log(y), xp.log1p(-xp.where(y < 0.5, 0.0, x)))
    small = bounded_power(xp, xp.minimum(r * x, 1e4), low - less) * xp.exp((q - less) * log_y - deviation(xp, low, r))
    small = small / factor * d / (first * first * second) * (r if less else 1.0)
    total = high + top
    lead = high * y - top * x
    fall, _ = excess(xp, x * (total / high), -lead / high)
    rise, _ = excess(xp, y * (total / top), lead / top)
    exponent = high * fall + top * rise
    rest = remainder(total) - remainder(high) - remainder(top)
    large = xp.exp(rest - exponent) / (SQRT_TWO_PI * xp.sqrt(high + high * (high / top)))
    large = large / xp.maximum(x * y, 1e-300) if less else large
    return xp.where(p < LARGE, small, large), exponent, lead


def _central(xp: Any, p: Any, q: Any, lead: Any, exponent: Any) -> tuple[Any, Any]:
    """Return the smaller of both functions by Temme's expansion, and whether ``x`` is central enough; ``p >= 40``."""
    kappa = p / q
    mu = xp.clip(-lead / p, -0.5, 0.5)
    theta = mu * xp.sqrt(2.0 * (near_ratio(mu) + kappa * near_ratio(-kappa * mu)) / (1.0 + kappa))
    near = xp.abs(theta) <= UNIFORM_REACH
    theta = xp.clip(theta, -UNIFORM_REACH, UNIFORM_REACH)
    scale = p * (1.0 + kappa)
    coefficients = [c[0] if len(c) == 1 else polynomial(kappa, c) for c in EXPANSION]
    correction = uniform_sum(scale, theta, coefficients) / (SQRT_TWO_PI * xp.sqrt(scale))
    distance = xp.where(theta < 0, -theta, theta)  # unlike abs, it has a slope at 0
    tail = 0.5 * scaled_tail(xp, distance * xp.sqrt(0.5 * scale))
    return xp.exp(-exponent) * (tail + xp.where(theta < 0, -correction, correction)), near


def _fraction(a: Any, b: Any, x: Any, y: Any) -> Any:
    """Return ``I(x; a, b)`` over ``x**a y**b / (a B(a, b))``."""
    lead = a * y - b * x

    def partial(n: int) -> tuple[Any, Any]:
        middle = a + (2.0 * n - 1.0)
        step = (b - float(n)) * x * (n / middle)
        lead_share = ((a + (n - 1.0)) if n > 1 else 1.0) / middle
        return lead_share * ((a + b + (n - 1.0)) * x) * step, n + step + (a + float(n)) / (middle + 2.0) * (
            lead + 1.0 + n * (1.0 + y)
        )

    return 1.0 / ((lead + 1.0) / (a + 1.0) + fraction(partial, FRACTION_STEPS))


def _complement(xp: Any, p: Any, q: Any, x: Any) -> Any:
    """Return ``1 - I(x; p, q)`` for ``p <= 1`` and small ``x``, where ``I`` may be nearly 1."""
    r, _ = shifted(xp, p, q)
    shift = xp.log1p(p / q) + xp.log1p(p / (q + 1.0)) + xp.log1p(p / (q + 2.0))
    exponent = p * xp.log(r * x) - near_gammaln(p) - deviation(xp, p, r) - xp.where(q < 3.0, shift, 0.0)
    term, total = 1.0, 0.0
    for n in range(1, SERIES_TERMS + 1):
        term = term * ((float(n) - q) * x * (1.0 / n))
        total = total + term / (p + float(n))
    return -xp.expm1(exponent) - xp.exp(exponent) * p * total


def parts(xp: Any, p: Any, q: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """Return ``I(x; p, q)``, its complement and ``x**p y**q / (p B(p, q))``, for ``p <= q`` and ``x + y = 1``."""
    power, exponent, lead = _power(xp, p, q, x, y)
    border = (p + 3.0) / (p + q + 6.0)
    first = x <= border
    a, b = xp.where(first, p, q), xp.where(first, q, p)
    share = power * (p / a) * _fraction(a, b, xp.where(first, x, y), xp.where(first, y, x))
    small = xp.minimum(p, 1.0)
    rest = _complement(xp, small, xp.maximum(q, small), xp.minimum(x, (small + 3.0) / (small + q + 6.0)))
    high = xp.maximum(p, UNIFORM_FROM)
    tail, near = _central(xp, high, xp.maximum(q, high), lead, exponent)
    near = near & (p >= UNIFORM_FROM)
    left = lead > 0
    below = xp.where(first, share, 1.0 - share)
    above = xp.where(first, xp.where(p < 1.0, rest, 1.0 - share), share)
    below = xp.where(near, xp.where(left, tail, 1.0 - tail), below)
    above = xp.where(near, xp.where(left, 1.0 - tail, tail), above)
    return below, above, power


def ratios(xp: Any, a: Any, b: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Return the lower and the upper regularised function of ``x`` and ``y = 1 - x``, with their limits at the ends."""
    inside = (a > 0) & (b > 0) & (x > 0) & (y > 0) & (a < math.inf) & (b < math.inf)
    a_inside, b_inside = xp.where(inside, a, 1.0), xp.where(inside, b, 1.0)
    x_inside, y_inside = xp.where(inside, x, 0.5), xp.where(inside, y, 0.5)
    kept = a_inside <= b_inside
    p, q = xp.minimum(a_inside, b_inside), xp.maximum(a_inside, b_inside)
    near, far, _ = parts(xp, p, q, xp.where(kept, x_inside, y_inside), xp.where(kept, y_inside, x_inside))
    lower, upper = xp.where(kept, near, far), xp.where(kept, far, near)
    none = (x == 0) | (b == 0) | (a == math.inf)
    full = (y == 0) | (a == 0) | (b == math.inf)
    defined = (a >= 0) & (b >= 0) & (x >= 0) & (y >= 0) & ((a > 0) | (b > 0))
    defined = defined & ((x == 0) | (y == 0) | ~(none & full))
    full = full & (x != 0)
    lower_end = xp.where(full, 1.0, 0.0 * x_inside)
    return (
        xp.where(inside, lower, xp.where(defined, lower_end, math.nan)),
        xp.where(inside, upper, xp.where(defined, 1.0 - lower_end, math.nan)),
    )


def _lower(xp: Any, a: Any, b: Any, x: Any) -> Any:
    return ratios(xp, a, b, x, 1.0 - x)[0]


@double
def betainc(xp: Any, a: Any, b: Any, x: Any) -> Any:
    """Lower regularised incomplete beta function."""
    return _lower(xp, a, b, x)


@double
def betaincc(xp: Any, a: Any, b: Any, x: Any) -> Any:
    """Upper regularised incomplete beta function."""
    return ratios(xp, a, b, x, 1.0 - x)[1]


@double
def density(xp: Any, a: Any, b: Any, x: Any) -> Any:
    """``x**(a - 1) (1 - x)**(b - 1) / B(a, b)``, with its limits at 0 and 1; NaN beyond them."""
    y = 1.0 - x
    defined = (a > 0) & (b > 0) & (a < math.inf) & (b < math.inf) & (x >= 0) & (y >= 0)
    inside = defined & (x > 0) & (y > 0)
    a_inside, b_inside = xp.where(inside, a, 1.0), xp.where(inside, b, 1.0)
    x_inside, y_inside = xp.where(inside, x, 0.5), xp.where(inside, y, 0.5)
    kept = a_inside <= b_inside
    p, q = xp.minimum(a_inside, b_inside), xp.maximum(a_inside, b_inside)
    power, _, _ = _power(xp, p, q, xp.where(kept, x_inside, y_inside), xp.where(kept, y_inside, x_inside), 1.0)
    near, far = xp.where(x == 0, a, b), xp.where(x == 0, b, a)
    end = xp.where(near < 1.0, math.inf, xp.where(near > 1.0, 0.0, far))
    return xp.where(inside, p * power, xp.where(defined, end, math.nan))


slope = slopes("special.betainc_slope", "Partial derivatives of the lower incomplete beta function.", _lower, 3)


def _betainc_slope(g: Tensor, y: Tensor, a: Tensor, b: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    by_a, by_b = slope(a, b, x, orders=(1, 0, 0)), slope(a, b, x, orders=(0, 1, 0))
    return g * by_a, g * by_b, g * nx.special.beta_density(a, b, x)


def _density_slope(g: Tensor, y: Tensor, a: Tensor, b: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    psi = nx.special.digamma
    both, inside = psi(a + b), (x > 0) & (x < 1)
    x = nx.where(inside, x, 0.5)
    by_a = nx.where(inside, nx.log(x) + both - psi(a), 0.0)
    by_b = nx.where(inside, nx.log1p(-x) + both - psi(b), 0.0)
    return g * y * by_a, g * y * by_b, g * y * ((a - 1) / x - (b - 1) / (1 - x))


ternary(
    (
        "special.betainc",
        REAL_FLOAT,
        "Lower regularised incomplete beta function, the share of ``t**(a - 1) (1 - t)**(b - 1)`` below ``x``.",
        _betainc_slope,
        betainc,
    ),
    (
        "special.betaincc",
        REAL_FLOAT,
        "Upper regularised incomplete beta function, the share of ``t**(a - 1) (1 - t)**(b - 1)`` above ``x``.",
        lambda g, y, a, b, x: _betainc_slope(-g, y, a, b, x),
        betaincc,
    ),
    (
        "special.beta_density",
        REAL_FLOAT,
        "Density of the beta distribution, ``x**(a - 1) (1 - x)**(b - 1) / B(a, b)``.",
        _density_slope,
        density,
    ),
)
