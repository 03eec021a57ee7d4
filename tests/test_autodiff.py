"""What the derivatives of single ops cannot know: which paths a gradient takes."""

import pytest

from kbplug.autodiff import gradients
from kbplug.errors import GradientError
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
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
