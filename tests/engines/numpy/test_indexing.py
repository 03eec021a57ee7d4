"""Scattering by number, against a product with SciPy's sparse matrix."""

import numpy as np
import pytest
import scipy.sparse

from kbplug.engines.numpy import indexing
from kbplug.graph.index import ARRAY


def rows(*shape):
    return np.random.default_rng(list(shape)).standard_normal(shape)


def chosen(ids, count):
    """Return the matrix that adds up rows by number."""
    inside = (ids >= 0) & (ids < count)
    places = (ids[inside], np.flatnonzero(inside))
    return scipy.sparse.coo_array((np.ones(inside.sum()), places), shape=(count, len(ids)))


@pytest.mark.parametrize("repeated", [False, True])
def test_what_is_scattered(repeated):
    x, ids = rows(7, 5), np.random.default_rng(0).integers(-7, 7, (10, 5))
    updates = rows(10, 1, 5) if repeated else rows(10, 5, 5)
    expected = x + chosen(ids.reshape(-1) % 7, 7) @ np.broadcast_to(updates, (10, 5, 5)).reshape(50, 5)
    found = indexing.scatter_add(x, updates, ids, index=(ARRAY,))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
