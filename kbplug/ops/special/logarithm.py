"""``u - log1p(u)`` without cancellation: the exponent of every density near its mode. Declares no op."""

from __future__ import annotations

from typing import Any

from kbplug.ops.special.polynomial import polynomial

ARTANH = tuple(1.0 / (2 * k + 3) for k in range(17))


def _near(u: Any) -> tuple[Any, Any]:
    """Return ``s = u / (2 + u)`` and ``(u - log1p(u)) / s**2`` for ``-1/2 <= u <= 1``, a series in ``s``."""
    s = u / (2.0 + u)
    return s, 2.0 / (1.0 - s) - 2.0 * s * polynomial(s * s, ARTANH)


def near_excess(u: Any) -> Any:
    """Return ``u - log1p(u)`` to full relative precision, for ``-1/2 <= u <= 1``."""
    s, bracket = _near(u)
    return s * s * bracket


def near_ratio(u: Any) -> Any:
    """Return ``(u - log1p(u)) / u**2``, which is smooth at 0, for ``-1/2 <= u <= 1``."""
    _, bracket = _near(u)
    return bracket / ((2.0 + u) * (2.0 + u))


def excess(xp: Any, ratio: Any, u: Any) -> tuple[Any, Any]:
    """Return ``u - log1p(u)`` and its square root with the sign of ``u``, each to full relative precision.

    Parameters
    ----------
    xp
        The namespace.
    ratio
        ``1 + u``, exact where that is small.
    u
        Exact where it is small.
    """
    near = (u >= -0.5) & (u <= 1.0)
    s, bracket = _near(xp.where(near, u, 1.0))
    outer = xp.where(near, 2.0, ratio)
    far = (outer - 1.0) - xp.log(outer)
    root = xp.where(near, s * xp.sqrt(bracket), xp.sign(u) * xp.sqrt(far))
    return xp.where(near, s * s * bracket, far), root
