"""What the suite over all ops cannot know of manipulation: shapes while sizes are unknown, and what is refused."""

import pytest

from kbplug.errors import ArgumentError, ShapeError
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp


def tensor(*shape, dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda x: xp.reshape(x, (-1,)), (None,)),
        (lambda x: xp.reshape(x, (-1, 3)), (None, 3)),
        (lambda x: xp.reshape(x, (2, 6)), (2, 6)),
        (lambda x: xp.broadcast_to(x, (5, 4, 3)), (5, 4, 3)),
        (lambda x: xp.expand_dims(x, axis=1), (None, 1, 3)),
        (lambda x: xp.squeeze(x, axis=0), (3,)),
        (lambda x: xp.permute_dims(x, (1, 0)), (3, None)),
        (lambda x: xp.moveaxis(x, 0, 1), (3, None)),
        (lambda x: xp.concat([x, x], axis=0), (None, 3)),
        (lambda x: xp.concat([x, x], axis=1), (None, 6)),
        (lambda x: xp.stack([x, tensor(4, 3)]), (2, 4, 3)),
        (lambda x: xp.tile(x, (2, 2)), (None, 6)),
        (lambda x: xp.repeat(x, 2, axis=1), (None, 6)),
        (lambda x: xp.repeat(x, tensor(3, dtype="int64"), axis=1), (None, None)),
        (lambda x: xp.pad(x, widths=((1, 1), (0, 2))), (None, 5)),
    ],
)
def test_shapes_with_an_unknown_size(build, shape):
    assert build(tensor(None, 3)).shape == shape


def test_a_size_that_the_graph_knows_is_an_integer_in_the_shape():
    x = tensor(4, 3)
    assert xp.reshape(tensor(None), (xp.shape(x)[0], -1)).shape == (4, None)


@pytest.mark.parametrize(
    ("build", "error", "said"),
    [
        (lambda x: xp.reshape(x, (4,)), ShapeError, "4 elements of 6"),
        (lambda x: xp.reshape(x, (4, -1)), ShapeError, "leave no size for -1"),
        (lambda x: xp.reshape(x, (-1, -1)), ShapeError, "only one may be -1"),
        (lambda x: xp.reshape(x, (-2, 3)), ShapeError, "non-negative"),
        (lambda x: xp.broadcast_to(x, (3,)), ShapeError, "has more dimensions"),
        (lambda x: xp.broadcast_to(x, (2, 4)), ShapeError, "size 3 does not become 4"),
        (lambda x: xp.broadcast_arrays(x, tensor(4)), ShapeError, "do not broadcast"),
        (lambda x: xp.expand_dims(x, axis=3), ArgumentError, "out of range"),
        (lambda x: xp.expand_dims(x, axis=(0, 0)), ArgumentError, "twice"),
        (lambda x: xp.squeeze(x, axis=0), ShapeError, "dimension 0 of .* is larger"),
        (lambda x: xp.permute_dims(x, (0,)), ArgumentError, "needs all 2 axes"),
        (lambda x: xp.matrix_transpose(x[0]), ShapeError, "at least 2 dimensions"),
        (lambda x: xp.moveaxis(x, (0, 1), 0), ArgumentError, "as many destinations as sources"),
        (lambda x: xp.roll(x, (1, 2)), ArgumentError, "one axis for each shift"),
        (lambda x: xp.concat([]), ArgumentError, "at least one array"),
        (lambda x: xp.concat([x, tensor(2, 4)]), ShapeError, "sizes 3 and 4 differ"),
        (lambda x: xp.concat([x, x[0]]), ShapeError, "different ranks"),
        (lambda x: xp.concat([x[0, 0]]), ShapeError, "use stack"),
        (lambda x: xp.stack([x, x[0]]), ShapeError, "different ranks"),
        (lambda x: xp.unstack(tensor(None)), ShapeError, "needs to know the size of dimension 0"),
        (lambda x: xp.tile(x, (-1,)), ArgumentError, "at least 0"),
        (lambda x: xp.repeat(x, -1), ArgumentError, "at least 0 repeats"),
        (lambda x: xp.repeat(x, tensor(4, dtype="int64"), axis=1), ShapeError, "one for each of 3 elements"),
        (lambda x: xp.pad(x, widths=((1, 1),)), ArgumentError, "two widths"),
        (lambda x: xp.pad(x, widths=((1, 1), (0, -1))), ArgumentError, "at least 0"),
        (lambda x: xp.pad(x, widths=((1, 1), (0, 0)), mode="wrap"), ArgumentError, "not 'wrap'"),
        (lambda x: xp.pad(x[:0], widths=((1, 1), (0, 0)), mode="edge"), ShapeError, "nothing to take its edge from"),
    ],
)
def test_what_is_refused(build, error, said):
    with pytest.raises(error, match=said):
        build(tensor(2, 3))
