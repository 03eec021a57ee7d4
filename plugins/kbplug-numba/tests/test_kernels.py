"""Each kernel gives what the engine's own does, and what SciPy and PyTorch do; what it does not take, it leaves."""

import numpy as np
import pytest
import scipy.ndimage
import torch

from kbplug.engines.numpy.kernels import KERNELS as OWN
from kbplug.graph.index import ARRAY
from kbplug_numba import kernels
from kbplug_numba.kernels import KERNELS

FLOATS = ("float32", "float64")
NUMBERS = ("int16", "int64", "uint32", *FLOATS)


def random(*shape, dtype="float32", seed=0):
    rng = np.random.default_rng([seed, *shape])
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0, 50, shape).astype(dtype)


def odd(*shape, dtype="float32"):
    """Return few different numbers, both zeros, infinities and NaN of both signs among them."""
    chosen = np.array([0.0, -0.0, 1.5, -1.5, np.inf, -np.inf, np.nan, -np.nan], dtype)
    return np.random.default_rng(list(shape)).choice(chosen, shape)


def taken(name, *arrays, **params):
    """Return the kernel's result, which must not be left to the engine."""
    with np.errstate(all="ignore"):
        found = KERNELS[name](*arrays, **params)
    assert found is not None
    return found


def same(name, *arrays, **params):
    found = taken(name, *arrays, **params)
    with np.errstate(all="ignore"):
        own = OWN.get(name, getattr(np, name, None))(*arrays, **params)
    assert found.dtype == own.dtype
    np.testing.assert_array_equal(found, own)
    return found


@pytest.mark.parametrize("name", ["argmin", "argmax"])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("make", [random, odd])
@pytest.mark.parametrize(
    ("shape", "axis"), [((50, 7), 1), ((3, 4, 32), -1), ((9, 40), 0), ((3, 5, 6, 7), 1), ((5,), 0)]
)
def test_places_are_numpys(name, dtype, make, shape, axis):
    for keepdims in (False, True):
        same(name, make(*shape, dtype=dtype), axis=axis, keepdims=keepdims)


@pytest.mark.parametrize("axis", [0, 1])
def test_places_are_those_of_torch(axis):
    x = odd(64, 40)
    assert taken("argmax", x, axis=axis).tolist() == torch.argmax(torch.from_numpy(x), dim=axis).tolist()


@pytest.mark.parametrize(
    ("x", "axis"),
    [
        (random(4, 5, dtype="int64"), 1),
        (random(4, 5).astype("float16"), 1),
        (random(4, 5), None),
        (random(5, 4).T, 1),
        (random(4, 500), 1),
        (random(4, 5, 3), 1),
        (random(4, 0), 1),
        (random(4, 5).astype(">f4"), 1),
    ],
)
def test_places_that_are_left_to_numpy(x, axis):
    assert KERNELS["argmin"](x, axis=axis) is None


IDS = {
    "plain": np.array([2, 0, 2, 5, 1, 2]),
    "outside": np.array([2, -1, 6, 7, -9, 0]),
    "two dimensions": np.array([[2, 0, 2], [5, 1, -1]]),
    "unsigned": np.array([2, 0, 200, 5, 1, 2], np.uint8),
    "none": np.zeros(0, np.int64),
}


@pytest.mark.parametrize("name", ["segment_sum", "segment_max", "segment_min", "segment_mean"])
@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
@pytest.mark.parametrize("after", [(), (3,), (2, 4), (0,)])
def test_segments_are_the_engines(name, dtype, ids, after):
    if name == "segment_mean" and dtype not in FLOATS:
        pytest.skip("a mean is a float")
    same(name, random(*ids.shape, *after, dtype=dtype), ids, shape=(6,))


@pytest.mark.parametrize("name", ["segment_sum", "segment_max", "segment_min", "segment_mean"])
def test_segments_of_odd_numbers_are_the_engines(name):
    same(name, odd(6, 50), IDS["plain"], shape=(7,))
    same(name, odd(6, 50)[:, ::2], IDS["plain"], shape=(7,))


def test_sums_of_segments_are_those_of_scipy():
    data, ids = random(300, dtype="float64"), np.random.default_rng(0).integers(0, 20, 300)
    for name, function in (("sum", "sum"), ("mean", "mean"), ("max", "maximum"), ("min", "minimum")):
        expected = getattr(scipy.ndimage, function)(data, ids, np.arange(20))
        np.testing.assert_allclose(taken(f"segment_{name}", data, ids, shape=(20,)), expected, rtol=1e-13)


def test_complex_numbers_are_summed():
    data = random(6, 3) + 1j * random(6, 3, seed=1)
    same("segment_sum", data.astype("complex64"), IDS["plain"], shape=(6,))
    same("segment_mean", data.astype("complex128"), IDS["outside"], shape=(6,))


