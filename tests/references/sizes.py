"""Sizes, read by NumPy."""

import numpy as np


def sum_like(x, like):
    """Add each element of ``x`` to the place of ``like`` that was broadcast to it."""
    total = np.zeros(like.shape, x.dtype)
    for index in np.ndindex(x.shape):
        place = index[x.ndim - like.ndim :]
        total[tuple(0 if n == 1 else i for i, n in zip(place, like.shape, strict=True))] += x[index]
    return total


REFERENCES = {
    "dim": lambda x, axis: np.asarray(x.shape[axis]),
    "shape": lambda x: np.asarray(x.shape, dtype="int64"),
    "sum_like": sum_like,
}
