"""Distribution functions of chi-squared, gamma, F and Student's t, their complements and inverses, in float64.

All are incomplete gamma and beta functions of transformed arguments. Where a share ``x`` of one is taken, ``1 - x`` is
taken with it, so that neither tail is lost.
"""

from __future__ import annotations

import math
from typing import Any

from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL_FLOAT, binary, ternary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special import betainc, gammainc
from kbplug.ops.special.forward import slopes
from kbplug.ops.special.inverse import beta_inverse, gamma_inverse
from kbplug.ops.special.normal import ndtr
from kbplug.ops.special.precision import double
from kbplug.ops.special.quantile import ndtri


@double
def chdtr(xp: Any, v: Any, x: Any) -> Any:
    """Chi-squared distribution function."""
    return gammainc.ratios(xp, 0.5 * v, 0.5 * x)[0]


@double
def chdtrc(xp: Any, v: Any, x: Any) -> Any:
    """Upper tail of chi-squared."""
    return gammainc.ratios(xp, 0.5 * v, 0.5 * x)[1]


@double
def chdtri(xp: Any, v: Any, q: Any) -> Any:
    """Inverse of the upper tail of chi-squared."""
    return 2.0 * gamma_inverse(xp, 0.5 * v, 1.0 - q, q)


def _scaled(xp: Any, a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    """Return lower and upper gamma distribution of shape ``b`` at ``a x``, NaN where ``x`` is negative."""
    undefined = (x < 0) | ((a == 0) & (x == math.inf)) | ((x == 0) & (xp.abs(a) == math.inf))
    return gammainc.ratios(xp, b, xp.where(undefined, math.nan, a) * x)


@double
def gdtr(xp: Any, a: Any, b: Any, x: Any) -> Any:
    """Gamma distribution function of rate ``a`` and shape ``b``."""
    return _scaled(xp, a, b, x)[0]


@double
def gdtrc(xp: Any, a: Any, b: Any, x: Any) -> Any:
    """Upper tail of the gamma distribution."""
    return _scaled(xp, a, b, x)[1]


def _shares(xp: Any, odds: Any) -> tuple[Any, Any]:
    """Return ``odds / (1 + odds)`` and ``1 / (1 + odds)``, for odds up to infinity."""
    infinite = odds == math.inf
    bounded = xp.where(infinite, 0.0, odds)
    rest = 1.0 / (1.0 + bounded)
    return xp.where(infinite, 1.0, bounded * rest), xp.where(infinite, 0.0, rest)


def _positive(xp: Any, *parameters: Any) -> tuple[Any, ...]:
    """Return the parameters, NaN unless they are positive and finite."""
    return tuple(xp.where((p > 0) & (p < math.inf), p, math.nan) for p in parameters)


def _variance_ratio(xp: Any, a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    a, b = _positive(xp, a, b)
    return betainc.ratios(xp, 0.5 * a, 0.5 * b, *_shares(xp, xp.where(x >= 0, x, math.nan) * (a / b)))


def _fdtr(xp: Any, a: Any, b: Any, x: Any) -> Any:
    return _variance_ratio(xp, a, b, x)[0]


@double
def fdtr(xp: Any, a: Any, b: Any, x: Any) -> Any:
    """F distribution function, the incomplete beta function of ``a x / (b + a x)``."""
    return _fdtr(xp, a, b, x)


@double
def fdtrc(xp: Any, a: Any, b: Any, x: Any) -> Any:
    """Upper tail of F."""
    return _variance_ratio(xp, a, b, x)[1]


@double
def fdtri(xp: Any, a: Any, b: Any, p: Any) -> Any:
    """Inverse of the F distribution function."""
    share, rest = beta_inverse(xp, 0.5 * a, 0.5 * b, p, 1.0 - p)
    full = rest == 0
    return xp.where(full, math.inf, share * b / (xp.where(full, 1.0, rest) * a))


def _student(xp: Any, v: Any, t: Any) -> Any:
    """Return Student's distribution function: in its lower tail half the beta function of ``v / (v + t**2)``."""
    (v,) = _positive(xp, v)
    ratio = xp.where(t < 0, -t, t) / xp.sqrt(v)
    infinite = ratio > 1e150
    bounded = xp.where(infinite, 0.0, ratio)
    far, near = _shares(xp, xp.where(infinite, math.inf, bounded * bounded))
    tail = 0.5 * betainc.ratios(xp, 0.5 * v, 0.5 + 0.0 * v, near, far)[0]
    return xp.where(t > 0, 1.0 - tail, tail)


@double
def stdtr(xp: Any, v: Any, t: Any) -> Any:
    """Student's distribution function; the normal one for infinite degrees of freedom."""
    normal = v == math.inf
    return xp.where(normal, ndtr(xp, t), _student(xp, xp.where(normal, 1.0, v), t))


@double
def stdtrit(xp: Any, v: Any, p: Any) -> Any:
    """Inverse of Student's distribution function, from the share of the smaller tail."""
    normal = v == math.inf
    tail = 2.0 * xp.minimum(p, 1.0 - p)
    finite = xp.where(normal, 1.0, v)
    near, far = beta_inverse(xp, 0.5 * finite, 0.5 + 0.0 * finite, tail, xp.abs(1.0 - 2.0 * p))
    empty = near == 0
    size = xp.where(empty, math.inf, xp.sqrt(finite * far / xp.where(empty, 1.0, near)))
    return xp.where(normal, ndtri(xp, p), xp.where(p < 0.5, -size, size))


fdtr_slope = slopes("special.fdtr_slope", "Partial derivatives of the F distribution function.", _fdtr, 3)
stdtr_slope = slopes("special.stdtr_slope", "Partial derivatives of Student's distribution function.", _student, 2)


def _chdtr_slope(g: Tensor, y: Tensor, v: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    v, x, g = 0.5 * v, 0.5 * x, 0.5 * g
    return g * gammainc.slope(v, x, orders=(1, 0)), g * nx.special.gamma_density(v, x)


def _chdtri_slope(g: Tensor, y: Tensor, v: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    v, x = 0.5 * v, 0.5 * y
    g = g / nx.special.gamma_density(v, x)
    return -g * gammainc.slope(v, x, orders=(1, 0)), -2 * g


def _gdtr_slope(g: Tensor, y: Tensor, a: Tensor, b: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    density = g * nx.special.gamma_density(b, a * x)
    return density * x, g * gammainc.slope(b, a * x, orders=(1, 0)), density * a


def _fdtr_slope(g: Tensor, y: Tensor, a: Tensor, b: Tensor, x: Tensor) -> tuple[Tensor, ...]:
    return tuple(g * fdtr_slope(a, b, x, orders=orders) for orders in ((1, 0, 0), (0, 1, 0), (0, 0, 1)))


def _fdtri_slope(g: Tensor, y: Tensor, a: Tensor, b: Tensor, p: Tensor) -> tuple[Tensor, ...]:
    by_a, by_b, density = _fdtr_slope(1, y, a, b, y)  # type: ignore[arg-type]
    return -g * by_a / density, -g * by_b / density, g / density


def _student_slopes(v: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Return the derivatives by ``v`` and ``t``, of which the former is ``t`` times a constant near 0."""
    half, psi = 0.5 * v, nx.special.digamma
    log = nx.special.betaln(half, 0.5)
    density = nx.exp(-(half + 0.5) * nx.log1p(t * t / v) - log) / nx.sqrt(v)
    median = t == 0
    rate = 0.5 * (psi(half + 0.5) - psi(half) - 1 / v) * nx.exp(-log) / nx.sqrt(v)
    return nx.where(median, t * rate, stdtr_slope(v, nx.where(median, 1.0, t), orders=(1, 0))), density


def _stdtr_slope(g: Tensor, y: Tensor, v: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    by_v, density = _student_slopes(v, t)
    return g * by_v, g * density


def _stdtrit_slope(g: Tensor, y: Tensor, v: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
    by_v, density = _student_slopes(v, y)
    return -g * by_v / density, g / density


binary(
    (
        "special.chdtr",
        REAL_FLOAT,
        "Chi-squared distribution function with ``x1`` degrees of freedom.",
        _chdtr_slope,
        chdtr,
    ),
    (
        "special.chdtrc",
        REAL_FLOAT,
        "Upper tail of chi-squared with ``x1`` degrees of freedom.",
        lambda g, y, v, x: _chdtr_slope(-g, y, v, x),
        chdtrc,
    ),
    ("special.chdtri", REAL_FLOAT, "Inverse of ``chdtrc`` by its second argument.", _chdtri_slope, chdtri),
    (
        "special.stdtr",
        REAL_FLOAT,
        "Student's distribution function with ``x1`` degrees of freedom.",
        _stdtr_slope,
        stdtr,
    ),
    ("special.stdtrit", REAL_FLOAT, "Inverse of ``stdtr`` by its second argument.", _stdtrit_slope, stdtrit),
)

ternary(
    (
        "special.gdtr",
        REAL_FLOAT,
        "Gamma distribution function of rate ``x1`` and shape ``x2``.",
        _gdtr_slope,
        gdtr,
    ),
    (
        "special.gdtrc",
        REAL_FLOAT,
        "Upper tail of the gamma distribution of rate ``x1`` and shape ``x2``.",
        lambda g, y, a, b, x: _gdtr_slope(-g, y, a, b, x),
        gdtrc,
    ),
    (
        "special.fdtr",
        REAL_FLOAT,
        "F distribution function with ``x1`` and ``x2`` degrees of freedom.",
        _fdtr_slope,
        fdtr,
    ),
    (
        "special.fdtrc",
        REAL_FLOAT,
        "Upper tail of F with ``x1`` and ``x2`` degrees of freedom.",
        lambda g, y, a, b, x: _fdtr_slope(-g, y, a, b, x),
        fdtrc,
    ),
    ("special.fdtri", REAL_FLOAT, "Inverse of ``fdtr`` by its third argument.", _fdtri_slope, fdtri),
)
