"""What the suite over all ops cannot know of searching and sorting: unknown sizes, ties, and what is refused."""

import numpy as np
import pytest

from kbplug.autodiff import gradients
from kbplug.errors import ArgumentError, DTypeError, ShapeError
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.function import Function


def tensor(*shape, dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda x: xp.argmax(x, axis=0), (3,)),
        (lambda x: xp.argmin(x, axis=1, keepdims=True), (None, 1)),
        (lambda x: xp.nonzero(x)[1], (None,)),
        (lambda x: xp.searchsorted(tensor(None), x), (None, 3)),
        (lambda x: xp.sort(x, axis=0), (None, 3)),
        (lambda x: xp.top_k(x, k=2, axis=0)[0], (2, 3)),
        (lambda x: xp.unique_all(x).counts, (None,)),
        (lambda x: xp.unique_all(x).inverse_indices, (None, 3)),
        (lambda x: xp.isin(x, tensor(5)), (None, 3)),
    ],
)
def test_shapes_with_an_unknown_size(build, shape):
    assert build(tensor(None, 3)).shape == shape


@pytest.mark.parametrize(
    ("build", "error", "said"),
    [
        (lambda x: xp.argmax(x[:0]), ArgumentError, "argmax over no elements"),
        (lambda x: xp.argmin(xp.astype(x, "complex128")), DTypeError, "argmin is not defined for complex128"),
        (lambda x: xp.nonzero(x[0, 0]), ShapeError, "at least 1 dimension"),
        (lambda x: xp.searchsorted(x, x), ShapeError, "one dimension to search in"),
        (lambda x: xp.searchsorted(x[0], x, side="middle"), ArgumentError, "not 'middle'"),
        (lambda x: xp.searchsorted(x[0], x, sorter=x[0]), DTypeError, "in its sorter"),
        (lambda x: xp.searchsorted(x[0], x, sorter=tensor(4, dtype="int64")), ShapeError, "sizes 3 and 4 differ"),
        (lambda x: xp.sort(x, axis=2), ArgumentError, "out of range"),
        (lambda x: xp.sort(x > 0), DTypeError, "sort is not defined for bool"),
        (lambda x: xp.top_k(x, k=4), ArgumentError, "cannot take 4 of 3"),
        (lambda x: xp.isin(x > 0, x > 0), DTypeError, "isin is not defined for bool"),
    ],
)
def test_what_is_refused(build, error, said):
    with pytest.raises(error, match=said):
        build(tensor(2, 3))


@pytest.mark.parametrize("descending", [False, True])
def test_the_gradient_of_sorted_ties_goes_where_pytorch_sends_it(descending):
    torch = pytest.importorskip("torch")
    data, weights = np.array([2.0, 1.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0, 4.0])
    x = tensor(None)
    (dx,) = gradients(xp.sum(xp.sort(x, descending=descending) * weights), [x])
    leaf = torch.tensor(data, requires_grad=True)
    ordered = torch.sort(leaf, stable=True, descending=descending).values
    (ordered * torch.tensor(weights)).sum().backward()
    np.testing.assert_array_equal(Function([x], [dx])([data])[0], leaf.grad.numpy())


def test_equal_elements_share_the_gradient_of_their_distinct_value():
    x = tensor(4)
    (dx,) = gradients(xp.sum(xp.unique_values(x) * np.array([1.0, 6.0])), [x])
    assert Function([x], [dx])([np.array([2.0, 1.0, 2.0, 2.0])])[0].tolist() == [2.0, 1.0, 2.0, 2.0]


def test_results_of_unique_are_named_as_in_the_standard():
    x = tensor(3)
    assert xp.unique_all(x)._fields == ("values", "indices", "inverse_indices", "counts")
    assert xp.unique_counts(x)._fields == ("values", "counts")
    assert xp.unique_inverse(x)._fields == ("values", "inverse_indices")
