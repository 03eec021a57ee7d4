"""The losses of Huber, which are square near 0 and linear far from it."""

from __future__ import annotations

import math
from typing import Any

from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL_FLOAT, binary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.precision import single


@single
def huber(xp: Any, delta: Any, r: Any) -> Any:
    """``r**2 / 2`` up to ``delta``, ``delta (|r| - delta / 2)`` beyond; infinite for a negative ``delta``."""
    size = xp.abs(r)
    near = xp.minimum(size, delta)
    beyond = (size > delta) & (delta > 0)
    far = xp.where(beyond, size, 0.0) - xp.where(beyond, delta, 0.0)
    return xp.where(delta < 0, math.inf, near * (0.5 * near + far))


@single
def pseudo_huber(xp: Any, delta: Any, r: Any) -> Any:
    """``|r| (|r| s)`` with ``s = delta / (delta + hypot(delta, r))``; infinite for a negative ``delta``."""
    size = xp.where(delta == 0, 0.0, xp.abs(r))
    ends = (delta <= 0) | (delta == math.inf) | (size == math.inf)
    inner = xp.where(ends, 1.0, delta)
    share = inner / (inner + xp.hypot(inner, xp.where(ends, 0.0, size)))
    return xp.where(delta < 0, math.inf, size * (size * share))


def _huber_slope(g: Tensor, y: Tensor, delta: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    return g * nx.maximum(nx.abs(r) - delta, 0.0), g * nx.clip(r, -delta, delta)


def _pseudo_huber_slope(g: Tensor, y: Tensor, delta: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    origin = (delta == 0) & (r == 0)
    length = nx.hypot(nx.where(origin, 1.0, delta), r)
    return g * (length - delta) ** 2 / length, g * delta * r / length


binary(
    ("special.huber", REAL_FLOAT, "Huber loss of the residual ``x2``, linear beyond ``x1``.", _huber_slope, huber),
    (
        "special.pseudo_huber",
        REAL_FLOAT,
        "Smooth Huber loss of the residual ``x2``, ``x1**2 * (sqrt(1 + (x2 / x1)**2) - 1)``.",
        _pseudo_huber_slope,
        pseudo_huber,
    ),
)
