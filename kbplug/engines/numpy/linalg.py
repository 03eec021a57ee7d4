"""Linear algebra where NumPy's answer is not the standard's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

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


KERNELS: dict[str, Callable[..., Any]] = {"linalg.eig": eig, "linalg.eigvals": eigvals}
