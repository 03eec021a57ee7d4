"""What the suite over all ops cannot know of sets: unknown sizes, names, and what is refused."""

import numpy as np
import pytest

from kbplug.autodiff import gradients
from kbplug.errors import DTypeError
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
        (lambda x: xp.unique_all(x).counts, (None,)),
        (lambda x: xp.unique_all(x).inverse_indices, (None, 3)),
        (lambda x: xp.isin(x, tensor(5)), (None, 3)),
    ],
)
def test_shapes_with_an_unknown_size(build, shape):
    assert build(tensor(None, 3)).shape == shape


def test_membership_of_booleans_is_refused():
    with pytest.raises(DTypeError, match="isin is not defined for bool"):
        xp.isin(tensor(2) > 0, tensor(2) > 0)


def test_equal_elements_share_the_gradient_of_their_distinct_value():
    x = tensor(4)
    (dx,) = gradients(xp.sum(xp.unique_values(x) * np.array([1.0, 6.0])), [x])
    assert Function([x], [dx])([np.array([2.0, 1.0, 2.0, 2.0])])[0].tolist() == [2.0, 1.0, 2.0, 2.0]


def test_results_of_unique_are_named_as_in_the_standard():
    x = tensor(3)
    assert xp.unique_all(x)._fields == ("values", "indices", "inverse_indices", "counts")
    assert xp.unique_counts(x)._fields == ("values", "counts")
    assert xp.unique_inverse(x)._fields == ("values", "inverse_indices")
