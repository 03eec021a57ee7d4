"""Reading through ops that move or pick elements, against NumPy doing them. Needs neither compiler nor device."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kbplug.ops  # noqa: F401 -- declares the ops
from kbplug.graph.node import Slice, parameter
from kbplug.graph.op import lookup
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug_cupy.codegen.views import CutError, broadcast, moved, moves, picked, picks, whole


def slices(size):
    bounds = st.one_of(st.none(), st.integers(-size, size))
    return st.tuples(bounds, bounds, st.sampled_from([None, 1, 2, -1, -2])).map(lambda b: slice(*b))


@st.composite
def moving(draw, shape):
    """Return an op that moves elements of an array of ``shape``, its parameters, and what NumPy does."""
    name = draw(st.sampled_from(["getitem", "permute_dims", "flip", "expand_dims", "broadcast_to", "moveaxis"]))
    ndim = len(shape)
    if name == "getitem":
        entries = [draw(st.one_of(slices(n), st.integers(-n, n - 1)) if n else slices(n)) for n in shape]
        key = tuple(entries[: draw(st.integers(0, ndim))]) + draw(st.sampled_from([(), (None,), (...,)]))
        index = tuple(Slice(k.start, k.stop, k.step) if isinstance(k, slice) else k for k in key)
        return name, {"index": index}, lambda a: a[key]
    if name == "permute_dims":
        axes = tuple(draw(st.permutations(range(ndim))))
        return name, {"axes": axes}, lambda a: np.transpose(a, axes)
    if name == "flip":
        axis = draw(st.one_of(st.none(), st.integers(0, ndim - 1))) if ndim else None
        return name, {"axis": axis}, lambda a: np.flip(a, axis)
    if name == "moveaxis":
        source, destination = (tuple(draw(st.permutations(range(ndim)))[:2]) for _ in range(2))
        params = {"source": source, "destination": destination}
        return name, params, lambda a: np.moveaxis(a, source, destination)
    if name == "expand_dims":
        axis = draw(st.integers(0, ndim))
        return name, {"axis": axis}, lambda a: np.expand_dims(a, axis)
    given = (2, *(3 if n == 1 else n for n in shape))
    return name, {"shape": given}, lambda a: np.broadcast_to(a, given)


def read(array, view, target):
    """Return the elements of an array that a target reads through a view."""
    assert len(view) == array.ndim
    index = np.indices(target)
    return array[tuple(a.start + (0 if a.along is None else a.step * index[a.along]) for a in view)]


@given(st.lists(st.integers(1, 4), max_size=3).map(tuple), st.data())
def test_a_chain_of_moves_is_one_view(shape, data):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    t, expected = Tensor(parameter(0, Spec(shape, "int64"))), array
    for _ in range(data.draw(st.integers(1, 4))):
        name, params, function = data.draw(moving(expected.shape))
        t, expected = lookup(name)(t, **params), function(expected)
    node, view = t.node, whole(expected.shape)
    while node.inputs:
        assert moves(node)
        node, view = node.inputs[0], moved(node, view)
    np.testing.assert_array_equal(np.broadcast_to(read(array, view, expected.shape), expected.shape), expected)


def tiles(node, arrays, result):
    """Return the result of an op that picks, made part by part as kernels make it."""
    made, count = np.full(result.shape, -1), 0
    todo = [((0,) * result.ndim, result.shape)]
    while todo:
        start, target = todo.pop()
        try:
            operand, view = picked(node, whole(target, start), target)
        except CutError as cut:
            a, n = cut.along, cut.position
            todo.append((start, (*target[:a], n, *target[a + 1 :])))
            todo.append(((*start[:a], start[a] + n, *start[a + 1 :]), (*target[:a], target[a] - n, *target[a + 1 :])))
            continue
        part = tuple(slice(s, s + n) for s, n in zip(start, target, strict=True))
        made[part] = read(arrays[operand], view, target)
        count += 1
    return made, count


def formal(*arrays):
    nodes = [parameter(i, Spec(a.shape, "int64")) for i, a in enumerate(arrays)]
    return [Tensor(n) for n in nodes], dict(zip(nodes, arrays, strict=True))


@pytest.mark.parametrize(
    ("key", "value", "parts"),
    [
        ((slice(None), slice(2, 5)), (4, 3), 3),
        ((slice(None), slice(0, 2)), (1, 2), 2),
        ((1,), (6,), 3),
        ((slice(1, 3), slice(-2, None)), (), 4),
        ((slice(None), slice(3, 3)), (4, 0), 1),
        ((slice(None), None, slice(1, None)), (4, 1, 5), 2),
        ((...,), (4, 6), 1),
    ],
)
def test_what_was_written_into_an_array_is_read_from_where_it_came(key, value, parts):
    base, new = np.zeros((4, 6), int), np.arange(np.prod(value, dtype=int)).reshape(value) + 1
    (x, v), arrays = formal(base, new)
    index = tuple(Slice(k.start, k.stop, k.step) if isinstance(k, slice) else k for k in key)
    node = lookup("setitem")(x, v, index=index).node
    assert picks(node)
    expected = base.copy()
    expected[key] = new
    made, count = tiles(node, arrays, expected)
    np.testing.assert_array_equal(made, expected)
    assert count <= parts + 1


@pytest.mark.parametrize(("name", "axis"), [("concat", 0), ("concat", -1), ("stack", 0), ("stack", 1), ("stack", -1)])
def test_arrays_side_by_side_are_read_one_by_one(name, axis):
    parts = [np.arange(6).reshape(2, 3) + 10 * i for i in range(3)]
    tensors, arrays = formal(*parts)
    expected = getattr(np, name)(parts, axis=axis)
    made, count = tiles(lookup(name)(*tensors, axis=axis).node, arrays, expected)
    np.testing.assert_array_equal(made, expected)
    assert count == 3


def test_an_index_with_a_step_is_not_taken_apart():
    (x, v), _ = formal(np.zeros(6, int), np.zeros(3, int))
    assert not picks(lookup("setitem")(x, v, index=(Slice(None, None, 2),)).node)


def test_operands_that_broadcast_are_read_where_they_have_elements():
    view = broadcast(whole((4, 6)), (4, 6), (4, 1))
    array = np.arange(4).reshape(4, 1)
    np.testing.assert_array_equal(read(array, view, (4, 6)), np.broadcast_to(array, (4, 6)))
    assert broadcast(whole((4, 6)), (4, 6), ()) == ()
