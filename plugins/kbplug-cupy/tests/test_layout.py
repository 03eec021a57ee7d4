"""How operands are laid out: merging, strides, vectors and the size of positions. Needs neither compiler nor device."""

import itertools
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbplug_cupy.codegen.layout import MisfitError, Place, contiguous, lay_out, merged, spread


def place(shape, strides=None, alignment=16, size=4):
    return Place(tuple(shape), contiguous(shape) if strides is None else tuple(strides), alignment, size)


def test_contiguous_operands_are_one_dimension_in_vectors():
    layout = lay_out((3, 4, 8), [place((3, 4, 8))] * 2)
    assert (layout.sizes, layout.classes, layout.width) == ((96,), ("flat", "flat"), 4)


def test_a_row_a_column_and_a_scalar():
    layout = lay_out((6, 8), [place((8,)), place((6, 1)), place(()), place((6, 8))])
    assert layout.sizes == (6, 8)
    assert layout.strides == ((0, 1), (1, 0), (0, 0), (8, 1))
    assert layout.classes == ("strided", "strided", "one", "flat")
    assert layout.width == 4


@pytest.mark.parametrize(
    ("places", "width"),
    [
        ([place((16,), alignment=8)], 2),
        ([place((16,), alignment=4)], 1),
        ([place((16,), size=2)], 8),
        ([place((16,), size=8), place((16,), size=2)], 2),
        ([place((16,), strides=(2,))], 1),
        ([place((16,), strides=(-1,))], 1),
        ([place((16,), size=16)], 1),
    ],
)
def test_the_width_of_vectors(places, width):
    assert lay_out((16,), places).width == width


def test_vectors_need_rows_that_they_divide():
    assert lay_out((6, 7), [place((7,)), place((6, 7))]).width == 1
    assert lay_out((6, 6), [place((6,)), place((6, 6))]).width == 2


def test_large_arrays_need_wide_positions():
    assert not lay_out((1 << 20,), [place((1 << 20,))]).wide
    assert lay_out((1 << 31,), [place((1 << 31,))]).wide
    assert lay_out((4,), [place((4,), strides=(1 << 30,))]).wide


def test_shapes_that_do_not_broadcast():
    with pytest.raises(MisfitError, match="does not broadcast"):
        spread((3, 4), place((3,)))
    with pytest.raises(MisfitError, match="more dimensions"):
        spread((4,), place((2, 4)))


@given(st.lists(st.integers(1, 4), max_size=4), st.data())
def test_merging_dimensions_moves_no_element(shape, data):
    orders = [data.draw(st.permutations(range(len(shape)))) for _ in range(2)]
    strides = []
    for order in orders:
        dense = contiguous([shape[i] for i in order])
        strides.append(tuple(dense[order.index(i)] * data.draw(st.sampled_from([0, 1])) for i in range(len(shape))))
    sizes, found = merged(shape, strides)
    assert prod(sizes) == prod(shape)
    for before, after in zip(strides, found, strict=True):
        assert list(_offsets(shape, before)) == list(_offsets(sizes, after))


def _offsets(sizes, strides):
    for index in itertools.product(*map(range, sizes)):
        yield int(np.dot(index, strides)) if index else 0
