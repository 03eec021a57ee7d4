"""Linear algebra by PyTorch, einsum and definitions; of decompositions, what is determined of them."""

import numpy as np
import torch

from references.pytorch import by_torch, to_numpy, to_torch


def promoted(function):
    """Return ``function`` of two arrays on their common dtype."""

    def reference(a, b, **params):
        dtype = np.result_type(a, b)
        return function(a.astype(dtype), b.astype(dtype), **params)

    return reference


@promoted
def matmul(a, b):
    left = "...ik" if a.ndim > 1 else "k"
    right = "...kj" if b.ndim > 1 else "k"
    result = "..." + "i" * (a.ndim > 1) + "j" * (b.ndim > 1)
    return np.einsum(f"{left},{right}->{result if a.ndim > 1 or b.ndim > 1 else ''}", a, b)


@promoted
def tensordot(a, b, *, axes=2):
    pairs = zip(*axes, strict=True) if isinstance(axes, tuple) else ((i - axes, i) for i in range(axes))
    of_a, of_b = list(range(a.ndim)), list(range(a.ndim, a.ndim + b.ndim))
    for i, j in pairs:
        of_b[j] = of_a[i]
    free = [i for i in of_a if i not in of_b] + [j for j in of_b if j not in of_a]
    return np.einsum(a, of_a, b, of_b, free)


@promoted
def vecdot(a, b, *, axis=-1):
    return np.einsum("...k,...k->...", np.conj(np.moveaxis(a, axis, -1)), np.moveaxis(b, axis, -1))


@promoted
def cross(a, b, *, axis=-1):
    signs = np.zeros((3, 3, 3), a.dtype)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        signs[i, j, k], signs[i, k, j] = 1, -1
    result = np.einsum("ijk,...j,...k->...i", signs, np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1))
    return np.moveaxis(result, -1, axis)


def diagonal(x, *, offset=0):
    rows, columns = x.shape[-2:]
    places = [(i, i + offset) for i in range(rows) if 0 <= i + offset < columns]
    return x[..., [i for i, _ in places], [j for _, j in places]]


def trace(x, *, offset=0, dtype=None):
    return diagonal(x, offset=offset).sum(axis=-1, dtype=dtype)


def cofactors(x):
    """By their definition: the determinant of what is left without a row and a column, with a sign."""
    n = x.shape[-1]
    found = np.empty_like(x)
    for i in range(n):
        for j in range(n):
            minor = np.delete(np.delete(x, i, axis=-2), j, axis=-1)
            found[..., i, j] = (-1) ** (i + j) * to_numpy(torch.linalg.det(to_torch(minor)))
    return found


def solve(a, b):
    """With the stacks broadcast first: PyTorch takes some stacks of matrices for stacks of vectors."""
    column = b.ndim == 1
    right = b[:, None] if column else b
    stack = torch.broadcast_shapes(a.shape[:-2], right.shape[:-2])
    result = torch.linalg.solve(a.expand(*stack, *a.shape[-2:]), right.expand(*stack, *right.shape[-2:]))
    return result[..., 0] if column else result


def vector_norm(x, *, axis=None, keepdims=False, ord=2):
    return torch.linalg.vector_norm(x, ord, dim=axis, keepdim=keepdims)


def matrix_norm(x, *, keepdims=False, ord="fro"):
    return torch.linalg.matrix_norm(x, ord, keepdim=keepdims)


REFERENCES = {
    "matmul": matmul,
    "tensordot": tensordot,
    "vecdot": vecdot,
    "linalg.cross": cross,
    "linalg.outer": lambda a, b: np.einsum("i,j->ij", a, b),
    "linalg.matrix_power": by_torch(torch.linalg.matrix_power),
    "linalg.diagonal": diagonal,
    "linalg.trace": trace,
    "linalg.cholesky": by_torch(torch.linalg.cholesky),
    "linalg.eigh": by_torch(torch.linalg.eigh),
    "linalg.eigvalsh": by_torch(torch.linalg.eigvalsh),
    "linalg.qr": by_torch(torch.linalg.qr),
    "linalg.svd": by_torch(lambda x, full_matrices=True: torch.linalg.svd(x, full_matrices=full_matrices)),
    "linalg.svdvals": by_torch(torch.linalg.svdvals),
    "linalg.eig": by_torch(torch.linalg.eig),
    "linalg.eigvals": by_torch(torch.linalg.eigvals),
    "linalg.inv": by_torch(torch.linalg.inv),
    "linalg.det": by_torch(torch.linalg.det),
    "linalg.cofactors": cofactors,
    "linalg.slogdet": by_torch(torch.linalg.slogdet),
    "linalg.solve": promoted(by_torch(solve)),
    "linalg.pinv": by_torch(lambda x, rtol=None: torch.linalg.pinv(x, rtol=rtol)),
    "linalg.matrix_rank": by_torch(lambda x, rtol=None: torch.linalg.matrix_rank(x, rtol=rtol)),
    "linalg.vector_norm": by_torch(vector_norm),
    "linalg.matrix_norm": by_torch(matrix_norm),
}
