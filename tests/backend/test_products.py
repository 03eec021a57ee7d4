"""Products of K against NumPy and PyTorch; the shapes of Keras's own documentation."""

import numpy as np
import pytest

from kbplug import backend as K
from kbplug.errors import ArgumentError, ShapeError

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((2, 3), (3, 4)),
        ((2, 5, 3), (3, 4)),
        ((3,), (3,)),
        ((3,), (3, 4)),
        ((2, 3), (3,)),
        ((2, 3), (5, 3, 4)),
        ((2, 6, 3), (5, 3, 4)),
        ((), (2, 3)),
    ],
)
def test_dot_is_numpys(a, b, normal):
    x, y = normal(*a), normal(*b)
    np.testing.assert_allclose(K.eval(K.dot(x, y)), np.dot(x, y), rtol=1e-12)


def test_gradients_of_dot(agree, normal):
    agree(K.dot, torch.matmul, normal(2, 5, 3), normal(3, 4))
    agree(K.dot, lambda x, y: torch.einsum("mi,bin->mbn", x, y), normal(2, 3), normal(5, 3, 4))


@pytest.mark.parametrize(
    ("a", "b", "axes", "equation"),
    [
        ((4, 3), (4, 3), 1, "bi,bi->b"),
        ((4, 3), (4, 5, 3), (1, 2), "bi,bni->bn"),
        ((4, 2, 3), (4, 3, 5), None, "bmi,bin->bmn"),
        ((4, 2, 3), (4, 5, 3), [2, 2], "bmi,bni->bmn"),
        ((4, 3, 2), (4, 3), (1, 1), "bim,bi->bm"),
        ((4, 3), (4, 3), None, "bi,bi->b"),
        ((4, 2, 3, 6), (4, 5, 3, 7), (2, -2), "bmin,bpiq->bmnpq"),
    ],
)
def test_batch_dot(a, b, axes, equation, agree, normal):  # noqa: PLR0917
    def theirs(x, y):
        product = torch.einsum(equation, x, y)
        return product if product.ndim > 1 else product[:, None]

    agree(lambda x, y: K.batch_dot(x, y, axes), theirs, normal(*a), normal(*b))


def test_batch_dot_keeps_what_is_known():
    x, y = K.placeholder((None, 2, 3)), K.placeholder((None, 3, 5))
    assert K.int_shape(K.batch_dot(x, y)) == (None, 2, 5)


@pytest.mark.parametrize(
    ("a", "b", "axes", "error", "message"),
    [
        ((4,), (4, 3), None, ShapeError, "two dimensions or more"),
        ((4, 3), (5, 3), 1, ShapeError, "4 and 5"),
        ((4, 3), (4, 2), 1, ShapeError, "3 and 2"),
        ((4, 3), (4, 3), 0, ArgumentError, "counts the samples"),
        ((4, 3), (4, 3), (1, 1, 1), ArgumentError, "must be None, one integer or two"),
        ((4, 3), (4, 3), (1, (1, 2)), ArgumentError, "must be an integer"),
    ],
)
def test_batch_dot_refuses(a, b, axes, error, message, normal):  # noqa: PLR0917
    with pytest.raises(error, match=message):
        K.batch_dot(normal(*a), normal(*b), axes)


def test_transpose(agree, normal):
    agree(K.transpose, lambda x: x.permute(2, 1, 0), normal(2, 3, 4))
