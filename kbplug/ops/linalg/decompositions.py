"""Decompositions of matrices, and the eigenvalues and singular values alone.

The derivatives of vectors divide by the gaps between eigenvalues, or between squared singular values:
where two are equal they are NaN, while those of the values stay finite. Vectors of complex matrices are
determined up to phases; a loss that depends on those has no derivative and gets a meaningless one.
Formulas: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), and Wan and Zhang, arXiv:1909.02659, for the complex singular value decomposition.
"""

from __future__ import annotations

from typing import NamedTuple

from kbplug.dtypes import COMPLEX, complex_of, real_of
from kbplug.errors import ArgumentError, GradientError
from kbplug.graph.spec import Size, Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import FLOAT, accept, primitive
from kbplug.ops.elementwise import conj
from kbplug.ops.linalg.matrices import adjoint, matrix, on_diagonal, smaller, square
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import size_along

Given = tuple[Tensor | None, ...]


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and orthonormal eigenvectors as columns."""

    eigenvalues: Spec
    eigenvectors: Spec


class EigResult(NamedTuple):
    """Eigenvalues in no order, and eigenvectors of unit length as columns; both complex."""

    eigenvalues: Spec
    eigenvectors: Spec


class QRResult(NamedTuple):
    """A matrix with orthonormal columns, and an upper triangular one."""

    Q: Spec
    R: Spec


class SVDResult(NamedTuple):
    """Left singular vectors as columns, singular values in descending order, right singular vectors as rows."""

    U: Spec
    S: Spec
    Vh: Spec


@primitive("linalg.cholesky")
def cholesky(x: Spec, /, *, upper: bool = False) -> Spec:
    """Triangular L with L L^H = x, or U with U^H U = x; x is taken as Hermitian, and so is its gradient."""
    accept("linalg.cholesky", FLOAT, x)
    square("linalg.cholesky", x)
    return x


@cholesky.derive
def _(g: Tensor, y: Tensor, x: Tensor, upper: bool) -> tuple[Tensor]:
    lower, g = (adjoint(y), adjoint(g)) if upper else (y, g)
    flipped = adjoint(lower)
    left = xp.linalg.solve(flipped, _mirrored(xp.matmul(flipped, g)))
    return (0.5 * adjoint(xp.linalg.solve(flipped, adjoint(left))),)


def _mirrored(x: Tensor) -> Tensor:
    """Return the Hermitian matrix with the lower triangle of ``x`` and the real part of its diagonal."""
    lower = xp.tril(x)
    doubled = lower + adjoint(lower)
    return xp.where(on_diagonal(x), 0.5 * doubled, doubled)


@primitive("linalg.qr")
def qr(x: Spec, /, *, mode: str = "reduced") -> QRResult:
    """Orthonormal Q and upper triangular R with Q R = x; R has a real diagonal."""
    accept("linalg.qr", FLOAT, x)
    batch, rows, columns = matrix("linalg.qr", x)
    if mode not in ("reduced", "complete"):
        raise ArgumentError(f"The mode of linalg.qr is 'reduced' or 'complete', not {mode!r}.")
    inner = rows if mode == "complete" else smaller(rows, columns)
    return QRResult(x.like(shape=(*batch, rows, inner)), x.like(shape=(*batch, inner, columns)))


@qr.derive
def _(g: Given, y: tuple[Tensor, Tensor], x: Tensor, mode: str) -> tuple[Tensor]:
    """Through the square block of R; the columns beyond it depend on Q alone, as R2 = Q^H A2."""
    q, r = y
    if mode == "complete" and not _at_most(x.shape[-2], x.shape[-1]):
        raise GradientError("linalg.qr in mode 'complete' of tall matrices has no derivative; use mode 'reduced'.")
    g_q, g_r = (xp.zeros_like(v) if c is None else c for c, v in zip(g, y, strict=True))
    if _at_most(x.shape[-1], x.shape[-2]):
        return (_square_qr(g_q, g_r, q, r),)
    k = size_along(q, -1)
    beyond = g_r[..., k:]
    g_q = g_q + xp.matmul(x[..., k:], adjoint(beyond))
    return (xp.concat([_square_qr(g_q, g_r[..., :k], q, r[..., :k]), xp.matmul(q, beyond)], axis=-1),)


def _at_most(a: Size, b: Size) -> bool:
    """Say whether ``a <= b`` is known."""
    return a is not None and b is not None and a <= b


def _square_qr(g_q: Tensor, g_r: Tensor, q: Tensor, r: Tensor) -> Tensor:
    inner = _mirrored(xp.matmul(r, adjoint(g_r)) - xp.matmul(adjoint(g_q), q))
    return adjoint(xp.linalg.solve(r, adjoint(g_q + xp.matmul(q, inner))))


@primitive("linalg.svd")
def svd(x: Spec, /, *, full_matrices: bool = True) -> SVDResult:
    """Orthonormal U, Vh and descending S with U diag(S) Vh = x; all of U and Vh, or their first columns and rows."""
    accept("linalg.svd", FLOAT, x)
    batch, rows, columns = matrix("linalg.svd", x)
    k = smaller(rows, columns)
    return SVDResult(
        x.like(shape=(*batch, rows, rows if full_matrices else k)),
        Spec((*batch, k), real_of(x.dtype)),
        x.like(shape=(*batch, columns if full_matrices else k, columns)),
    )


@svd.derive
def _(g: Given, y: tuple[Tensor, Tensor, Tensor], x: Tensor, full_matrices: bool) -> tuple[Tensor]:
    g_u, g_s, g_vh = g
    if g_u is None and g_vh is None:
        return (_by_singular_values(g_s, x),)  # type: ignore[arg-type]
    rows, columns = x.shape[-2:]
    tall, wide = not _at_most(rows, columns), not _at_most(columns, rows)
    if full_matrices and (tall or wide):
        raise GradientError(
            "The vectors of linalg.svd with full_matrices=True have a derivative for square matrices only, since the "
            f"others are not determined by a matrix of shape {x.shape}; use full_matrices=False."
        )
    u, s, vh = y
    result = xp.matmul(xp.matmul(u, _core(g_u, g_s, g_vh, u, s, vh)), vh)
    if tall and g_u is not None:
        result = result + xp.matmul(_outside(xp.divide(g_u, xp.expand_dims(s, axis=-2)), u), vh)
    if wide and g_vh is not None:
        scaled = adjoint(xp.divide(g_vh, xp.expand_dims(s, axis=-1)))
        result = result + xp.matmul(u, adjoint(_outside(scaled, adjoint(vh))))
    return (result,)


def _core(g_u: Tensor | None, g_s: Tensor | None, g_vh: Tensor | None, u: Tensor, s: Tensor, vh: Tensor) -> Tensor:
    """Return the gradient of the singular values' matrix in the coordinates of the singular vectors."""
    row, column, gaps = xp.expand_dims(s, axis=-2), xp.expand_dims(s, axis=-1), _gaps(s * s)
    diagonal = on_diagonal(gaps)
    parts = [] if g_s is None else [xp.where(diagonal, xp.expand_dims(g_s, axis=-1), 0.0)]
    if g_u is not None:
        skew = _skew(xp.matmul(adjoint(u), g_u))
        parts.append(xp.where(diagonal, 0.0, skew / gaps * row))
        if u.dtype in COMPLEX:  # the common phase of a pair of vectors
            parts.append(xp.where(diagonal, skew / (2.0 * column), 0.0))
    if g_vh is not None:
        skew = _skew(xp.matmul(vh, adjoint(g_vh)))
        parts.append(xp.where(diagonal, 0.0, column * skew / gaps))
    return _total(parts)


