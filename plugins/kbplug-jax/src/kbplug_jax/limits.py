"""Elementwise functions at signed zeros, infinities and NaN, as the standard says where XLA answers otherwise.

The values are those of C99, annex G, and of the standard's tables; other numbers are left to JAX.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import lax

from kbplug.graph.op import lookup

Array = Any
Part = Any


def _complex(name: str, limits: Callable[[Part, Part], list[tuple[Any, Any, Any]]]) -> Callable[[Array], Array]:
    """Return a kernel that puts limits in the place of JAX's answers.

    Parameters
    ----------
    name
        The op.
    limits
        From real and imaginary part to conditions, each with the parts of the result where it holds; the first
        that holds counts.
    """
    plain = getattr(jnp, name)

    def kernel(x: Array) -> Array:
        if not jnp.issubdtype(x.dtype, jnp.complexfloating):
            return plain(x)
        lower = lookup(name).lower
        found = plain(x) if lower is None else lower(jnp, x)
        real, imag = found.real, found.imag
        for holds, to_real, to_imag in reversed(limits(x.real, x.imag)):
            real, imag = jnp.where(holds, to_real, real), jnp.where(holds, to_imag, imag)
        return lax.complex(real, imag)

    return kernel


def _wild(b: Part) -> Part:
    return ~jnp.isfinite(b)


def _exp(a: Part, b: Part) -> list[tuple[Any, Any, Any]]:
    return [(_wild(b) & (a == -jnp.inf), 0.0, 0.0), (_wild(b) & (a == jnp.inf), jnp.inf, jnp.nan)]


def _expm1(a: Part, b: Part) -> list[tuple[Any, Any, Any]]:
    return [(holds, real - 1.0, imag) for holds, real, imag in _exp(a, b)]


def _cosh(a: Part, b: Part) -> list[tuple[Any, Any, Any]]:
    return [(_wild(b) & (a == 0), jnp.nan, 0.0), (_wild(b) & jnp.isinf(a), jnp.inf, jnp.nan)]


def _sinh(a: Part, b: Part) -> list[tuple[Any, Any, Any]]:
    return [(_wild(b) & (a == 0), a, jnp.nan), (_wild(b) & jnp.isinf(a), a, jnp.nan)]


def _tanh(a: Part, b: Part) -> list[tuple[Any, Any, Any]]:
    return [(_wild(b) & (a == 0), a, jnp.nan)]


def _log(a: Part, b: Part) -> list[tuple[Any, Any, Any]]:
    return [(_one_nan(a, b), jnp.inf, jnp.nan)]


def _one_nan(a: Part, b: Part) -> Part:
    """Say where one part is infinite and the other NaN."""
    return (jnp.isinf(a) & jnp.isnan(b)) | (jnp.isnan(a) & jnp.isinf(b))


def _unknown(a: Part, b: Part) -> Part:
    """Say where one part is finite and the other NaN."""
    return (jnp.isfinite(a) & jnp.isnan(b)) | (jnp.isnan(a) & jnp.isfinite(b))


def _sqrt(a: Part, b: Part) -> list[tuple[Any, Any, Any]]:
    up, down = jnp.isnan(b) & (a == jnp.inf), jnp.isnan(b) & (a == -jnp.inf)
    return [(jnp.isinf(b), jnp.inf, b), (up, jnp.inf, jnp.nan), (down, jnp.nan, jnp.inf)]


def _acos(a: Part, b: Part) -> list[tuple[Any, Any, Any]]:
    return [((a == 0) & jnp.isnan(b), jnp.pi / 2, jnp.nan), (_unknown(a, b), jnp.nan, jnp.nan)]


def _acosh(a: Part, b: Part) -> list[tuple[Any, Any, Any]]:
    return [((a == 0) & jnp.isnan(b), jnp.nan, jnp.pi / 2), (_unknown(a, b), jnp.nan, jnp.nan)]


def _asinh(a: Part, b: Part) -> list[tuple[Any, Any, Any]]:
    return [(jnp.isnan(a) & (b == 0), jnp.nan, b), (_unknown(a, b), jnp.nan, jnp.nan)]


def _atanh(a: Part, b: Part) -> list[tuple[Any, Any, Any]]:
    edge = (a == 0) | jnp.isinf(a)
    return [
        (jnp.isnan(b) & edge, jnp.copysign(0.0, a), jnp.nan),
        (jnp.isnan(b) | (jnp.isnan(a) & jnp.isfinite(b)), jnp.nan, jnp.nan),
    ]


def remainder(a: Array, b: Array) -> Array:
    """Return ``a - b * floor(a / b)``; a remainder of zero has the sign of ``b``."""
    found = jnp.remainder(a, b)
    return jnp.where(found == 0, jnp.copysign(found, b), found) if jnp.issubdtype(found.dtype, jnp.floating) else found


def floor_divide(a: Array, b: Array) -> Array:
    """Return ``a / b`` rounded down; of a zero it is the quotient, which has the sign that it should."""
    lower = lookup("floor_divide").lower
    assert lower is not None  # it mends the quotients of infinities
    found = lower(jnp, a, b)
    return jnp.where(a == 0, a / b, found) if jnp.issubdtype(found.dtype, jnp.floating) else found


KERNELS: dict[str, Callable[..., Any]] = {
    "acos": _complex("acos", _acos),
    "acosh": _complex("acosh", _acosh),
    "asinh": _complex("asinh", _asinh),
    "atanh": _complex("atanh", _atanh),
    "cosh": _complex("cosh", _cosh),
    "exp": _complex("exp", _exp),
    "expm1": _complex("expm1", _expm1),
    "floor_divide": floor_divide,
    "log": _complex("log", _log),
    "log1p": _complex("log1p", _log),
    "remainder": remainder,
    "sinh": _complex("sinh", _sinh),
    "sqrt": _complex("sqrt", _sqrt),
    "tanh": _complex("tanh", _tanh),
}
