"""What the derivatives of single ops cannot know: which paths a gradient takes."""

import numpy as np
import pytest

from kbplug.autodiff import gradients
from kbplug.errors import GradientError
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, tensor
from kbplug.ops.control import choose, fold_over
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import size_along
from kbplug.runtime.function import Function


@pytest.fixture
def x():
    """A tensor of unknown size."""
    return Tensor(placeholder(Spec((None,), "float64")))


def test_no_gradient_flows_through_sizes(x):
    weights = xp.arange(size_along(x, 0), dtype="float64")  # an op without a derivative
    (slope,) = gradients(xp.sum(x * weights), [x])
    assert Function([x], [slope])([[5.0, 5.0, 5.0]])[0].tolist() == [0.0, 1.0, 2.0]


def test_there_is_no_gradient_where_only_integers_lead(x):
    assert gradients(xp.astype(xp.astype(x, "int64"), "float64"), [x]) == [None]
    assert gradients(xp.sum(xp.arange(size_along(x, 0), dtype="float64")), [x]) == [None]


def test_an_op_without_a_derivative_in_the_path_is_named(x):
    with pytest.raises(GradientError, match=r"'nextafter' built at .*test_autodiff.py:\d+ has no derivative"):
        gradients(xp.nextafter(x, 1.0), [x])


def test_branches_that_take_a_tensor_and_what_it_came_from_count_each_path_once(x):
    doubled = x * 2.0
    picked = choose(tensor(True), lambda: doubled, lambda: x)[0]
    (slope,) = gradients(xp.sum(picked * picked), [x])
    assert Function([x], [slope])([[1.0, 3.0]])[0].tolist() == [8.0, 24.0]


def test_composites_over_a_tensor_and_what_it_came_from_count_each_path_once(x):
    start = xp.sum(x)
    (slope,) = gradients(xp.sum(xp.linspace(start, 2.0 * start, 3)), [x])
    assert Function([x], [slope])([[1.0, 2.0]])[0].tolist() == [4.5, 4.5]  # of s + 1.5 s + 2 s


def test_loops_over_a_tensor_and_what_it_came_from_count_each_path_once(x):
    total = xp.sum(x)
    scaled = total * 2.0
    last = fold_over(lambda carry, element: ([carry + element * total + scaled], []), [total], [x])[0][0]
    (slope,) = gradients(last, [x])
    values = np.asarray([1.0, 2.0, 4.0])
    expected = 1.0 + 2 * values.sum() + 2.0 * len(values)  # of s + s*s + n*2s, where s is the sum
    np.testing.assert_allclose(Function([x], [slope])([values])[0], np.full(3, expected))
