"""Sparse matrices against SciPy: made, fed, multiplied, joined, and used as if dense."""

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.errors import FeedError, ShapeError

sparse = pytest.importorskip("scipy.sparse")


@pytest.fixture
def matrix():
    return sparse.csr_array(np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [3.0, 0.0, 4.0], [0.0, 0.0, 5.0]]))


def computed(graph):
    """Return the names of all ops a function runs."""
    return {n.op.name for n in K.function([], [graph]).graph.nodes}


def test_what_is_sparse(matrix):
    given = K.variable(matrix), K.placeholder((None, 3), sparse=True)
    for x in given:
        assert K.is_sparse(x)
        assert K.is_tensor(x)
        assert (x.dtype, x._keras_shape) == ("float32", x.shape)
        assert not K.is_sparse(K.to_dense(x))
    assert not K.is_sparse(K.zeros((2, 2)))
    assert not K.is_tensor(matrix)


def test_values(matrix):
    np.testing.assert_array_equal(K.eval(K.variable(matrix)), matrix.toarray())
    np.testing.assert_array_equal(K.get_value(K.to_dense(K.variable(matrix))), matrix.toarray())


def test_products_are_not_made_dense(matrix, normal):
    w = K.variable(normal(3, 2), dtype="float64")
    product = K.dot(K.variable(matrix, dtype="float64"), w)
    np.testing.assert_allclose(K.eval(product), matrix @ K.get_value(w), rtol=1e-12)
    slope = K.gradients(K.sum(product**2), [w])[0]
    np.testing.assert_allclose(K.eval(slope), 2 * matrix.T @ (matrix @ K.get_value(w)), rtol=1e-12)
    assert "scatter_add" not in computed(product)


@pytest.mark.parametrize("rows", [None, 4])
def test_matrices_are_fed(rows, matrix, normal):
    x, w = K.placeholder((rows, 3), sparse=True, name="x"), K.variable(normal(3, 2))
    f = K.function([x, K.learning_phase()], [K.dot(x, w), K.sum(x, axis=1)], name="f")
    product, sums = f([matrix, 0])
    np.testing.assert_allclose(product, matrix @ K.get_value(w), rtol=1e-6)
    assert sums.tolist() == [2.0, 0.0, 7.0, 5.0]
    assert f([sparse.coo_array((4, 3)), 1])[1].tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ones((4, 3)), "Input 0 of f is sparse and takes a matrix of scipy.sparse, not a ndarray"),
        (sparse.csr_array((4, 2)), r"Input 0 of f expects the shape \(None, 3\), but was given \(4, 2\)"),
    ],
)
def test_what_does_not_fit(value, message):
    x = K.placeholder((None, 3), sparse=True)
    f = K.function([x], [K.sum(x)], name="f")
    with pytest.raises(FeedError, match=message):
        f([value])
    with pytest.raises(FeedError, match="takes 1 inputs"):
        f([])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_joining(axis, matrix):
    joined = K.concatenate([K.variable(matrix), K.variable(matrix * 2)], axis=axis)
    assert K.is_sparse(joined)
    wanted = np.concatenate([matrix.toarray(), 2 * matrix.toarray()], axis=axis)
    np.testing.assert_array_equal(K.eval(joined), wanted)


def test_joining_fed_matrices(matrix):
    a, b = K.placeholder((None, 3), sparse=True), K.placeholder((None, 3), sparse=True)
    joined = K.concatenate([a, b], axis=0)
    found = K.function([a, b], [K.dot(joined, K.eye(3))])([matrix, matrix[:2]])[0]
    np.testing.assert_array_equal(found, sparse.vstack([matrix, matrix[:2]]).toarray())


def test_a_sparse_and_a_dense_matrix_give_a_dense_one(matrix):
    joined = K.concatenate([K.variable(matrix), K.ones((4, 1))])
    assert (K.is_sparse(joined), joined.shape) == (False, (4, 4))


def test_every_other_function_takes_it_as_dense(matrix):
    x = K.variable(matrix)
    np.testing.assert_array_equal(K.eval(K.transpose(x) * 2), matrix.toarray().T * 2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: K.placeholder((None, None), sparse=True), "needs the shape"),
        (lambda: K.placeholder((2, 3, 4), sparse=True), "needs the shape"),
        (lambda: K.dot(K.placeholder((None, 3), sparse=True), K.zeros((4, 2))), "3 and 4"),
        (lambda: K.dot(K.placeholder((None, 3), sparse=True), K.zeros((3,))), "multiplies matrices"),
    ],
)
def test_what_cannot_be_meant(call, message):
    with pytest.raises(ShapeError, match=message):
        call()
