"""What the suite over all ops cannot know of searching: unknown sizes, and what is refused."""

import pytest

from kbplug.errors import ArgumentError, DTypeError, ShapeError
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp


def tensor(*shape, dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda x: xp.argmax(x, axis=0), (3,)),
        (lambda x: xp.argmin(x, axis=1, keepdims=True), (None, 1)),
        (lambda x: xp.nonzero(x)[1], (None,)),
        (lambda x: xp.searchsorted(tensor(None), x), (None, 3)),
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
    ],
)
def test_what_is_refused(build, error, said):
    with pytest.raises(error, match=said):
        build(tensor(2, 3))
