"""Rows combined by number, some at a time: what SciPy makes of all of them together."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.sparse

from kbplug.engines.numpy import indexing
from kbplug.graph.index import ARRAY


@pytest.fixture(autouse=True)
def _few_at_a_time(monkeypatch):
    monkeypatch.setattr(indexing, "_PLACES", 12)


def rows(*shape):
    return np.random.default_rng(list(shape)).standard_normal(shape)


def chosen(ids, count):
    """Return the matrix that adds up rows by number."""
    inside = (ids >= 0) & (ids < count)
    places = (ids[inside], np.flatnonzero(inside))
    return scipy.sparse.coo_array((np.ones(inside.sum()), places), shape=(count, len(ids)))


@pytest.mark.parametrize("width", [1, 5, 40])
def test_sums_by_number(width):
    data, ids = rows(50, width), np.random.default_rng(0).integers(-2, 9, 50)
    found = indexing.segment_sum(data, ids, shape=(7,))
    np.testing.assert_allclose(found, chosen(ids, 7) @ data, rtol=1e-12, atol=1e-12)


def test_the_largest_by_number():
    data, ids = rows(50, 3), np.random.default_rng(0).integers(0, 7, 50)
    expected = [scipy.ndimage.maximum(column, ids, np.arange(7)) for column in data.T]
    np.testing.assert_array_equal(indexing.segment_max(data, ids, shape=(7,)).T, expected)


@pytest.mark.parametrize("repeated", [False, True])
def test_what_is_scattered(repeated):
    x, ids = rows(7, 5), np.random.default_rng(0).integers(-7, 7, (10, 5))
    updates = rows(10, 1, 5) if repeated else rows(10, 5, 5)
    expected = x + chosen(ids.reshape(-1) % 7, 7) @ np.broadcast_to(updates, (10, 5, 5)).reshape(50, 5)
    found = indexing.scatter_add(x, updates, ids, index=(ARRAY,))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_no_rows():
    assert indexing.segment_sum(rows(0, 3), np.zeros(0, int), shape=(2,)).tolist() == [[0.0] * 3] * 2
    assert indexing.segment_sum(rows(4, 0), np.zeros(4, int), shape=(2,)).shape == (2, 0)
