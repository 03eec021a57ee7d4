"""Inverses of the incomplete gamma and beta functions, computed in float64.

Newton's method with Halley's correction on the logarithm of the smaller tail, as a function of ``log x`` or
``logit x``, where it is concave: it converges from any start, and from the starts below in four or five steps.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL_FLOAT, binary, ternary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special import betainc, gammainc
from kbplug.ops.special.beta import positive_betaln
from kbplug.ops.special.gamma import positive_gammaln
from kbplug.ops.special.precision import double
from kbplug.ops.special.quantile import normal_quantile

GAMMA_STEPS = 4
BETA_STEPS = 5
LOWEST = -690.0
"""Below this logarithm a quantile is its leading term, and the iteration is not needed."""


def _step(xp: Any, value: Any, target: Any, rate: Any, bend: Any) -> Any:
    """Return how far to move in the iteration's variable.

    ``value`` should become ``target``; ``rate`` is its logarithmic derivative, and ``bend`` that of ``rate * value``.
    """
    rate = xp.where(xp.abs(rate) < 1e-290, xp.sign(rate), rate)  # underflow far from the goal: the sign still helps
    rate = xp.where(rate == 0, 1.0, rate)
    newton = xp.log(value / target) / rate
    move = newton / xp.maximum(1.0 - 0.5 * newton * (bend - rate), 0.5)
    return xp.clip(move, -20.0, 20.0)


def _logs(xp: Any, p: Any, q: Any) -> tuple[Any, Any, Any]:
    """Return the logarithms of complementary probabilities, and the normal quantile of ``p``."""
    lower, tail = p <= q, xp.minimum(p, q)
    small, large = xp.log(tail), xp.log1p(-tail)
    quantile = normal_quantile(xp, xp.where(lower, p - 0.5, 0.5 - q), 2.0 * tail)
    return xp.where(lower, small, large), xp.where(lower, large, small), quantile


def _gamma_start(xp: Any, a: Any, p: Any, q: Any) -> tuple[Any, Any]:
    """Return a start for ``log x``, and the leading term at 0.

    Deep in the upper tail it is the asymptotic one, DLMF 8.11.2 solved twice for ``x``; else Wilson and Hilferty's for
    ``a >= 1``, and the leading term below.
    """
    log_p, log_q, z = _logs(xp, p, q)
    log_gamma = positive_gammaln(xp, a)
    low = (log_p + log_gamma + xp.log(a)) / a
    large = xp.maximum(a, 1.0)
    cube = xp.maximum(1.0 - 1.0 / (9.0 * large) + z / (3.0 * xp.sqrt(large)), 1e-3)
    middle = xp.maximum(xp.log(large) + 3.0 * xp.log(cube), low)
    shallow = xp.where((a >= 1.0) & (cube > 0.25), middle, low)
    depth = -(log_q + log_gamma)
    deep = depth > xp.where(a < 1.0, 1.5, 3.0 * a)
    depth, bounded = xp.where(deep, depth, 1.5), xp.where(deep, a, 1.0)
    far = depth + (bounded - 1.0) * xp.log(depth)
    far = depth + (bounded - 1.0) * xp.log(far)
    return xp.where(deep, xp.log(far), shallow), low


def gamma_quantile(xp: Any, a: Any, p: Any, q: Any) -> Any:
    """Return the ``x`` whose lower incomplete gamma function is ``p = 1 - q``, for ``0 < p < 1`` and ``a > 0``."""
    start, low = _gamma_start(xp, a, p, q)
    x = xp.exp(xp.clip(start, LOWEST, 700.0))
    lower, target = p <= q, xp.minimum(p, q)
    for _ in range(GAMMA_STEPS):
        below, above, power = gammainc.parts(xp, a, x)
        value = xp.maximum(xp.where(lower, below, above), 1e-320)
        power = xp.maximum(power, 1e-300)
        rate = xp.where(lower, power, -power) * a / value
        x = xp.clip(x * xp.exp(-_step(xp, value, target, rate, a - x)), 1e-300, 1e300)
    return xp.where(low < LOWEST, xp.exp(xp.clip(low, -800.0, 0.0)), x)


def _logit_of(xp: Any, log: Any) -> Any:
    """Return ``logit(exp(log))``, and 3 from a logarithm of almost 0 on."""
    inside = xp.minimum(log, -0.05)
    return xp.where(log < -0.05, inside - xp.log(-xp.expm1(inside)), 3.0)


def _abramowitz(xp: Any, a: Any, b: Any, z: Any) -> Any:
    """Return Abramowitz and Stegun 26.5.22 as a logit, for a normal quantile ``z`` and parameters of at least 1."""
    by_a, by_b = (1.0 / (2.0 * xp.maximum(c, 1.0001) - 1.0) for c in (a, b))
    curve, h = (z * z - 3.0) / 6.0, 2.0 / (by_a + by_b)
    w = -z * xp.sqrt(xp.maximum(h + curve, 0.0)) / h - (by_b - by_a) * (curve + 5 / 6 - 2.0 / (3.0 * h))
    return xp.log(a / b) - 2.0 * w


def _beta_start(xp: Any, a: Any, b: Any, p: Any, q: Any) -> tuple[Any, Any, Any]:
    """Return a start for ``logit x`` where ``a <= b``, and the leading terms of ``log x`` at 0 and ``log(1 - x)`` at 1.

    For parameters that are large, or at least 1 and not far apart, it is Abramowitz and Stegun's, between the bounds
    that the leading terms are then; for two below 1 the nearer leading term; for all others that of the gamma function.
    """
    log_p, log_q, z = _logs(xp, p, q)
    log_beta = positive_betaln(xp, a, b)
    low, high = (log_p + xp.log(a) + log_beta) / a, (log_q + xp.log(b) + log_beta) / b
    left, right = _logit_of(xp, low), -_logit_of(xp, high)
    middle = xp.maximum(xp.minimum(_abramowitz(xp, a, b, z), right), left)
    gamma, _ = _gamma_start(xp, a, p, q)
    ratio = xp.exp(xp.minimum(gamma - xp.log(xp.maximum(b, 1.0) + 0.5 * (a - 1.0)), 6.5))
    skewed = xp.maximum(xp.log(xp.expm1(xp.maximum(ratio, 1e-300))), low)
    skewed = xp.where(high < -2.0, right, xp.where((a < 1.0) & (high < -0.05), xp.maximum(skewed, right), skewed))
    close = (a >= 10.0) | ((a >= 1.0) & (b <= 8.0 * a))
    start = xp.where(close, middle, xp.where(b >= 1.0, skewed, xp.where(low < high, left, right)))
    return start, low, high


def beta_quantile(xp: Any, a: Any, b: Any, p: Any, q: Any) -> tuple[Any, Any]:
    """Return ``x`` and ``1 - x`` where the lower incomplete beta function is ``p = 1 - q``, for ``0 < a <= b``."""
    start, low, high = _beta_start(xp, a, b, p, q)
    start = xp.clip(start, LOWEST, -LOWEST)
    small = xp.exp(-xp.abs(start))
    x, y = (xp.where(s, small, 1.0) / (1.0 + small) for s in (start < 0, start >= 0))
    lower, target = p <= q, xp.minimum(p, q)
    for _ in range(BETA_STEPS):
        below, above, power = betainc.parts(xp, a, b, x, y)
        value = xp.maximum(xp.where(lower, below, above), 1e-320)
        power = xp.maximum(power, 1e-300)
        rate = xp.where(lower, power, -power) * a / value
        factor = xp.exp(-_step(xp, value, target, rate, a * y - b * x))
        total = y + x * factor
        x, y = xp.maximum(x * factor / total, 1e-300), xp.maximum(y / total, 1e-300)
    at_zero, at_one = low < LOWEST, high < LOWEST
    x = xp.where(at_zero, xp.exp(xp.clip(low, -800.0, 0.0)), xp.where(at_one, 1.0, x))
    return x, xp.where(at_one, xp.exp(xp.clip(high, -800.0, 0.0)), xp.where(at_zero, 1.0, y))


def gamma_inverse(xp: Any, a: Any, p: Any, q: Any) -> Any:
    """Return ``gamma_quantile``, with its limits at ``p`` of 0 and 1; NaN for what is no parameter or probability."""
    inside = (p > 0) & (q > 0) & (a > 0) & (a < math.inf)
    half = xp.where(inside, p, 0.5), xp.where(inside, q, 0.5)
    result = xp.where(inside, gamma_quantile(xp, xp.where(inside, a, 1.0), *half), math.nan)
    defined = (a > 0) & (a < math.inf)
    return xp.where(defined & (p == 0), 0.0, xp.where(defined & (q == 0), math.inf, result))


def beta_inverse(xp: Any, a: Any, b: Any, p: Any, q: Any) -> tuple[Any, Any]:
    """Return ``beta_quantile`` for parameters in any order, with its limits at ``p`` of 0 and 1."""
    defined = (a > 0) & (b > 0) & (a < math.inf) & (b < math.inf)
    inside = defined & (p > 0) & (q > 0)
    a, b = xp.where(inside, a, 1.0), xp.where(inside, b, 1.0)
    p_inside, q_inside = xp.where(inside, p, 0.5), xp.where(inside, q, 0.5)
    kept = a <= b
    shares = xp.where(kept, p_inside, q_inside), xp.where(kept, q_inside, p_inside)
    near, far = beta_quantile(xp, xp.minimum(a, b), xp.maximum(a, b), *shares)
    x, y = xp.where(kept, near, far), xp.where(kept, far, near)
    x, y = xp.where(inside, x, math.nan), xp.where(inside, y, math.nan)
    none, full = defined & (p == 0), defined & (q == 0)
    return xp.where(none, 0.0, xp.where(full, 1.0, x)), xp.where(none, 1.0, xp.where(full, 0.0, y))


@double
def gammaincinv(xp: Any, a: Any, p: Any) -> Any:
    """Inverse of ``gammainc``."""
    return gamma_inverse(xp, a, p, 1.0 - p)


@double
def gammainccinv(xp: Any, a: Any, q: Any) -> Any:
    """Inverse of ``gammaincc``."""
    return gamma_inverse(xp, a, 1.0 - q, q)


@double
def betaincinv(xp: Any, a: Any, b: Any, p: Any) -> Any:
    """Inverse of ``betainc``."""
    return beta_inverse(xp, a, b, p, 1.0 - p)[0]


@double
def betainccinv(xp: Any, a: Any, b: Any, q: Any) -> Any:
    """Inverse of ``betaincc``."""
    return beta_inverse(xp, a, b, 1.0 - q, q)[0]


def _gamma_slope(g: Tensor, y: Tensor, a: Tensor, p: Tensor, sign: float = 1.0) -> tuple[Tensor, Tensor]:
    density = nx.special.gamma_density(a, y)
    return -g * gammainc.slope(a, y, orders=(1, 0)) / density, g * sign / density


def _beta_slope(
    g: Tensor, y: Tensor, a: Tensor, b: Tensor, p: Tensor, sign: float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    density = nx.special.beta_density(a, b, y)
    by_a, by_b = betainc.slope(a, b, y, orders=(1, 0, 0)), betainc.slope(a, b, y, orders=(0, 1, 0))
    return -g * by_a / density, -g * by_b / density, g * sign / density


binary(
    (
        "special.gammaincinv",
        REAL_FLOAT,
        "Inverse of ``gammainc``: the ``x`` where it is ``x2``, for the parameter ``x1``.",
        _gamma_slope,
        gammaincinv,
    ),
    (
        "special.gammainccinv",
        REAL_FLOAT,
        "Inverse of ``gammaincc``: the ``x`` where it is ``x2``, for the parameter ``x1``.",
        lambda g, y, a, p: _gamma_slope(g, y, a, p, -1.0),
        gammainccinv,
    ),
)

ternary(
    (
        "special.betaincinv",
        REAL_FLOAT,
        "Inverse of ``betainc``: the ``x`` where it is ``x3``, for the parameters ``x1`` and ``x2``.",
        _beta_slope,
        betaincinv,
    ),
    (
        "special.betainccinv",
        REAL_FLOAT,
        "Inverse of ``betaincc``: the ``x`` where it is ``x3``, for the parameters ``x1`` and ``x2``.",
        lambda g, y, a, b, p: _beta_slope(g, y, a, b, p, -1.0),
        betainccinv,
    ),
)
