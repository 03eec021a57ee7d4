"""Products of matrices: the other call that computes them, bit for bit, and where it does not."""

import numpy as np
import pytest

import kbplug
from kbplug import backend as K

SHAPES = [
    *[((1, 16), (16, 16)), ((7, 5), (5, 3)), ((33, 64), (64, 1)), ((1, 9), (9, 1)), ((60, 65), (65, 68))],
    *[((5,), (5, 3)), ((4, 5), (5,)), ((6,), (6,)), ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((3, 2), (2, 0)), ((0,), (0,))],
]
"""Of one row, of one column, of neither; vectors; empty arrays, and sums over nothing."""


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_products_are_those_of_matmul(shapes, dtype):
    rng = np.random.default_rng(0)
    parts = [rng.standard_normal((2, *s)) for s in shapes]
    given = [(p[0] + 1j * p[1] if dtype.startswith("complex") else p[0]).astype(dtype) for p in parts]
    x, y = (K.placeholder(s, dtype=dtype) for s in shapes)
    product = K.function([x, y], [x @ y])
    (found,) = product(given)
    assert "k_matmul_dot" in product.source()
    assert (type(found), found.dtype) == (np.ndarray, dtype)
    np.testing.assert_array_equal(found, np.asarray(np.matmul(*given)), strict=True)


def test_products_with_transposes_and_of_one_matrix_are_those_of_matmul():
    given = np.random.default_rng(0).standard_normal((40, 60))
    x = K.placeholder(given.shape, dtype="float64")
    turned = K.transpose(x)
    found = K.function([x], [turned @ x, x @ turned, turned @ (2 * x)])([given])
    for a, b in zip(found, (given.T @ given, given @ given.T, given.T @ (2 * given)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("special", [np.nan, np.inf, -0.0])
def test_special_numbers_go_through_products_as_in_matmul(special):
    a, b = np.full((3, 4), special), np.eye(4)
    x, y = K.placeholder((3, 4), dtype="float64"), K.placeholder((4, 4), dtype="float64")
    with np.errstate(invalid="ignore"):
        expected = a @ b
    (found,) = K.function([x, y], [x @ y])([a, b])
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((2, 3, 3), "float64"), ((3, 3), "int64"), ((3, 3), "float16"), ((65, 65), "float32"), ((None, None), "float32")],
    ids=["many", "int", "half", "large", "unknown"],
)
def test_other_products_are_left_to_matmul(shape, dtype):
    x = K.placeholder(shape, dtype=dtype)
    assert "xp_matmul" in K.function([x], [x @ x]).source()


def test_it_can_be_left_out():
    x = K.placeholder((3, 3))
    with kbplug.without("idioms"):
        assert "xp_matmul" in K.function([x], [x @ x]).source()
