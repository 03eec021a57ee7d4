"""Entropies, and products with a logarithm that are 0 where their first factor is."""

from __future__ import annotations

import math
from typing import Any

from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL_FLOAT, binary, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.logarithm import near_excess
from kbplug.ops.special.precision import single


def _log(xp: Any, y: Any) -> Any:
    """Return the logarithm, -inf at 0 and NaN below it without a warning."""
    return xp.where(y > 0, xp.log(xp.where(y > 0, y, 1.0)), xp.where(y == 0, -math.inf, y * math.nan))


def _product(xp: Any, x: Any, log: Any) -> Any:
    """Return ``x log``, 0 at ``x = 0`` unless the logarithm is of NaN; NaN for infinity times 0."""
    infinite = (log == 0) & xp.isinf(x)
    return xp.where(infinite, math.nan, x) * log


@single
def xlogy(xp: Any, x: Any, y: Any) -> Any:
    """``x log(y)``, 0 at ``x = 0`` for every ``y`` but NaN."""
    return _product(xp, x, xp.where((x == 0) & ~xp.isnan(y), 0.0, _log(xp, y)))


@single
def xlog1py(xp: Any, x: Any, y: Any) -> Any:
    """``x log1p(y)``, 0 at ``x = 0`` for every ``y`` but NaN."""
    inside = y > -1.0
    log = xp.where(inside, xp.log1p(xp.where(inside, y, 0.0)), xp.where(y == -1.0, -math.inf, y * math.nan))
    return _product(xp, x, xp.where((x == 0) & ~xp.isnan(y), 0.0, log))


@single
def entr(xp: Any, x: Any) -> Any:
    """``-x log(x)``, 0 at 0 and -inf below."""
    inside = ~(x <= 0)
    inner = xp.where(inside, x, 1.0)
    value = -inner * xp.log(inner)
    return xp.where(x < 0, -math.inf, xp.where(x == 0, 0.0, value))


def _near(x: Any, y: Any) -> Any:
    return (0.5 * x < y) & (0.5 * y < x)


def _log_quotient(xp: Any, x: Any, y: Any) -> Any:
    """Return ``log(x / y)`` for positive arguments; by two logarithms only where the quotient might overflow."""
    moderate = (1e-30 * x < y) & (1e-30 * y < x)
    return xp.log(x / xp.where(moderate, y, 1.0)) - xp.log(xp.where(moderate, 1.0, y))


def _inside(x: Any, y: Any) -> Any:
    return (x > 0) & (y > 0) & (x < math.inf) & (y < math.inf)


@single
def rel_entr(xp: Any, x: Any, y: Any) -> Any:
    """``x log(x / y)`` for positive arguments, by ``log1p`` where they are near; 0 at ``x = 0``, infinite elsewhere."""
    inside = _inside(x, y)
    p, q = xp.where(inside, x, 1.0), xp.where(inside, y, 1.0)
    near = _near(p, q)
    value = p * xp.where(near, xp.log1p(xp.where(near, p - q, 0.0) / q), _log_quotient(xp, p, q))
    result = xp.where((x > 0) & (y == math.inf), -math.inf, xp.where(inside, value, math.inf))
    undefined = xp.isnan(x) | xp.isnan(y) | ((x == math.inf) & (y == math.inf))
    return xp.where(undefined, math.nan, xp.where((x == 0) & (y >= 0), 0.0, result))


@single
def kl_div(xp: Any, x: Any, y: Any) -> Any:
    """``x log(x / y) - x + y`` for positive arguments, ``y`` at ``x = 0``, infinite elsewhere."""
    inside = _inside(x, y)
    p, q = xp.where(inside, x, 1.0), xp.where(inside, y, 1.0)
    near = _near(p, q)
    value = xp.where(near, p * near_excess(xp.where(near, q - p, 0.0) / p), p * _log_quotient(xp, p, q) - p + q)
    result = xp.where((x == 0) & (y >= 0), y, xp.where(inside, value, math.inf))
    return xp.where(xp.isnan(x) | xp.isnan(y) | ((x > 0) & (y > 0) & ~inside), math.nan, result)


def _ratio(x: Tensor, y: Tensor) -> Tensor:
    """Return ``x / y``, and 0 rather than NaN where both are 0."""
    return x / nx.where((x == 0) & (y == 0), 1.0, y)


def _log_ratio(x: Tensor, y: Tensor) -> Tensor:
    """Return ``log(x / y)``, and 0 rather than NaN where both are 0."""
    absent = (x == 0) & (y == 0)
    return nx.log(nx.where(absent, 1.0, x)) - nx.log(nx.where(absent, 1.0, y))


def _xlogy_slope(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    absent = (a == 0) & (b <= 0)
    return g * nx.log(nx.where(absent, 1.0, b)), g * _ratio(a, b)


def _xlog1py_slope(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    absent = (a == 0) & (b <= -1)
    return g * nx.log1p(nx.where(absent, 0.0, b)), g * _ratio(a, 1 + b)


unary(
    (
        "special.entr",
        REAL_FLOAT,
        "Entropy of one outcome, ``-x * log(x)``; 0 at 0, -inf below.",
        lambda g, y, x: (g * (-1 - nx.log(x)),),
        entr,
    ),
)

binary(
    ("special.xlogy", REAL_FLOAT, "``x1 * log(x2)``, and 0 where ``x1`` is 0.", _xlogy_slope, xlogy),
    ("special.xlog1py", REAL_FLOAT, "``x1 * log1p(x2)``, and 0 where ``x1`` is 0.", _xlog1py_slope, xlog1py),
    (
        "special.rel_entr",
        REAL_FLOAT,
        "Relative entropy of one outcome, ``x1 * log(x1 / x2)``.",
        lambda g, y, a, b: (g * (1 + _log_ratio(a, b)), -g * _ratio(a, b)),
        rel_entr,
    ),
    (
        "special.kl_div",
        REAL_FLOAT,
        "Kullback-Leibler divergence of one outcome, ``x1 * log(x1 / x2) - x1 + x2``.",
        lambda g, y, a, b: (g * _log_ratio(a, b), g * (1 - _ratio(a, b))),
        kl_div,
    ),
)
