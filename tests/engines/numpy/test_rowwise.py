"""Rows in fewer calls: which values are left out, and sums as exact as they say against extended precision."""

import math

import numpy as np
import pytest

from kbplug.engines.numpy.reductions import LONG
from kbplug.engines.numpy.rowwise import in_fewer_calls, plus_one_in_row, row_product
from kbplug.graph.graph import Graph
from kbplug.graph.node import parameter
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp

one_in_row = lookup("one_in_row")


def names(build, *specs):
    inputs = [Tensor(parameter(i, Spec(*s))) for i, s in enumerate(specs)]
    region = Graph([t.node for t in inputs], [t.node for t in build(*inputs)])
    return [n.op.name for n in in_fewer_calls(region).body]


MATRIX, COLUMN, PLACES = ((7, 5), "float32"), ((7, 1), "float32"), ((7, 1), "int64")


def total(x):
    return xp.sum(x, axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("build", "others", "expected"),
    [
        (lambda x, y: [total(x * y)], [MATRIX], ["row_product"]),
        (lambda x, y: [xp.mean(x * x, axis=-1, keepdims=True) + y], [COLUMN], ["row_product", "add"]),
        (lambda x, y: [total(x * y), x * y], [MATRIX], ["multiply", "sum"]),
        (lambda x, y: [total(x * y)], [COLUMN], ["multiply", "sum"]),
        (lambda x, y: [xp.max(x * y, axis=-1, keepdims=True)], [MATRIX], ["multiply", "max"]),
        (lambda x, v, i: [xp.exp(x) + one_in_row(v, i, size=5)], [COLUMN, PLACES], ["exp", "plus_one_in_row"]),
        (lambda x, v, i: [one_in_row(v, i, size=5) + x], [COLUMN, PLACES], ["plus_one_in_row"]),
        (lambda x, v, i: [one_in_row(x, i, size=5) + x], [COLUMN, PLACES], ["one_in_row", "add"]),
        (lambda x, v, i: [v + one_in_row(v, i, size=5)], [COLUMN, PLACES], ["one_in_row", "add"]),
    ],
)
def test_what_is_left_out(build, others, expected):
    assert names(build, MATRIX, *others) == expected


def test_sizes_need_not_be_known():
    assert names(lambda x: [total(x * xp.exp(x))], ((None, None), "float64")) == ["exp", "row_product"]
    assert names(lambda x, y: [total(x * y)], *[((None, None), "float64")] * 2) == ["multiply", "sum"], "may be 1"


@pytest.mark.parametrize("dtype", ["int32", "float16"])
def test_integers_and_half_floats_are_added_as_before(dtype):
    found = names(lambda x: [xp.sum(x * x, axis=-1, keepdims=True, dtype=dtype)], ((3, 4), dtype))
    assert found == ["multiply", "sum"]


@pytest.mark.parametrize("length", [1, 5, 1000, LONG, LONG + 1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_of_products(length, dtype):
    a, b = (np.random.default_rng(length).standard_normal((2, 7, length)) * 8).astype(dtype)
    products = a.astype("longdouble") * b.astype("longdouble")
    expected = np.array([[math.fsum(row)] for row in products])
    bound = max(length / 16, 2) * np.finfo(dtype).eps * np.abs(products).sum(-1, keepdims=True)
    for averaged, count in ((False, 1), (True, length)):
        found = row_product(a, b, averaged=averaged)
        assert (found.shape, found.dtype) == ((7, 1), dtype)
        assert (np.abs(found - expected / count) <= 2 * bound / count).all()


def test_what_is_no_number_stays_in_its_row():
    a, b = np.ones((4, 100), "float32"), np.ones((4, 100), "float32")
    a[0, 5], a[1, 7], a[1, 8], a[2, 3], b[2, 3] = np.inf, np.inf, -np.inf, np.inf, 0
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(row_product(a, b, averaged=False), [[np.inf], [np.nan], [np.nan], [100]])


def test_one_more_in_each_row():
    y = np.array([[1.0, 2.0], [-0.0, 4.0], [5.0, 6.0], [7.0, 8.0]], "float32")
    values, places = np.array([[0.5], [np.nan], [9.0], [9.0]], "float32"), np.array([[0], [1], [2], [-1]])
    expected = np.array([[1.5, 2.0], [-0.0, np.nan], [5.0, 6.0], [7.0, 8.0]], "float32")
    out, kept = np.empty_like(y), y.copy()
    for found in (plus_one_in_row(y, values, places), plus_one_in_row(y, values, places, out=out)):
        np.testing.assert_array_equal(found, expected)
        assert np.signbit(found[1, 0])
    np.testing.assert_array_equal(y, kept)
    assert plus_one_in_row(y, values, places, out=y) is y
    np.testing.assert_array_equal(y, expected)


def test_one_value_for_all_rows_and_no_rows():
    found = plus_one_in_row(np.zeros((2, 3, 4)), np.full((1, 1, 1), 2.0), np.array([[[0], [1], [3]]]))
    np.testing.assert_array_equal(found, np.broadcast_to(2 * np.eye(4)[[0, 1, 3]], (2, 3, 4)))
    assert plus_one_in_row(np.zeros((0, 4)), np.zeros((0, 1)), np.zeros((0, 1), "int64")).shape == (0, 4)
