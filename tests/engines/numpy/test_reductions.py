"""Sums over rows inside regions: as exact as they say, against sums in extended precision."""

import math

import numpy as np
import pytest

from kbplug.engines.numpy.reductions import LONG, SHORT, mean, row_mean, row_sum, std, var


@pytest.mark.parametrize("length", [1, SHORT - 1, SHORT, 1000, LONG, LONG + 1])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_sums_of_rows(length, dtype):
    x = (np.random.default_rng(length).standard_normal((7, length)) * 8).astype(dtype)
    expected = np.array([[math.fsum(row)] for row in x.astype("float64")])
    roundings = np.finfo(dtype).eps if dtype != "int32" else 0
    bound = max(length / 16, 1) * roundings * np.abs(x.astype("float64")).sum(-1, keepdims=True)
    found = row_sum(x, axis=-1, keepdims=True, dtype=x.dtype)
    assert (found.shape, found.dtype) == ((7, 1), x.dtype)
    assert (np.abs(found - expected) <= bound).all()
    if dtype != "int32":
        found = row_mean(x, axis=-1, keepdims=True)
        assert (found.shape, found.dtype) == ((7, 1), x.dtype)
        assert (np.abs(found - expected / length) <= bound / length + roundings).all()


def test_what_is_no_number_stays_in_its_row():
    x = np.ones((3, 100), "float32")
    x[0, 5], x[1, 7], x[1, 8] = np.inf, np.inf, -np.inf
    with np.errstate(all="ignore"):
        found = row_sum(x, axis=-1, keepdims=True)
    np.testing.assert_array_equal(found, [[np.inf], [np.nan], [100]])


def test_other_layouts():
    x = np.random.default_rng(0).standard_normal((100, 50)).T
    np.testing.assert_allclose(row_sum(x, axis=-1, keepdims=True), x.sum(-1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64"])
@pytest.mark.parametrize(("shape", "axis"), [((0,), None), ((3, 0), 1), ((3, 0), (0, 1)), ((1, 4), 0), ((), None)])
def test_the_spread_of_too_little_is_no_number_and_no_warning(shape, axis, dtype):
    x = np.ones(shape, dtype)
    for function in (var, std):
        with np.errstate(all="ignore"):
            found = function(x, axis=axis, correction=1)
        with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="Degrees of freedom"):
            expected = np.var(x, axis=axis, correction=1)
        np.testing.assert_array_equal(found, expected)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)


@pytest.mark.parametrize("axis", [None, 1, (0, 2)])
def test_the_spread_of_enough_is_numpys(axis):
    x = np.random.default_rng(0).standard_normal((4, 5, 6))
    np.testing.assert_array_equal(var(x, axis=axis, correction=1), np.var(x, axis=axis, correction=1))
    np.testing.assert_array_equal(std(x, axis=axis, keepdims=True), np.std(x, axis=axis, keepdims=True))


def test_the_mean_of_nothing_is_no_number_and_no_warning():
    with np.errstate(all="ignore"):
        assert np.isnan(mean(np.ones((0,), "float16")))
