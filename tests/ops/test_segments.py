"""What the suite over all ops cannot know of segments: numbers far apart, ties, and what is refused."""

import numpy as np
import pytest

import kbplug
from kbplug.autodiff import gradients
from kbplug.errors import DTypeError, ShapeError
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops import lookup
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.function import Function


def tensor(*shape, dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


def integers(*shape):
    return tensor(*shape, dtype="int64")


@pytest.mark.parametrize(
    ("build", "error", "said"),
    [
        (lambda x: xp.segment_sum(x, integers(3), 2), ShapeError, "do not lead"),
        (lambda x: xp.segment_sum(x, tensor(2), 2), DTypeError, "in its ids"),
    ],
)
def test_what_is_refused(build, error, said):
    with pytest.raises(error, match=said):
        build(tensor(2, 3))


@pytest.mark.parametrize("engine", ["numpy", "strict"])
def test_no_number_of_one_segment_reaches_another(engine):
    data, ids = tensor(None), integers(None)
    total = Function([data, ids], [xp.segment_sum(data, ids, 3)])
    with kbplug.engine_scope(engine):
        assert total([np.array([1e300, 1.0, np.inf]), np.array([0, 1, 2])])[0].tolist() == [1e300, 1.0, np.inf]


@pytest.mark.parametrize("name", ["segment_max", "segment_min"])
def test_ties_in_a_segment_share_its_gradient(name):
    data, ids = tensor(4), integers(4)
    (slope,) = gradients(xp.sum(lookup(name)(data, ids, shape=(2,))), [data])
    found = Function([data, ids], [slope])([np.array([2.0, 2.0, 5.0, 2.0]), np.array([0, 0, 1, 0])])[0]
    np.testing.assert_allclose(found, [1 / 3, 1 / 3, 1, 1 / 3])
