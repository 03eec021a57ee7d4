"""Elementwise functions that a few plain NumPy calls compute faster than NumPy's own call, or than the generic body.

Each states how far it may be from the exact value, in units in the last place (ULP). What a short way does not cover
(other dtypes, few elements) goes the ordinary way. Knows no graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kbplug.graph.op import lookup

Array = np.ndarray[Any, Any]

FEW = 2048
"""Below so many elements a single call is faster than several, however slow its loop."""

BLOCK = 16_384
"""Elements of a chunk, whose temporaries stay in the second-level cache."""

_BITS: Mapping[int, np.dtype[Any]] = {n: np.dtype(f"int{8 * n}") for n in (1, 2, 4, 8)}
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def where(condition: Array, a: Array, b: Array, *, out: Array | None = None) -> Array:
    """Return the elements of ``a`` or ``b``; exact, since bits are chosen by masks and nothing is computed.

    NumPy's own loop branches on every element, which costs several times as much where that is hard to foresee.
    """
    bits = _BITS.get(a.dtype.itemsize)
    if condition.size < FEW or bits is None or a.dtype != b.dtype or a.dtype.kind not in "biuf":
        return _given(np.where(condition, a, b), out)
    if out is None:
        out = np.empty(np.broadcast_shapes(condition.shape, a.shape, b.shape), a.dtype)
    chosen = out.view(bits)
    if _is_zero(b):
        np.multiply(condition, a.view(bits), chosen, dtype=bits)
        return out
    if _is_zero(a):
        np.multiply(np.logical_not(condition), b.view(bits), chosen, dtype=bits)
        return out
    mask = np.negative(condition.view(np.int8), dtype=bits)
    np.bitwise_xor(a.view(bits), b.view(bits), chosen)
    np.bitwise_and(chosen, mask, chosen)
    np.bitwise_xor(chosen, b.view(bits), chosen)
    return out


def _is_zero(x: Array) -> bool:
    """Say whether ``x`` is a single number of zero bits: not negative zero."""
    return not x.ndim and not x.view(_BITS[x.dtype.itemsize])


def _given(found: Array, out: Array | None) -> Array:
    """Return what was found, in ``out`` if there is one."""
    if out is None:
        return found
    out[...] = found
    return out


def relu(x: Array, *, out: Array | None = None) -> Array:
    """Return the larger of ``x`` and 0; exact, and unlike the body it can be told where to write."""
    found: Array = np.maximum(x, 0, out=out)
    return found


def power(a: Array, b: Array, *, out: Array | None = None) -> Array:
    """Return ``a**b``; by products if ``b`` is 2, 3 or 4, within 2 ULP (integers: exactly, as NumPy wraps them).

    NumPy's own loop is slow for negative bases, up to a thousand times.
    """
    times = b.item() if not b.ndim and b.dtype.kind in "iuf" and a.dtype == b.dtype else None
    if times not in (2, 3, 4):
        return np.pow(a, b, out=out)
    square: Array = np.multiply(a, a, out=out)
    if times == 2:
        return square
    return np.multiply(square, a if times == 3 else square, out=out)


def expit(x: Array, *, out: Array | None = None) -> Array:
    """Return ``1 / (1 + exp(-x))`` within 3 ULP; below the logarithm of the least normal number it may be zero.

    The quotient keeps the small values on the left, which ``tanh`` would round away; an overflowing ``exp`` gives
    the zero that is meant.
    """
    if x.dtype not in _FLOATS or x.size < FEW:
        return _given(_body("special.expit", x), out)
    one = x.dtype.type(1)
    found: Array = np.negative(x, out=out)
    np.exp(found, found)
    np.add(found, one, found)
    np.divide(one, found, found)
    return found


def logaddexp(a: Array, b: Array, *, out: Array | None = None) -> Array:
    """Return ``max + log1p(exp(-|a - b|))``, within 4 ULP of the larger of the result and of ``log 2``.

    Of two equal infinities the difference is no number, and ``fmax`` puts zero in its place.
    """
    if a.dtype not in _FLOATS or max(a.size, b.size) < FEW:
        return np.logaddexp(a, b, out=out)
    found: Array = np.subtract(a, b, out=out)
    np.abs(found, found)
    np.negative(found, found)
    np.exp(found, found)
    np.log1p(found, found)
    np.fmax(found, found.dtype.type(0), found)
    return np.add(found, np.maximum(a, b), found)


TOP = (
    *(1.1283791408862662, 0.19347006166863207, 0.05309120179390317, 0.0038798973272713495),
    *(0.00028445120406259703, 1.9869128531931914e-06),
)
BOTTOM = (
    *(1.0, 0.5047909584870325, 0.11531841317355866, 0.015200456988427474),
    *(0.0011846611631805873, 3.741543292735258e-05),
)
"""``erf(x) / x`` for ``|x| <= 4`` as a quotient of polynomials in ``x**2``, within 3e-8: a least-squares fit in 40
digits on Chebyshev points, reweighted towards the greatest error."""


def erf(x: Array, *, out: Array | None = None) -> Array:
    """Return the error function; in float32 by a quotient of polynomials in float64, within 1 ULP."""
    if x.dtype != np.float32 or x.size < FEW:
        return _given(_body("special.erf", x), out)
    return _given(_by_chunks(_erf, x), out)


def _erf(x: Array, found: Array) -> None:
    wide = np.clip(x, -4, 4, dtype=np.float64)
    square = np.multiply(wide, wide)
    np.multiply(wide, _polynomial(square, TOP), wide)
    np.divide(wide, _polynomial(square, BOTTOM), wide)
    np.clip(wide, -1, 1, found, casting="same_kind")


def _polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    *rest, highest = coefficients
    found = np.multiply(x, highest)
    for c in reversed(rest[1:]):
        np.add(found, c, found)
        np.multiply(found, x, found)
    return np.add(found, rest[0], found)


def _by_chunks(function: Callable[[Array, Array], None], x: Array) -> Array:
    """Return what ``function`` writes into its second argument, piece by piece."""
    found = np.empty(x.shape, x.dtype)
    source, target = np.ascontiguousarray(x).reshape(-1), found.reshape(-1)
    for start in range(0, x.size, BLOCK):
        function(source[start : start + BLOCK], target[start : start + BLOCK])
    return found


def _body(name: str, x: Array) -> Array:
    """Return what the generic body of an op computes."""
    lower = lookup(name).lower
    assert lower is not None
    found: Array = lower(np, x)
    return found


INTO = frozenset({"one_in_row", "where", "relu", "pow", "special.expit", "logaddexp", "special.erf"})
"""Kernels that take where to write as ``out``; it must be nothing that they read."""

KERNELS: dict[str, Callable[..., Any]] = {
    "where": where,
    "relu": relu,
    "pow": power,
    "special.expit": expit,
    "logaddexp": logaddexp,
    "special.erf": erf,
}
