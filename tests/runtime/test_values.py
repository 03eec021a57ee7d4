"""What comes in and goes out: host arrays, constants and feeds."""

import numpy as np
import pytest

from kbplug.errors import ArgumentError, DTypeError, FeedError, StorageError
from kbplug.graph.node import literal, placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.runtime import values


@pytest.mark.parametrize("value", [1.5, [1, 2], (1.0, [2.0])[1], np.float32(3), np.ones((2, 3), "int8"), range(3)])
def test_anything_array_like_becomes_an_array(value):
    assert np.array_equal(values.host_array(value), np.asarray(value))


def test_a_mask_that_hides_nothing_is_left_behind():
    found = values.host_array(np.ma.array([1.0, 2.0], mask=[False, False]))
    assert (type(found), found.tolist()) == (np.ndarray, [1.0, 2.0])


def test_arrays_of_other_libraries_come_in():
    strict, torch = pytest.importorskip("array_api_strict"), pytest.importorskip("torch")
    assert values.host_array(strict.asarray([1.0, 2.0])).tolist() == [1.0, 2.0]
    assert values.host_array(torch.tensor([1.0, 2.0], requires_grad=True)).tolist() == [1.0, 2.0]


def test_foreign_byte_order_is_turned():
    found = values.host_array(np.array([1.0, 2.0], ">f4"))
    assert (found.dtype.name, found.dtype.isnative, found.tolist()) == ("float32", True, [1.0, 2.0])


BAD = [
    (np.array([object()]), DTypeError, "An array of dtype object has no place in a graph"),
    ("text", DTypeError, "'text' has no place in a graph; give numbers, whose dtypes are bool, int8"),
    (None, DTypeError, "None has no place in a graph"),
    (np.ma.array([1.0, 2.0], mask=[False, True]), ArgumentError, r"masked elements has no value there; .* filled\(\)"),
    (np.array(["2020-01-01"], "datetime64[D]"), DTypeError, "datetime64"),
    ([[1, 2], [3]], ArgumentError, "A list does not become an array"),
    (Tensor(placeholder(Spec((), "bool"))), ArgumentError, "A tensor stands where a value is expected"),
]


@pytest.mark.parametrize(("value", "kind", "message"), BAD)
def test_what_is_no_array_of_numbers_is_refused(value, kind, message):
    with pytest.raises(kind, match=message):
        values.host_array(value)


def test_numpy_has_no_bfloat16():
    with pytest.raises(DTypeError, match="NumPy has no bfloat16"):
        values.numpy_dtype("bfloat16")


def test_constants_are_copies_and_equal_ones_one_node():
    data = np.ones(3)
    node = values.constant(data)
    data[:] = 5
    assert values.constant_data(node).tolist() == [1.0, 1.0, 1.0]
    assert values.constant(np.ones(3)) is node
    assert not values.constant_data(node).flags.writeable


def test_large_constants_are_told_apart_by_identity():
    data = np.ones(1000)
    assert values.constant(data) is not values.constant(data)


@pytest.mark.parametrize("value", [np.float32(0.1), np.array(True), np.int8(-3), np.array(1 + 2j, "complex64")])
def test_a_number_keeps_its_dtype_and_value(value):
    node = values.constant(value)
    assert node.result == Spec((), value.dtype.name)
    assert values.constant_data(node) == value
    assert node is literal(value.item(), value.dtype.name)


FITS = [
    ("float32", np.ones(2), "float32"),
    ("float64", np.ones(2, "int8"), "float64"),
    ("int64", [1.0, 2.0], "int64"),
    ("int8", np.array([1, 127]), "int8"),
    ("bool", [0, 1], "bool"),
    ("complex64", [1, 2.5], "complex64"),
]


@pytest.mark.parametrize(("dtype", "value", "expected"), FITS)
def test_a_feed_is_cast_where_nothing_is_lost(dtype, value, expected):
    found = values.feed(value, Spec((2,), dtype), "x")
    assert found.dtype == expected
    assert np.array_equal(found, value)


REFUSED = [
    (Spec((2,), "int64"), [0.5, 1.0], "x expects int64, but was given float64 values that it cannot hold."),
    (Spec((2,), "int8"), [1, 128], "x expects int8, but was given int64 values that it cannot hold."),
    (Spec((2,), "uint8"), [1, -1], "x expects uint8, but was given int64 values that it cannot hold."),
    (Spec((2,), "int64"), [np.nan, 1.0], "x expects int64, but was given float64 values that it cannot hold."),
    (Spec((2,), "bool"), [0, 2], "x expects bool, but was given int64 values that it cannot hold."),
    (Spec((2,), "float64"), [1j, 0], "x expects float64, but was given complex128; feed its real part."),
    (Spec((None, 2), "float64"), [1.0, 2.0], "x expects the shape (None, 2), but was given (2,)."),
    (Spec((2,), "float64"), [[1], [2, 3]], "x cannot be fed: A list does not become an array"),
    (Spec((2,), "float64"), None, "x cannot be fed: None has no place in a graph"),
]


@pytest.mark.parametrize(("spec", "value", "message"), REFUSED)
def test_a_feed_that_would_lose_something_is_refused(spec, value, message):
    with pytest.raises(FeedError) as caught:
        values.feed(value, spec, "x")
    assert str(caught.value).startswith(message)


def test_what_fits_exactly_is_fed_as_it_is():
    value = np.ones((2, 3))
    fit = values.feeder(Spec((None, 3), "float64"), "x")
    assert fit(value) is value
    assert fit([[1, 2, 3]]).dtype == "float64"
    with pytest.raises(FeedError, match=r"x expects the shape \(None, 3\), but was given \(2, 4\)"):
        fit(np.ones((2, 4)))


def test_files_get_contiguous_little_endian_arrays():
    found = values.pack(np.arange(6, dtype=">i4").reshape(2, 3).T)
    assert found.flags.c_contiguous
    assert found.shape == (3, 2)
    assert found.dtype == np.dtype("<i4")
    assert values.pack(np.array(1.0)).shape == ()


def test_what_a_file_holds_is_checked():
    assert values.unpack(np.ones(2), Spec((2,), "float64"), "x") is not None
    with pytest.raises(StorageError, match=r"x should be float64\[3\], but the file holds float64\[2\]"):
        values.unpack(np.ones(2), Spec((3,), "float64"), "x")


def test_complex_numbers_travel_as_pairs():
    value = np.array([[1 + 2j, -0.0 - 1j]])
    assert np.array_equal(values.from_pairs(values.as_pairs(value)), value)
    assert values.as_pairs(value).shape == (1, 2, 2)
