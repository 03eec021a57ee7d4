"""Rows combined by number, in runs and one by one: what SciPy makes of all of them, or Python of each alone."""

import math

import numpy as np
import pytest
import scipy.ndimage
import scipy.sparse

from kbplug.engines.numpy import segments
from kbplug.engines.numpy.segments import combine_rows, segment_max, segment_mean, segment_min, segment_sum


@pytest.fixture(autouse=True, params=["in runs", "one by one"])
def way(request, monkeypatch):
    """Take each way where it is possible, some rows at a time."""
    in_runs = request.param == "in runs"
    for name, value in {"_PLACES": 12, "_ORDERED": 64, "_RUN": 0, "_LEAST": 0 if in_runs else math.inf}.items():
        monkeypatch.setattr(segments, name, value)
    taken = []
    for name in ("_run_by_run", "_one_by_one"):
        run = getattr(segments, name)
        monkeypatch.setattr(segments, name, lambda *a, run=run, name=name: (taken.append(name), run(*a)))
    with np.errstate(all="ignore"):  # as the engine runs them
        yield taken


def rows(*shape):
    return np.random.default_rng(list(shape)).standard_normal(shape)


def numbers(count, *shape, low=0):
    return np.random.default_rng([count, *shape]).integers(low, count, shape)


def chosen(ids, count):
    """Return the matrix that adds up rows by number."""
    inside = (ids >= 0) & (ids < count)
    places = (ids[inside], np.flatnonzero(inside))
    return scipy.sparse.coo_array((np.ones(inside.sum()), places), shape=(count, len(ids)))


@pytest.mark.parametrize("width", [1, 2, 5, 40])
@pytest.mark.parametrize("count", [7, 300])
def test_sums_by_number(width, count):
    data, ids = rows(500, width), numbers(count + 2, 500, low=-2)
    found = segment_sum(data, ids, shape=(count,))
    np.testing.assert_allclose(found, chosen(ids, count) @ data, rtol=1e-12, atol=1e-12)


def test_both_ways_are_taken(way, request):
    segment_sum(rows(50, 3), numbers(7, 50), shape=(7,))
    assert way == ["_run_by_run" if "in runs" in request.node.name else "_one_by_one"]


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "float16", "float32", "complex64", "complex128"])
def test_sums_keep_their_dtype(dtype):
    data, ids = (10 * rows(60, 4)).astype(np.int64).astype(dtype), numbers(5, 60)
    found = segment_sum(data, ids, shape=(5,))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, (chosen(ids, 5) @ data.astype(complex).real).astype(np.int64).astype(dtype))


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint8", "uint16", "uint64"])
def test_numbers_of_any_integers(dtype):
    data, ids = rows(60, 4), numbers(5, 60)
    np.testing.assert_array_equal(segment_sum(data, ids.astype(dtype), shape=(5,)), segment_sum(data, ids, shape=(5,)))


def test_numbers_of_several_dimensions_that_lie_anyhow():
    data, ids = rows(6, 8, 3, 2), numbers(5, 8, 6).T
    expected = chosen(ids.reshape(-1), 5) @ data.reshape(48, 6)
    np.testing.assert_allclose(segment_sum(data, ids, shape=(5,)), expected.reshape(5, 3, 2), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_not_finite_stays_with_its_number(dtype):
    data, ids = rows(60, 4).astype(dtype), np.arange(60) % 6
    data[[1, 2, 8, 9, 15], 0] = np.inf, np.nan, -np.inf, np.inf, -np.inf
    found = segment_sum(data, ids, shape=(6,))
    expected = [[math.fsum(c) if np.isfinite(c).all() else sum(c) for c in data[ids == k].T] for k in range(6)]
    np.testing.assert_allclose(found, np.array(expected, dtype), rtol=1e-5)
    assert np.isfinite(found[:, 1:]).all()


def test_zeros_sum_to_a_zero_without_a_sign():
    assert not np.signbit(segment_sum(np.full((4, 2), -0.0), np.zeros(4, int), shape=(2,))).any()


@pytest.mark.parametrize(("name", "empty"), [("maximum", -np.inf), ("minimum", np.inf)])
def test_the_largest_and_the_least_by_number(name, empty):
    data, ids = rows(50, 3), numbers(7, 50)
    found = {"maximum": segment_max, "minimum": segment_min}[name](data, ids, shape=(8,))
    expected = [getattr(scipy.ndimage, name)(column, ids, np.arange(7)) for column in data.T]
    np.testing.assert_array_equal(found[:7].T, expected)
    assert (found[7] == empty).all()


def test_a_nan_is_the_largest_and_the_least():
    data, ids = rows(50, 3), np.arange(50) % 5
    data[7, 1] = np.nan
    for segment in (segment_max, segment_min):
        found = np.isnan(segment(data, ids, shape=(5,)))
        assert found[2, 1]
        assert found.sum() == 1


def test_means_by_number():
    data, ids = rows(50, 3), numbers(7, 50)
    expected = [scipy.ndimage.mean(column, ids, np.arange(7)) for column in data.T]
    np.testing.assert_allclose(segment_mean(data, ids, shape=(7,)).T, expected, rtol=1e-12)


@pytest.mark.parametrize("width", [1, 4])
def test_negative_numbers_count_from_the_end(width):
    out, ids, data = np.zeros((7, width)), numbers(7, 50, low=-7), rows(50, width)
    combine_rows(np.add, out, ids, data)
    np.testing.assert_allclose(out, chosen(ids % 7, 7) @ data, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("wrong", [7, -8])
def test_a_number_of_no_row_is_an_error(wrong, width):
    with pytest.raises(IndexError):
        combine_rows(np.add, np.zeros((7, width)), np.array([0, wrong, 1]), rows(3, width))


def test_no_rows():
    assert segment_sum(rows(0, 3), np.zeros(0, int), shape=(2,)).tolist() == [[0.0] * 3] * 2
    assert segment_sum(rows(4, 0), np.zeros(4, int), shape=(2,)).shape == (2, 0)
    assert segment_sum(rows(0, 3), np.zeros(0, int), shape=(0,)).shape == (0, 3)


def test_long_sums_of_small_floats_are_as_exact_as_numpys_own(monkeypatch):
    monkeypatch.setattr(segments, "_LEAST", 0)
    monkeypatch.setattr(segments, "_ORDERED", 1 << 17)
    data = np.random.default_rng(0).random((200_000, 2), dtype=np.float32)
    exact = [math.fsum(column) for column in data.T]
    found = segment_sum(data, np.ones(len(data), int), shape=(2,))
    assert (np.abs(found[1] - exact) <= 4 * np.spacing(np.float32(1e5))).all()