def _total(parts: list[Tensor]) -> Tensor:
    first, *rest = parts
    for part in rest:
        first = first + part
    return first


def _skew(x: Tensor) -> Tensor:
    return x - adjoint(x)


def _gaps(w: Tensor) -> Tensor:
    """Return ``w_j - w_i`` at (i, j), and 1 on the diagonal."""
    rows, columns = xp.expand_dims(w, axis=-1), xp.expand_dims(w, axis=-2)
    difference = columns - rows
    return xp.where(on_diagonal(difference), 1.0, difference)


def _outside(x: Tensor, q: Tensor) -> Tensor:
    """Return the part of the columns ``x`` that is orthogonal to the orthonormal columns ``q``."""
    return x - xp.matmul(q, xp.matmul(adjoint(q), x))


def _by_singular_values(g: Tensor, x: Tensor) -> Tensor:
    u, _, vh = xp.linalg.svd(x, full_matrices=False)
    return xp.matmul(u * xp.expand_dims(g, axis=-2), vh)


@primitive("linalg.svdvals")
def svdvals(x: Spec, /) -> Spec:
    """Singular values in descending order."""
    accept("linalg.svdvals", FLOAT, x)
    batch, rows, columns = matrix("linalg.svdvals", x)
    return Spec((*batch, smaller(rows, columns)), real_of(x.dtype))


