"""Shapes with unknown sizes: checking, broadcasting, merging, axes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbplug.errors import ArgumentError, DTypeError, ShapeError
from kbplug.graph.spec import (
    Spec,
    broadcast,
    check_shape,
    compatible,
    merge_shapes,
    merge_sizes,
    normalize_axes,
    normalize_axis,
    size_of,
    spec,
    whole,
)

SHAPES = st.lists(st.sampled_from([0, 1, 2, 3]), max_size=4).map(tuple)


def test_a_spec_says_what_is_known():
    known, part = Spec((2, 3), "float32"), Spec((None, 3), "float32")
    assert (known.ndim, known.size, part.ndim, part.size) == (2, 6, 2, None)
    assert str(part) == "float32[?, 3]"
    assert part.like(dtype="int8") == Spec((None, 3), "int8")
    assert part.like(shape=()) == Spec((), "float32")
    assert len({known, Spec((2, 3), "float32"), part}) == 2


def test_a_size_of_zero_needs_no_other():
    assert size_of((None, 0)) == 0
    assert size_of(()) == 1


def test_a_spec_is_checked():
    assert spec([np.int64(2), None], np.float32) == Spec((2, None), "float32")
    assert all(type(n) is int for n in check_shape((np.int32(2), 3)))
    assert check_shape(5) == (5,)
    assert check_shape(None) == (None,)


@pytest.mark.parametrize("shape", [(-1,), (2.0,), (True,), ("a",)])
def test_a_size_is_a_count_or_unknown(shape):
    with pytest.raises(ShapeError, match="each size must be a non-negative integer, or None if unknown"):
        spec(shape, "float32")


@pytest.mark.parametrize("value", [3, np.int8(3), np.array(3), 3.0, np.float32(3), np.prod([]) + 2])
def test_a_whole_number_of_any_library_is_an_integer(value):
    found = whole(value, "A size")
    assert (type(found), found) == (int, 3)


@pytest.mark.parametrize("value", [2.7, np.float32(0.5), float("nan"), float("inf"), "3", None, [3], {}, 3j])
def test_nothing_is_rounded_to_a_whole_number(value):
    with pytest.raises(ArgumentError, match=r"^A size must be a whole number, not "):
        whole(value, "A size")


def test_a_dtype_is_checked():
    with pytest.raises(DTypeError, match=r"'flaot32' is not a dtype of kbplug\. Did you mean 'float32'\?"):
        spec((), "flaot32")


@given(SHAPES, SHAPES, SHAPES)
def test_known_shapes_broadcast_as_in_numpy(a, b, c):
    try:
        expected = np.broadcast_shapes(a, b, c)
    except ValueError:
        with pytest.raises(ShapeError, match="do not broadcast together"):
            broadcast(a, b, c)
    else:
        assert broadcast(a, b, c) == expected


@given(SHAPES, SHAPES, st.data())
def test_hiding_sizes_never_excludes_what_comes_out(a, b, data):
    try:
        expected = np.broadcast_shapes(a, b)
    except ValueError:
        return
    hidden = [tuple(None if data.draw(st.booleans()) else n for n in shape) for shape in (a, b)]
    assert compatible(broadcast(*hidden), expected)


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (((None,), (1,)), (None,)),
        (((None,), (3,)), (3,)),
        (((None,), (None,)), (None,)),
        (((2, None), (1,)), (2, None)),
        ((), ()),
    ],
)
def test_an_unknown_size_broadcasts(shapes, expected):
    assert broadcast(*shapes) == expected


def test_sizes_that_must_be_equal_are_merged():
    assert merge_sizes(None, 3, "concat") == merge_sizes(3, None, "concat") == 3
    assert merge_shapes([(None, 2), (3, None), (3, 2)], "stack") == (3, 2)
    with pytest.raises(ShapeError, match="concat: sizes 2 and 3 differ"):
        merge_sizes(2, 3, "concat")
    with pytest.raises(ShapeError, match="have different ranks"):
        merge_shapes([(2,), (2, 1)], "stack")


def test_axes_count_from_the_front():
    assert normalize_axis(-1, 3) == 2
    assert normalize_axes(None, 3) == (0, 1, 2)
    assert normalize_axes(np.int64(-1), 3) == (2,)
    assert normalize_axes((-1, 0), 3) == (2, 0)
    assert normalize_axes((), 3) == ()


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        (3, "Axis 3 is out of range for 3 dimensions; use -3 to 2."),
        (-4, "Axis -4 is out of range"),
        ((0, -3), r"The axes \(0, -3\) name a dimension twice"),
        ((0, 1.0), "An axis must be an integer, not 1.0"),
        ((True,), "An axis must be an integer, not True"),
    ],
)
def test_an_axis_that_is_none_is_refused(axis, message):
    with pytest.raises(ArgumentError, match=message):
        normalize_axes(axis, 3)


def test_a_value_may_stand_where_its_shape_was_inferred():
    assert compatible((None, 3), (2, 3))
    assert compatible((2, 3), (None, 3))
    assert not compatible((2, 3), (3, 2))
    assert not compatible((None,), (None, None))
