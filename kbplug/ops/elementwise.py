"""The elementwise functions of the standard, as tables that can be proofread.

Derivatives follow PyTorch for complex numbers: with a gradient ``g = dL/dRe + i dL/dIm`` a holomorphic
function passes on ``g * conj(f'(x))``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from kbplug.dtypes import COMPLEX, complex_of, real_of
from kbplug.errors import DTypeError
from kbplug.graph.spec import Spec, broadcast
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import (
    ALL,
    BOOL,
    BOOL_OR_INT,
    FLOAT,
    INTEGER,
    NUMERIC,
    REAL,
    REAL_FLOAT,
    ZERO,
    accept,
    binary,
    primitive,
    unary,
)
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import unbroadcast

Rule = Callable[..., tuple[Any, ...]]
LN2, LN10 = math.log(2.0), math.log(10.0)


def conj(x: Any) -> Any:
    """Return the conjugate, which for a real tensor or a scalar is the value itself."""
    return xp.conj(x) if isinstance(x, Tensor) and x.dtype in COMPLEX else x


def slopes(*partials: Callable[..., Any]) -> Rule:
    """Return the rule of a holomorphic function from its partial derivatives ``f_i(y, *x)``."""
    return lambda g, y, *x: tuple(g * conj(f(y, *x)) for f in partials)


def _abs(g: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
    return (g * xp.sign(x),)  # 0 at 0; for complex x, sign(x) = x / |x|


def _sign(g: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
    if x.dtype not in COMPLEX:
        return (xp.zeros_like(g),)
    radius = xp.abs(x)
    tangential = g - y * xp.astype(xp.real(xp.conj(y) * g), y.dtype)
    safe = xp.where(radius == 0, 1.0, radius)
    return (xp.where(radius == 0, 0.0, tangential / xp.astype(safe, y.dtype)),)


def _real(g: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
    return (xp.astype(g, x.dtype),)


def _imag(g: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
    return (xp.astype(g, x.dtype) * 1j,)


def _maximum(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return _winner(g, a < b, a == b), _winner(g, b < a, a == b)


def _minimum(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return _winner(g, a > b, a == b), _winner(g, b > a, a == b)


def _winner(g: Tensor, loses: Tensor, ties: Tensor) -> Tensor:
    return xp.where(loses, 0.0, xp.where(ties, 0.5 * g, g))


def _pow(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    base = xp.where(b == 0, 0.0, b * a ** (b - 1))  # 0 ** 0 is flat in its base
    flat = (a == 0) if a.dtype in COMPLEX else (a == 0) & (b >= 0)
    exponent = xp.where(flat, 0.0, y * xp.log(xp.where(flat, 1.0, a)))
    return g * conj(base), g * conj(exponent)


def _remainder(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return g, -g * xp.floor_divide(a, b)


def _hypot(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    safe = xp.where(y == 0, 1.0, y)  # 0 at the origin
    return g * a / safe, g * b / safe


def _atan2(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    square = a * a + b * b
    safe = xp.where(square == 0, 1.0, square)  # 0 at the origin
    return g * b / safe, -g * a / safe


def _logaddexp(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    equal = a == b  # both may be -inf, where the difference is no number
    top = xp.where(equal, 0.0, y)
    first, second = (g * xp.where(equal, 0.5, xp.exp(xp.where(equal, 0.0, x) - top)) for x in (a, b))
    return first, second


def _complex_expm1(xp: Any, x: Any, /) -> Any:
    """Return ``expm1`` by ``exp`` at 0 and where ``x`` is not finite, of which libraries take more care there."""
    return xp.where(xp.isfinite(x) & (x != 0), xp.expm1(x), xp.exp(x) - 1)


def _complex_sign(xp: Any, x: Any, /) -> Any:
    """Return ``sign`` with zeros without a sign where ``x`` is 0."""
    return xp.where(x == 0, xp.zeros_like(x), xp.sign(x))


def _complex_tanh(xp: Any, x: Any, /) -> Any:
    """Return ``tanh`` with the standard's limits, whose imaginary part has the sign of that of ``x``."""
    u, v = xp.real(x), xp.imag(x)
    limit = xp.astype(xp.where(u > 0, xp.ones_like(u), -xp.ones_like(u)), x.dtype)
    return xp.where(xp.isinf(u), xp.where(xp.signbit(v), xp.conj(limit), limit), xp.tanh(x))


def _floor_divide_lower(xp: Any, a: Any, b: Any, /) -> Any:
    """Return ``floor_divide`` with the standard's quotients of infinities, where libraries follow C's remainder."""
    quotient = xp.floor_divide(a, b)
    if not xp.isdtype(quotient.dtype, "real floating"):
        return quotient
    return xp.where(xp.isinf(a) | xp.isinf(b), xp.floor(a / b), quotient)