@svdvals.derive
def _(g: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
    return (_by_singular_values(g, x),)


@primitive("linalg.eigh")
def eigh(x: Spec, /) -> EighResult:
    """Ascending eigenvalues and orthonormal eigenvectors; x is taken as Hermitian, and so is its gradient."""
    accept("linalg.eigh", FLOAT, x)
    batch, n = square("linalg.eigh", x)
    return EighResult(Spec((*batch, n), real_of(x.dtype)), x)


@eigh.derive
def _(g: Given, y: tuple[Tensor, Tensor], x: Tensor) -> tuple[Tensor]:
    (g_w, g_v), (w, v) = g, y
    if g_v is None:
        return (_by_eigenvalues(g_w, v),)  # type: ignore[arg-type]
    diagonal = 0.0 if g_w is None else xp.expand_dims(g_w, axis=-1)
    turning = xp.matmul(adjoint(v), g_v) / _gaps(w)
    result = xp.matmul(xp.matmul(v, xp.where(on_diagonal(v), diagonal, turning)), adjoint(v))
    return (0.5 * (result + adjoint(result)),)


def _by_eigenvalues(g: Tensor, v: Tensor) -> Tensor:
    return xp.matmul(v * xp.expand_dims(g, axis=-2), adjoint(v))


@primitive("linalg.eigvalsh")
def eigvalsh(x: Spec, /) -> Spec:
    """Ascending eigenvalues of a matrix that is taken as Hermitian, as its gradient is."""
    accept("linalg.eigvalsh", FLOAT, x)
    batch, n = square("linalg.eigvalsh", x)
    return Spec((*batch, n), real_of(x.dtype))


@eigvalsh.derive
def _(g: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
    return (_by_eigenvalues(g, xp.linalg.eigh(x).eigenvectors),)


@primitive("linalg.eig")
def eig(x: Spec, /) -> EigResult:
    """Eigenvalues and eigenvectors of unit length, complex even for a real matrix."""
    accept("linalg.eig", FLOAT, x)
    batch, n = square("linalg.eig", x)
    dtype = complex_of(x.dtype)
    return EigResult(Spec((*batch, n), dtype), x.like(dtype=dtype))


@eig.derive
def _(g: Given, y: tuple[Tensor, Tensor], x: Tensor) -> tuple[Tensor]:
    (g_w, g_v), (w, v) = g, y
    if g_v is None:
        return (_by_any_eigenvalues(g_w, v),)  # type: ignore[arg-type]
    back = adjoint(v)
    inner = xp.matmul(back, g_v)
    lengths = xp.real(xp.linalg.diagonal(inner))  # what would change the vectors' unit length
    inner = inner - xp.matmul(back, v) * xp.expand_dims(lengths, axis=-2)
    diagonal = 0.0 if g_w is None else xp.expand_dims(g_w, axis=-1)
    inner = xp.where(on_diagonal(v), diagonal, inner / conj(_gaps(w)))
    return (xp.linalg.solve(back, xp.matmul(inner, back)),)


def _by_any_eigenvalues(g: Tensor, v: Tensor) -> Tensor:
    back = adjoint(v)
    return xp.linalg.solve(back, xp.expand_dims(g, axis=-1) * back)


@primitive("linalg.eigvals")
def eigvals(x: Spec, /) -> Spec:
    """Eigenvalues, complex even for a real matrix, in no order."""
    accept("linalg.eigvals", FLOAT, x)
    batch, n = square("linalg.eigvals", x)
    return Spec((*batch, n), complex_of(x.dtype))


@eigvals.derive
def _(g: Tensor, y: Tensor, x: Tensor) -> tuple[Tensor]:
    """The order of the eigenvalues is the engine's; it is the same with and without the vectors."""
    return (_by_any_eigenvalues(g, xp.linalg.eig(x).eigenvectors),)


__all__ = ["EigResult", "EighResult", "QRResult", "SVDResult"]
