"""Linear algebra where NumPy's answer is not the standard's, or another of its functions has the same sooner."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from kbplug.dtypes import COMPLEX

if TYPE_CHECKING:
    from kbplug.graph.node import Node

Array = np.ndarray[Any, Any]


def eig(x: Array) -> tuple[Array, Array]:
    """Return eigenvalues and eigenvectors; NumPy's are real where a real matrix has real ones alone."""
    values, vectors = np.linalg.eig(x)
    return _complex(values, x), _complex(vectors, x)


def eigvals(x: Array) -> Array:
    """Return eigenvalues, likewise."""
    return _complex(np.linalg.eigvals(x), x)


def _complex(values: Array, x: Array) -> Array:
    return values.astype(np.result_type(x.dtype, np.complex64), copy=False)


_BLAS = ("float32", "float64", *COMPLEX)

_FEW = 1 << 12
"""Elements of a result that ``dot`` fills with zeros in less time than it saves."""


def product_at(node: Node) -> Callable[..., Any] | None:
    """Return ``ndarray.dot`` for a small product of matrices or vectors.

    It is the same call of BLAS as ``matmul``'s, which spends twice as long before it on what many axes would need, but
    does not fill the result with zeros first.
    """
    if node.op.name != "matmul" or node.result.dtype not in _BLAS:
        return None
    size = node.result.size
    small = size is not None and size <= _FEW and all(n.result.ndim <= 2 for n in node.inputs)
    return np.ndarray.dot if small else None


KERNELS: dict[str, Callable[..., Any]] = {"linalg.eig": eig, "linalg.eigvals": eigvals}
