"""Distinct elements and membership, as NumPy does it: sorted, each NaN by itself."""

import numpy as np


def unique_all(x):
    values, first, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    return values, first, inverse.reshape(x.shape), counts


def parts(*indices):
    return lambda x: tuple(unique_all(x)[i] for i in indices)


REFERENCES = {
    "unique_all": unique_all,
    "unique_counts": parts(0, 3),
    "unique_inverse": parts(0, 2),
    "unique_values": parts(0),
    "isin": np.isin,
}