def _divide(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return what reaches both: over what the divisor was spread, sums are taken before they are divided by it."""
    divisor = conj(b)
    return g * (1 / divisor), -unbroadcast(g * conj(y), b) / divisor


def _subtract(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return g, -unbroadcast(g, b)


def _copysign(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return xp.where(xp.signbit(a) == xp.signbit(b), g, -g), xp.zeros_like(g)


unary(
    ("abs", NUMERIC, "Absolute value; of a complex number, its modulus.", _abs),
    result="real",
)

unary(
    ("acos", FLOAT, "Inverse cosine, in radians.", slopes(lambda y, x: -1 / xp.sqrt(1 - x * x))),
    ("acosh", FLOAT, "Inverse hyperbolic cosine.", slopes(lambda y, x: 1 / (xp.sqrt(x - 1) * xp.sqrt(x + 1)))),
    ("asin", FLOAT, "Inverse sine, in radians.", slopes(lambda y, x: 1 / xp.sqrt(1 - x * x))),
    ("asinh", FLOAT, "Inverse hyperbolic sine.", slopes(lambda y, x: 1 / xp.sqrt(x * x + 1))),
    ("atan", FLOAT, "Inverse tangent, in radians.", slopes(lambda y, x: 1 / (x * x + 1))),
    ("atanh", FLOAT, "Inverse hyperbolic tangent.", slopes(lambda y, x: 1 / (1 - x * x))),
    ("cos", FLOAT, "Cosine of radians.", slopes(lambda y, x: -xp.sin(x))),
    ("cosh", FLOAT, "Hyperbolic cosine.", slopes(lambda y, x: xp.sinh(x))),
    ("exp", FLOAT, "Exponential.", slopes(lambda y, x: y)),
    ("log", FLOAT, "Natural logarithm.", slopes(lambda y, x: 1 / x)),
    ("log1p", FLOAT, "``log(1 + x)``, exact near 0.", slopes(lambda y, x: 1 / (1 + x))),
    ("log2", FLOAT, "Logarithm to base 2.", slopes(lambda y, x: 1 / (x * LN2))),
    ("log10", FLOAT, "Logarithm to base 10.", slopes(lambda y, x: 1 / (x * LN10))),
    ("negative", NUMERIC, "``-x``.", lambda g, y, x: (-g,)),
    ("reciprocal", FLOAT, "``1 / x``.", slopes(lambda y, x: -y * y)),
    ("sin", FLOAT, "Sine of radians.", slopes(lambda y, x: xp.cos(x))),
    ("sinh", FLOAT, "Hyperbolic sine.", slopes(lambda y, x: xp.cosh(x))),
    ("sqrt", FLOAT, "Square root.", slopes(lambda y, x: 0.5 / y)),
    ("square", NUMERIC, "``x * x``.", lambda g, y, x: (2 * g * conj(x),)),
    ("tan", FLOAT, "Tangent of radians.", slopes(lambda y, x: 1 + y * y)),
    ("bitwise_invert", BOOL_OR_INT, "Every bit inverted.", None),
    ("logical_not", BOOL, "Whether ``x`` is false.", None),
)

# Of integers or real numbers some libraries return the operand itself.
unary(
    ("ceil", REAL, "The smallest integer not below ``x``, in the dtype of ``x``.", ZERO),
    ("conj", NUMERIC, "Complex conjugate; a real number is its own.", lambda g, y, x: (conj(g),)),
    ("floor", REAL, "The largest integer not above ``x``, in the dtype of ``x``.", ZERO),
    ("positive", NUMERIC, "``+x``.", lambda g, y, x: (g,)),
    ("round", NUMERIC, "The nearest integer, ties to even, in the dtype of ``x``.", ZERO),
    ("trunc", REAL, "The integer part, in the dtype of ``x``.", ZERO),
    traits=("alias",),
)

unary(
    ("expm1", FLOAT, "``exp(x) - 1``, exact near 0.", slopes(lambda y, x: y + 1), _complex_expm1),
    ("sign", NUMERIC, "-1, 0 or 1; of a complex number, ``x / abs(x)``.", _sign, _complex_sign),
    ("tanh", FLOAT, "Hyperbolic tangent.", slopes(lambda y, x: 1 - y * y), _complex_tanh),
    traits=("complex body",),
)

unary(
    ("real", NUMERIC, "Real part.", _real),
    result="real",
    traits=("alias",),
)

unary(
    ("imag", COMPLEX, "Imaginary part of a complex number.", _imag),
    result="real",
    traits=("alias",),
)

unary(
    ("isfinite", NUMERIC, "Whether neither infinite nor NaN.", None),
    ("isinf", NUMERIC, "Whether infinite.", None),
    ("isnan", NUMERIC, "Whether NaN.", None),
    ("signbit", REAL_FLOAT, "Whether the sign bit is set, which tells -0 from 0.", None),
    result="bool",
)

binary(
    ("add", NUMERIC, "``x1 + x2``.", lambda g, y, a, b: (g, g)),
    ("atan2", REAL_FLOAT, "Angle of the point (x2, x1) in radians, from -pi to pi.", _atan2),
    ("bitwise_and", BOOL_OR_INT, "Bitwise and.", None),
    ("bitwise_left_shift", INTEGER, "``x1`` shifted left by ``x2`` bits.", None),
    ("bitwise_or", BOOL_OR_INT, "Bitwise or.", None),
    ("bitwise_right_shift", INTEGER, "``x1`` shifted right by ``x2`` bits.", None),
    ("bitwise_xor", BOOL_OR_INT, "Bitwise exclusive or.", None),
    ("copysign", REAL_FLOAT, "Magnitude of ``x1`` with the sign of ``x2``.", _copysign),
    ("divide", FLOAT, "``x1 / x2``.", _divide),
    ("floor_divide", REAL, "``x1 / x2`` rounded down.", ZERO, _floor_divide_lower),
    ("hypot", REAL_FLOAT, "``sqrt(x1**2 + x2**2)`` without overflow.", _hypot),
    ("logaddexp", REAL_FLOAT, "``log(exp(x1) + exp(x2))`` without overflow.", _logaddexp),
    ("logical_and", BOOL, "Whether both are true.", None),
    ("logical_or", BOOL, "Whether at least one is true.", None),
    ("logical_xor", BOOL, "Whether exactly one is true.", None),
    ("maximum", REAL, "The larger of two; ties share the gradient evenly.", _maximum),
    ("minimum", REAL, "The smaller of two; ties share the gradient evenly.", _minimum),
    ("multiply", NUMERIC, "``x1 * x2``.", slopes(lambda y, a, b: b, lambda y, a, b: a)),
    ("nextafter", REAL_FLOAT, "The next representable number from ``x1`` towards ``x2``.", None),
    ("pow", NUMERIC, "``x1`` to the power ``x2``.", _pow),
    ("remainder", REAL, "``x1 - x2 * floor(x1 / x2)``, with the sign of ``x2``.", _remainder),
    ("subtract", NUMERIC, "``x1 - x2``.", _subtract),
)

binary(
    ("equal", ALL, "Whether ``x1 == x2``.", None),
    ("greater", REAL, "Whether ``x1 > x2``.", None),
    ("greater_equal", REAL, "Whether ``x1 >= x2``.", None),
    ("less", REAL, "Whether ``x1 < x2``.", None),
    ("less_equal", REAL, "Whether ``x1 <= x2``.", None),
    ("not_equal", ALL, "Whether ``x1 != x2``.", None),
    result="bool",
)


@primitive(promotes=range, traits=("elementwise",))
def clip(x: Spec, min: Spec | None = None, max: Spec | None = None, /) -> Spec:
    """``x`` kept between ``min`` and ``max``; the gradient at a bound is 1."""
    present = [s for s in (x, min, max) if s is not None]
    accept("clip", REAL, *present)
    return Spec(broadcast(*[s.shape for s in present]), x.dtype)


@clip.derive
def _(g: Tensor, y: Tensor, x: Tensor, low: Tensor | None, high: Tensor | None) -> tuple[Any, ...]:
    below = None if low is None else x < low
    above = None if high is None else (x if low is None else xp.maximum(x, low)) > high
    inside = g if below is None else xp.where(below, 0.0, g)
    to_low = None if below is None else xp.where(below, g, 0.0)
    if above is None:
        return inside, to_low, None
    return (
        xp.where(above, 0.0, inside),
        None if to_low is None else xp.where(above, 0.0, to_low),
        xp.where(above, g, 0.0),
    )


@primitive(promotes=lambda count: range(1, count), traits=("elementwise",))
def where(condition: Spec, x1: Spec, x2: Spec, /) -> Spec:
    """``x1`` where the condition holds, else ``x2``."""
    accept("where, in its condition,", BOOL, condition)
    return Spec(broadcast(condition.shape, x1.shape, x2.shape), x1.dtype)


@where.derive
def _(g: Tensor, y: Tensor, condition: Tensor, a: Tensor, b: Tensor) -> tuple[Any, ...]:
    return None, xp.where(condition, g, 0.0), xp.where(condition, 0.0, g)


@primitive(traits=("elementwise",))
def astype(x: Spec, /, dtype: str) -> Spec:
    """The same values in another dtype."""
    if x.dtype in COMPLEX and dtype not in COMPLEX:
        raise DTypeError(f"astype cannot turn {x.dtype} into {dtype}; take real(x), imag(x) or abs(x) first.")
    return Spec(x.shape, dtype)


@astype.derive
def _(g: Tensor, y: Tensor, x: Tensor, dtype: str) -> tuple[Tensor]:
    return (g,)  # the walk casts a cotangent to the dtype of what it belongs to


def as_complex(x: Tensor) -> Tensor:
    """Return a real floating tensor as the complex one of its width."""
    return x if x.dtype in COMPLEX else xp.astype(x, complex_of(x.dtype))


__all__ = ["as_complex", "astype", "clip", "conj", "real_of", "slopes", "where"]
