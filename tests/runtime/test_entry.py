"""The short way into a function: what passes is computed alike, and what does not fit goes the long way."""

import numpy as np
import pytest

import kbplug
from kbplug import backend as K
from kbplug.errors import FeedError


def function(shape=(None, 2), dtype="float64"):
    """Return a function of one input that has been called, so that it knows its short way."""
    x = K.placeholder(shape, dtype=dtype)
    made = K.function([x], [x * 2, K.sum(x)])
    made([np.ones([n or 3 for n in shape], dtype)])
    return made


@pytest.mark.parametrize("rows", [0, 1, 3, 5])
def test_arrays_that_fit_pass(rows):
    made = function()
    x = np.arange(2.0 * rows).reshape(rows, 2)
    passed = made.short([x])
    assert [type(y) for y in passed] == [np.ndarray, np.ndarray]
    for a, b, c in zip(passed, made([x]), (2 * x, x.sum()), strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, c)


@pytest.mark.parametrize(
    "value",
    [
        [[1.0, 2.0]],
        np.ones((3, 2), "float32"),
        np.ones((3, 2), ">f8"),
        np.ones((3, 2), "int64"),
        np.ones((3, 2)).view(np.recarray),
        np.ma.array([[1.0, 2.0]]),
    ],
    ids=["list", "float32", "big-endian", "integers", "subclass", "masked"],
)
def test_what_must_be_converted_goes_the_long_way(value):
    made = function()
    assert made.short([value]) is None
    found, total = made([value])
    assert (found.dtype, type(found)) == (np.float64, np.ndarray)
    np.testing.assert_array_equal(found, 2 * np.asarray(value))
    assert total == np.sum(np.asarray(value))


@pytest.mark.parametrize("value", [np.ones(2), np.ones((2, 3)), np.ones((1, 2, 2))])
def test_what_does_not_fit_is_refused_as_before(value):
    made = function()
    assert made.short([value]) is None
    with pytest.raises(FeedError, match="expects the shape"):
        made([value])


def test_another_engine_does_not_take_it():
    made = function()
    x = np.ones((3, 2))
    with kbplug.engine_scope("strict"):
        assert made.short([x]) is None
        np.testing.assert_array_equal(made([x])[0], 2 * x)
    assert made.short is None, "what ran last has none"
    made([x])
    assert made.short([x]) is not None


def test_what_does_more_than_run_has_none():
    x, v = K.placeholder((2,), dtype="float64"), K.variable(np.ones(2), dtype="float64")
    given = np.array([1.0, 2.0])
    for outputs, updates in [([x], []), ([x * v], []), ([x * 2], [(v, x)]), ([x * K.random_uniform((2,))], [])]:
        made = K.function([x], outputs, updates)
        made([given])
        assert made.short is None
