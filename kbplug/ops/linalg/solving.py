"""Inverses, linear systems, determinants and rank."""

from __future__ import annotations

from typing import Any, NamedTuple

from kbplug.dtypes import COMPLEX, real_of
from kbplug.errors import ShapeError
from kbplug.graph.spec import Spec, broadcast, merge_sizes
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import FLOAT, accept, primitive
from kbplug.ops.elementwise import conj
from kbplug.ops.linalg.matrices import adjoint, matrix, square
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import size_along


class SlogdetResult(NamedTuple):
    """Sign of a determinant, or its phase if complex, and the logarithm of its modulus."""

    sign: Spec
    logabsdet: Spec


@primitive("linalg.inv")
def inv(x: Spec, /) -> Spec:
    """Inverse of square matrices."""
    accept("linalg.inv", FLOAT, x)
    square("linalg.inv", x)
    return x


@inv.derive
def _(g: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
    back = adjoint(y)
    return (-xp.matmul(xp.matmul(back, g), back),)


@primitive("linalg.solve", promotes=range)
def solve(x1: Spec, x2: Spec, /) -> Spec:
    """The y with x1 y = x2; x2 is a vector if it has one dimension, else a stack of matrices."""
    accept("linalg.solve", FLOAT, x1, x2)
    batch, n = square("linalg.solve", x1)
    if not x2.ndim:
        raise ShapeError("linalg.solve needs a vector or matrices on the right-hand side, not a 0-d array.")
    n = merge_sizes(n, x2.shape[0] if x2.ndim == 1 else x2.shape[-2], f"linalg.solve of {x1.shape} and {x2.shape}")
    if x2.ndim == 1:
        return x1.like(shape=(*batch, n))
    return x1.like(shape=(*broadcast(batch, x2.shape[:-2]), n, x2.shape[-1]))


@solve.derive
def _(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    if b.ndim > 1:
        g_b = xp.linalg.solve(adjoint(a), g)
        return -xp.matmul(g_b, adjoint(y)), g_b
    column = xp.linalg.solve(adjoint(a), xp.expand_dims(g, axis=-1))
    return -column * conj(xp.expand_dims(y, axis=-2)), xp.squeeze(column, axis=-1)


@primitive("linalg.pinv")
def pinv(x: Spec, rtol: Spec | None = None, /) -> Spec:
    """Moore-Penrose inverse; singular values up to ``rtol`` times the largest count as 0, and keep the rank."""
    accept("linalg.pinv", FLOAT, x)
    batch, rows, columns = matrix("linalg.pinv", x)
    return x.like(shape=(*batch, columns, rows))


@pinv.implement
def _(xp: Any, x: Any, rtol: Any = None, /) -> Any:
    default = max(x.shape[-2:]) * float(xp.finfo(x.dtype).eps)
    return xp.linalg.pinv(x, rtol=default if rtol is None else rtol)


@pinv.derive
def _(g: Tensor, y: Tensor, x: Tensor, rtol: Tensor | None) -> tuple[Tensor, None]:
    """Golub and Pereyra (1973); it holds while the rank is constant."""
    back, turned = adjoint(y), adjoint(g)
    inside = -xp.matmul(xp.matmul(back, g), back)
    rows = xp.matmul(xp.matmul(turned, y), back)
    columns = xp.matmul(xp.matmul(back, y), turned)
    outside = rows - xp.matmul(x, xp.matmul(y, rows)) + columns - xp.matmul(xp.matmul(columns, y), x)
    return inside + outside, None


@primitive("linalg.matrix_rank")
def matrix_rank(x: Spec, rtol: Spec | None = None, /) -> Spec:
    """How many singular values exceed ``rtol`` times the largest."""
    accept("linalg.matrix_rank", FLOAT, x)
    batch, _, _ = matrix("linalg.matrix_rank", x)
    return Spec(batch, "int64")


@matrix_rank.implement
def _(xp: Any, x: Any, rtol: Any = None, /) -> Any:
    return xp.linalg.matrix_rank(x, rtol=rtol)


@primitive("linalg.det")
def det(x: Spec, /) -> Spec:
    """Determinant of square matrices; its gradient is exact at singular ones too."""
    accept("linalg.det", FLOAT, x)
    batch, _ = square("linalg.det", x)
    return x.like(shape=batch)


@det.derive
def _(g: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
    return (_spread(g) * conj(xp.linalg.cofactors(x)),)


def _spread(x: Tensor) -> Tensor:
    """Return one number per matrix with two more dimensions."""
    return xp.expand_dims(x, axis=(-2, -1))


@primitive("linalg.cofactors")
def cofactors(x: Spec, /) -> Spec:
    """Derivatives of the determinant by each element: the signed minors, singular matrices included."""
    accept("linalg.cofactors", FLOAT, x)
    square("linalg.cofactors", x)
    return x


@cofactors.implement
def _(xp: Any, x: Any, /) -> Any:
    """With x = U S V^H they are det(U V^H) conj(U E V^H), where E holds the products of all other singular values."""
    u, s, vh = xp.linalg.svd(x)
    ahead = xp.cumulative_prod(s, axis=-1, include_initial=True)[..., :-1]
    behind = xp.flip(xp.cumulative_prod(xp.flip(s, axis=-1), axis=-1, include_initial=True)[..., :-1], axis=-1)
    others = xp.expand_dims(xp.astype(ahead * behind, x.dtype), axis=-2)
    phase = xp.expand_dims(xp.expand_dims(xp.linalg.det(xp.matmul(u, vh)), axis=-1), axis=-1)
    return phase * xp.conj(xp.matmul(u * others, vh))


@cofactors.derive
def _(g: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
    """A cofactor is the determinant with its row and column replaced by those of the identity.

    That many determinants make it slow for large matrices, but it is exact for all, and so are its derivatives.
    """
    index = xp.arange(size_along(x, -1))
    hit = xp.expand_dims(index, axis=-1) == index  # [i, row] and [j, column]
    row = xp.expand_dims(hit, axis=(1, 3))  # [i, 1, row, 1]
    column = xp.expand_dims(hit, axis=(0, 2))  # [1, j, 1, column]
    replaced = row | column
    crossed = xp.where(row & column, 1.0, xp.where(replaced, 0.0, xp.expand_dims(x, axis=(-4, -3))))
    slopes = _spread(g) * conj(xp.linalg.cofactors(crossed))
    return (xp.sum(xp.where(replaced, 0.0, slopes), axis=(-4, -3)),)


@primitive("linalg.slogdet")
def slogdet(x: Spec, /) -> SlogdetResult:
    """Sign of the determinant and logarithm of its modulus, which does not overflow."""
    accept("linalg.slogdet", FLOAT, x)
    batch, _ = square("linalg.slogdet", x)
    return SlogdetResult(x.like(shape=batch), Spec(batch, real_of(x.dtype)))


@slogdet.derive
def _(g: tuple[Tensor | None, Tensor | None], y: tuple[Tensor, Tensor], x: Tensor) -> tuple[Tensor]:
    (g_sign, g_log), (sign, log) = g, y
    along = xp.zeros_like(log) if g_log is None else g_log
    if g_sign is not None and x.dtype in COMPLEX:
        along = along - 1j * xp.imag(conj(g_sign) * sign)  # a real sign does not move
    return (_spread(along) * adjoint(xp.linalg.inv(x)),)


__all__ = ["SlogdetResult"]
