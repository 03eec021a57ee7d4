"""What the suite over all ops cannot know of sorting: unknown sizes, ties, and what is refused."""

import numpy as np
import pytest

from kbplug.autodiff import gradients
from kbplug.errors import ArgumentError, DTypeError
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
        (lambda x: xp.sort(x, axis=0), (None, 3)),
        (lambda x: xp.top_k(x, k=2, axis=0)[0], (2, 3)),
    ],
)
def test_shapes_with_an_unknown_size(build, shape):
    assert build(tensor(None, 3)).shape == shape


@pytest.mark.parametrize(
    ("build", "error", "said"),
    [
        (lambda x: xp.sort(x, axis=2), ArgumentError, "out of range"),
        (lambda x: xp.sort(x > 0), DTypeError, "sort is not defined for bool"),
        (lambda x: xp.top_k(x, k=4), ArgumentError, "cannot take 4 of 3"),
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