def test_segments_that_are_left_to_the_engine():
    for data in (random(6).astype("float16"), np.ones(6, bool), random(6).astype(">f4"), random(4, 3)):
        assert KERNELS["segment_sum"](data, IDS["plain"], shape=(6,)) is None


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("ids", [[2, 0, 2, -1, 1, -6], [[0, 5], [5, 5]]])
@pytest.mark.parametrize("after", [(), (3,), (2, 4)])
def test_what_is_scattered_is_the_engines(dtype, ids, after):
    ids = np.array(ids)
    x, updates = random(6, *after, dtype=dtype), random(*ids.shape, *after, dtype=dtype, seed=1)
    before = x.copy()
    same("scatter_add", x, updates, ids, index=(ARRAY,))
    same("scatter_add", x, updates[:1, ...] if ids.ndim == 1 else updates[:, :1], ids, index=(ARRAY,))
    np.testing.assert_array_equal(x, before)


def test_what_is_scattered_is_that_of_torch():
    ids, x, rows = np.random.default_rng(0).integers(0, 9, 400), random(9, 5), random(400, 5)
    expected = torch.from_numpy(x).index_add(0, torch.from_numpy(ids), torch.from_numpy(rows))
    np.testing.assert_allclose(taken("scatter_add", x, rows, ids, index=(ARRAY,)), expected, rtol=1e-5, atol=1e-5)


def test_what_is_scattered_elsewhere_is_left_to_the_engine():
    x, ids = random(6, 4), np.array([1, 2])
    for operands, index in (
        ((np.array([1, 6]),), (ARRAY,)),
        ((np.array([1, -7]),), (ARRAY,)),
        ((np.array([True] * 6),), (ARRAY,)),
        ((ids, ids), (ARRAY, ARRAY)),
        ((np.int64(1),), (ARRAY,)),
    ):
        assert KERNELS["scatter_add"](x, random(2, 4), *operands, index=index) is None


POOLS = [
    ((2, 7, 8, 3), (2, 2), (2, 2), "valid"),
    ((2, 7, 8, 3), (3, 2), (1, 2), "same"),
    ((2, 9, 5), 3, 2, "same"),
    ((1, 5, 6, 7, 2), (2, 3, 2), (1, 2, 3), "valid"),
    ((2, 6, 6, 3), (3, 3), (2, 2), ((1, 1), (1, 1))),
]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("make", [random, odd])
def test_the_adjoint_of_max_pooling_is_the_engines(dtype, pool, make):
    shape, window, strides, padding = pool
    x = np.round(make(*shape, dtype=dtype), 1)  # with ties
    params = {"window": window, "strides": strides, "padding": padding, "data_format": "channels_last"}
    y = OWN["max_pool"](x, **params)
    g = random(*y.shape, dtype=dtype)
    with np.errstate(all="ignore"):
        expected = OWN["max_pool_input"](g, x, y, **params)
    np.testing.assert_allclose(taken("max_pool_input", g, x, y, **params), expected, rtol=1e-6, atol=1e-6)
    first = {**params, "data_format": "channels_first"}
    found = taken("max_pool_input", *(np.moveaxis(a, -1, 1) for a in (g, x, y)), **first)
    np.testing.assert_allclose(np.moveaxis(found, 1, -1), expected, rtol=1e-6, atol=1e-6)


def test_the_adjoint_of_max_pooling_is_that_of_torch():
    x = torch.from_numpy(random(2, 3, 9, 8)).requires_grad_()  # no ties, of which PyTorch takes the first
    y = torch.nn.functional.max_pool2d(x, (3, 2), stride=(2, 1))
    g = torch.from_numpy(random(*y.shape, seed=1))
    (expected,) = torch.autograd.grad(y, x, g)
    params = {"window": (3, 2), "strides": (2, 1), "padding": "valid", "data_format": "channels_first"}
    found = taken("max_pool_input", *(a.detach().numpy() for a in (g, x, y)), **params)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_few_elements_and_what_is_not_taken_go_to_the_engines_own(monkeypatch):
    monkeypatch.setitem(OWN, "segment_sum", lambda *_, **__: "own")

    class Engine:
        kernels = OWN
        xp = np

    kernel = kernels.beside(Engine, least=10)["segment_sum"]
    assert kernel(random(9), np.zeros(9, np.int64), shape=(2,)) == "own"
    assert kernel(random(10).astype("float16"), np.zeros(10, np.int64), shape=(2,)) == "own"
    assert kernel(random(10), np.zeros(10, np.int64), shape=(2,)) is not None
