"""What the suite over all ops cannot know of indexing: unknown sizes, doubled indices, and what is refused."""

import numpy as np
import pytest

import kbplug
from kbplug.autodiff import gradients
from kbplug.errors import ArgumentError, DTypeError, ShapeError
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.function import Function


def tensor(*shape, dtype="float64"):
    return Tensor(placeholder(Spec(shape, dtype)))


def integers(*shape):
    return tensor(*shape, dtype="int64")


def mask(*shape):
    return tensor(*shape, dtype="bool")


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda x: x[0], (4, 3)),
        (lambda x: x[1:], (None, 4, 3)),
        (lambda x: x[:0], (0, 4, 3)),
        (lambda x: x[:, 1:, ::-1], (None, 3, 3)),
        (lambda x: x[..., None], (None, 4, 3, 1)),
        (lambda x: x[integers(5)], (5, 4, 3)),
        (lambda x: x[:, integers(None, 2)], (None, None, 2, 3)),
        (lambda x: x[integers(5), :, integers(5)], (5, 4)),
        (lambda x: x[:, 1, integers(5)], (None, 5)),
        (lambda x: x[0, :, integers(5)], (5, 4)),
        (lambda x: x[mask(None)], (None, 4, 3)),
        (lambda x: x[:, mask(4, 3)], (None, None)),
        (lambda x: x[:, : xp.shape(x)[1]], (None, None, 3)),
    ],
)
def test_shapes_with_an_unknown_size(build, shape):
    assert build(tensor(None, 4, 3)).shape == shape


@pytest.mark.parametrize(
    ("build", "error", "said"),
    [
        (lambda x: x[0, 0, 0], ArgumentError, "takes 3 dimensions, but the tensor has 2"),
        (lambda x: x[2], ArgumentError, "Index 2 is out of range for dimension 0"),
        (lambda x: x[:, -4], ArgumentError, "Index -4 is out of range for dimension 1"),
        (lambda x: x[::0], ArgumentError, "must not be 0"),
        (lambda x: x[..., ...], ArgumentError, "only once"),
        (lambda x: x["a"], ArgumentError, "cannot be indexed by 'a'"),
        (lambda x: x[tensor(2)], DTypeError, "in its index"),
        (lambda x: x[mask(3)], ShapeError, "mask of shape \\(3,\\) does not fit"),
        (lambda x: x[mask(), 0], ArgumentError, "may only index alone"),
        (lambda x: x[integers(2), integers(3)], ShapeError, "do not broadcast"),
        (lambda x: x.__setitem__(0, tensor(4)), ShapeError, "broadcast"),
        (lambda x: x.__setitem__(0, tensor(1, 1, 3)), ShapeError, "cannot broadcast a value"),
        (lambda x: xp.take(x, integers(1)), ArgumentError, "take needs an axis"),
        (lambda x: xp.take(x, integers(1, 1), axis=0), ShapeError, "one-dimensional indices"),
        (lambda x: xp.take(x, tensor(1), axis=0), DTypeError, "in its indices"),
        (lambda x: xp.take_along_axis(x, integers(1)), ShapeError, "as many dimensions"),
    ],
)
def test_what_is_refused(build, error, said):
    with pytest.raises(error, match=said):
        build(tensor(2, 3))


@pytest.mark.parametrize(
    "build",
    [
        lambda x: x[2],
        lambda x: x[0, 0, 0],
        lambda x: x[mask(3)],
        lambda x: x[mask(2, 3, 1)],
        lambda x: xp.expand_dims(x, axis=3),
        lambda x: xp.sum(x, axis=2),
    ],
)
def test_what_is_beyond_the_shape_is_an_index_error_too(build):
    with pytest.raises(IndexError):
        build(tensor(2, 3))


@pytest.mark.parametrize("engine", ["numpy", "strict"])
@pytest.mark.parametrize("sizes", [(0,), (2, 0), (0, 3), (0, 0)])
def test_a_mask_without_elements_picks_nothing_whatever_the_sizes(engine, sizes):
    x, picked = tensor(2, 3), mask(*sizes)
    y = Tensor(x.node)
    y[picked] = 7.0
    assert x[picked].shape == (0, 3)[: 3 - len(sizes)]
    given = np.arange(6.0).reshape(2, 3)
    with kbplug.engine_scope(engine):
        found, same = Function([x, picked], [x[picked], y])([given, np.zeros(sizes, bool)])
    assert found.shape == (0, 3)[: 3 - len(sizes)]
    assert same.tolist() == given.tolist()


def test_setting_a_part_leaves_other_handles_as_they_were():
    x = tensor(3)
    before = Tensor(x.node)
    x[1] = 7.0
    found = Function([before], [before, x])([np.array([1.0, 2.0, 3.0])])
    assert [f.tolist() for f in found] == [[1.0, 2.0, 3.0], [1.0, 7.0, 3.0]]


@pytest.mark.parametrize("engine", ["numpy", "strict"])
def test_a_size_may_be_an_index_and_a_value(engine):
    x = tensor(None, dtype="int64")
    n = xp.shape(x)[0]
    y = Tensor(x.node)
    y[n - 1] = n
    y[n // 2] = 7
    with kbplug.engine_scope(engine):
        assert Function([x], [y, x[n - 2 :]])([np.arange(4)])[0].tolist() == [0, 1, 7, 4]


@pytest.mark.parametrize("engine", ["numpy", "strict"])
def test_a_bound_may_be_computed(engine):
    x = xp.asarray(np.arange(5))
    with kbplug.engine_scope(engine):
        assert x[: xp.max(x) - 1].value().tolist() == [0, 1, 2]
        assert x[xp.max(x) :: -1].value().tolist() == [4, 3, 2, 1, 0]


def test_a_value_that_a_later_one_overwrites_has_no_gradient():
    x, value = tensor(2), tensor(3)
    y = Tensor(x.node)
    y[np.array([0, 1, 0])] = value
    dx, dvalue = gradients(xp.sum(y * y), [x, value])
    found = Function([x, value], [y, dx, dvalue])([np.array([5.0, 6.0]), np.array([1.0, 2.0, 3.0])])
    assert [f.tolist() for f in found] == [[3.0, 2.0], [0.0, 0.0], [0.0, 4.0, 6.0]]


def test_the_gradient_of_doubled_indices_accumulates_as_in_pytorch():
    torch = pytest.importorskip("torch")
    rows, ids = np.arange(12.0).reshape(4, 3), np.array([[3, 0, 3], [3, 1, 1]])
    x, index = tensor(None, 3), integers(None, None)
    (dx,) = gradients(xp.sum(xp.sin(x[index])), [x])
    (found,) = Function([x, index], [dx])([rows, ids])
    leaf = torch.tensor(rows, requires_grad=True)
    torch.sin(leaf[torch.tensor(ids)]).sum().backward()
    np.testing.assert_allclose(found, leaf.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("known", [(None, None), (None, 3), (2, None)])
def test_the_gradient_along_an_axis_where_a_size_is_known_on_one_side_alone(known):
    x, index = tensor(*known), integers(2, 3)
    (slope,) = gradients(xp.sum(xp.take_along_axis(x, index, axis=0)), [x])
    places = [[1, 0, 0], [1, 1, 0]]
    assert Function([x, index], [slope])([np.zeros((2, 3)), places])[0].tolist() == [[0, 1, 2], [2, 1, 0]]
