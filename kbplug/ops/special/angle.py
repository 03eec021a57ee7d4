"""Functions of angles in half turns and degrees, which are exact where those of radians are not; sinc and cosm1."""

from __future__ import annotations

import math
from typing import Any

from kbplug.ops.declare import REAL_FLOAT, ternary, unary
from kbplug.ops.namespace import namespace as nx
from kbplug.ops.special.forward import slopes
from kbplug.ops.special.polynomial import polynomial
from kbplug.ops.special.precision import largest, single

EXACT_INTEGERS = 2.0**53
"""Every float64 at least this large is an even integer."""
DEGREE = math.pi / 180


def _half_turns(xp: Any, x: Any) -> tuple[Any, Any]:
    """Return ``x`` minus its nearest integer, and -1 where that integer is odd, else 1."""
    x = xp.clip(x, -EXACT_INTEGERS, EXACT_INTEGERS)
    nearest = xp.round(x)
    return x - nearest, 1.0 - 2.0 * (nearest - 2.0 * xp.floor(nearest * 0.5))


def sinpi(xp: Any, x: Any) -> Any:
    """Return ``sin(pi x)``; 0 at the integers and at infinity."""
    rest, sign = _half_turns(xp, x)
    return sign * xp.sin(math.pi * rest)


def cotpi(xp: Any, x: Any) -> Any:
    """Return ``cot(pi x)``, and 0 at the integers, where it has poles."""
    rest, _ = _half_turns(xp, x)
    pole = rest == 0
    return xp.where(pole, 0.0, 1.0 / xp.tan(math.pi * xp.where(pole, 0.5, rest)))


def _quarters(xp: Any, degrees: Any) -> tuple[Any, Any]:
    """Return the rest of ``|degrees|`` in radians, at most an eighth of a turn, and the quarter turns before it.

    The rest is exact: a remainder is, and so is the difference after it. NaN for an infinite angle.
    """
    size = xp.abs(degrees)
    turn = xp.remainder(xp.where(size < math.inf, size, math.nan), 360.0)
    quarters = xp.round(turn / 90.0)
    return (turn - 90.0 * quarters) * DEGREE, quarters


def _wave(xp: Any, rest: Any, quarters: Any) -> Any:
    """Return the sine of ``rest`` and ``quarters`` quarter turns, 0 to 5."""
    half = xp.floor(0.5 * quarters)
    value = xp.where(quarters == 2.0 * half, xp.sin(rest), xp.cos(rest))
    return xp.where(half == 1.0, 0.0 - value, value)


@single
def sindg(xp: Any, x: Any) -> Any:
    """Sine of degrees."""
    wave = _wave(xp, *_quarters(xp, x))
    return xp.where(x < 0, 0.0 - wave, wave)


@single
def cosdg(xp: Any, x: Any) -> Any:
    """Cosine of degrees."""
    rest, quarters = _quarters(xp, x)
    return _wave(xp, rest, quarters + 1.0)


def _slant(xp: Any, x: Any, shift: float, sign: float) -> Any:
    """Return the tangent of ``|x|`` degrees and ``shift`` quarter turns, with the signs of ``x`` and ``sign``."""
    rest, quarters = _quarters(xp, x)
    quarters = quarters + shift
    pole = xp.abs(rest) < 1.0 / largest(xp, rest)  # its reciprocal is no number
    upright = -1.0 / xp.tan(xp.where(pole, 1.0, rest))
    value = xp.where(quarters == 2.0 * xp.floor(0.5 * quarters), xp.tan(rest), xp.where(pole, math.inf, upright))
    return xp.where(value == math.inf, value, value * xp.where(x < 0, -sign, sign + 0.0 * rest))


@single
def tandg(xp: Any, x: Any) -> Any:
    """Tangent of degrees, infinite at its poles."""
    return _slant(xp, x, 0.0, 1.0)


@single
def cotdg(xp: Any, x: Any) -> Any:
    """Cotangent of degrees, minus the tangent a quarter turn on; infinite at its poles."""
    return _slant(xp, x, 1.0, -1.0)


@single
def radian(xp: Any, d: Any, m: Any, s: Any) -> Any:
    """Degrees, minutes and seconds in radians."""
    return (d + (m + s / 60.0) / 60.0) * DEGREE


@single
def cosm1(xp: Any, x: Any) -> Any:
    """``cos(x) - 1`` as ``-2 sin(x / 2)**2``; NaN at infinity."""
    sine = xp.sin(0.5 * xp.where(xp.abs(x) < math.inf, x, math.nan))
    return -2.0 * sine * sine


SINC = tuple((-1) ** k * math.pi ** (2 * k) / math.factorial(2 * k + 1) for k in range(15))


def _sinc(xp: Any, x: Any) -> Any:
    small = xp.abs(x) < 0.5
    inner = xp.where(small, x, 0.0)
    return xp.where(small, polynomial(inner * inner, SINC), sinpi(xp, x) / (math.pi * xp.where(small, 1.0, x)))


@single
def sinc(xp: Any, x: Any) -> Any:
    """Normalised sinc, by its Taylor series up to 1/2, which keeps its derivatives exact at 0."""
    return _sinc(xp, x)


sinc_slope = slopes("special.sinc_slope", "Derivatives of sinc.", _sinc, 1)

unary(
    ("special.sindg", REAL_FLOAT, "Sine of degrees.", lambda g, y, x: (g * nx.special.cosdg(x) * DEGREE,), sindg),
    ("special.cosdg", REAL_FLOAT, "Cosine of degrees.", lambda g, y, x: (g * nx.special.sindg(x) * -DEGREE,), cosdg),
    ("special.tandg", REAL_FLOAT, "Tangent of degrees.", lambda g, y, x: (g * (1 + y * y) * DEGREE,), tandg),
    ("special.cotdg", REAL_FLOAT, "Cotangent of degrees.", lambda g, y, x: (g * (1 + y * y) * -DEGREE,), cotdg),
    ("special.cosm1", REAL_FLOAT, "``cos(x) - 1``, exact near 0.", lambda g, y, x: (-g * nx.sin(x),), cosm1),
    (
        "special.sinc",
        REAL_FLOAT,
        "``sin(pi x) / (pi x)``, and 1 at 0.",
        lambda g, y, x: (g * sinc_slope(x, orders=(1,)),),
        sinc,
    ),
)

ternary(
    (
        "special.radian",
        REAL_FLOAT,
        "An angle of ``x1`` degrees, ``x2`` minutes and ``x3`` seconds in radians.",
        lambda g, y, d, m, s: (g * DEGREE, g * (DEGREE / 60), g * (DEGREE / 3600)),
        radian,
    ),
)
