"""What is determined of results that are free up to a sign, a phase or an order. Knows linear algebra, no engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

HostArray = np.ndarray[Any, Any]
Results = Sequence[HostArray]


def adjoint(x: HostArray) -> HostArray:
    """Return the conjugate transpose."""
    return np.conj(np.swapaxes(x, -1, -2))


def weighted(left: HostArray, right: HostArray) -> HostArray:
    """Return the products of the k-th column and the k-th row, summed with the weights 1, 2, 3, ..."""
    product: HostArray = left * np.arange(1, left.shape[-1] + 1, dtype=left.real.dtype) @ right
    return product


def parts(x: HostArray) -> HostArray:
    """Return a complex array as one of reals, so that an error in either part counts against the whole."""
    return np.stack([x.real, x.imag])


def of_eigh(results: Results) -> tuple[HostArray, ...]:
    """Vectors may have any phase."""
    values, vectors = results
    return values, parts(weighted(vectors, adjoint(vectors)))


def of_eig(results: Results) -> tuple[HostArray, ...]:
    """In any order, with vectors of any phase."""
    values, vectors = results
    inverse = np.linalg.inv(vectors)
    powers = [parts(vectors * values[..., None, :] ** k @ inverse) for k in (1, 2)]
    return *powers, np.sum(np.abs(vectors) ** 2, axis=-2)


def of_eigvals(results: Results) -> tuple[HostArray, ...]:
    """In any order."""
    (values,) = results
    return tuple(parts(np.sum(values**k, axis=-1)) for k in range(1, values.shape[-1] + 1))


def of_qr(results: Results) -> tuple[HostArray, ...]:
    """With every diagonal element of R made positive."""
    q, r = results
    pivots = np.diagonal(r, axis1=-2, axis2=-1)
    phases = np.ones((*q.shape[:-2], q.shape[-1]), q.dtype)
    phases[..., : pivots.shape[-1]] = pivots / np.abs(pivots)
    return parts(q * phases[..., None, :]), parts(r * np.conj(phases)[..., :, None])


def of_svd(results: Results) -> tuple[HostArray, ...]:
    """Pairs of vectors share a phase; those beyond the singular values are any basis of what is left."""
    u, s, vh = results
    k = s.shape[-1]
    pairs = weighted(u[..., :k], vh[..., :k, :])
    left = weighted(u[..., :k], adjoint(u[..., :k]))
    return s, *map(parts, (pairs, left, adjoint(u) @ u, vh @ adjoint(vh)))


INVARIANTS: dict[str, Callable[[Results], tuple[HostArray, ...]]] = {
    "linalg.eigh": of_eigh,
    "linalg.eig": of_eig,
    "linalg.eigvals": of_eigvals,
    "linalg.qr": of_qr,
    "linalg.svd": of_svd,
}
"""Op name to a function of its results."""
