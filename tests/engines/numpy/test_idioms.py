"""How far the short ways of the NumPy engine are from the exact value, special numbers included, on any processor."""

import os
import subprocess
import sys

import numpy as np
import pytest

from kbplug.engines.numpy import idioms

MANY = idioms.FEW
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 3e38, -3e38]


def numbers(dtype, low=-30.0, high=30.0):
    """Return numbers of many sizes and both signs, and the special ones."""
    rng = np.random.default_rng(0)
    tiny = np.exp(rng.uniform(-60, 0, MANY)) * rng.choice([-1, 1], MANY)
    with np.errstate(over="ignore"):
        return np.concatenate([rng.uniform(low, high, 4 * MANY), tiny, SPECIAL]).astype(dtype)


def ulps(found, exact):
    """Return the distance in units in the last place of the exact value, which is given in a wider format."""
    dtype = found.dtype.type
    nearest = exact.astype(dtype)
    apart = np.isfinite(nearest)
    np.testing.assert_array_equal(found[~apart], nearest[~apart])
    unit = np.spacing(np.maximum(np.abs(nearest[apart]), np.finfo(dtype).tiny))
    return np.abs(found[apart].astype(exact.dtype) - exact[apart]) / unit


def wide(x):
    return x.astype(np.longdouble)


@pytest.fixture(autouse=True)
def _silent():
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_expit(dtype):
    x = numbers(dtype)
    assert ulps(idioms.expit(x), 1 / (1 + np.exp(-wide(x)))).max() <= 3
    assert idioms.expit(np.full(MANY, -np.inf, dtype))[0] == 0


def test_expit_keeps_small_values_down_to_the_normal_numbers():
    x = np.linspace(-87, -20, MANY, dtype="float32")
    assert ulps(idioms.expit(x), 1 / (1 + np.exp(-wide(x)))).max() <= 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logaddexp(dtype):
    a = numbers(dtype)
    b = np.random.default_rng(1).permutation(a)
    b[-20:-9], a[-20:-9] = np.inf, np.repeat([np.inf, -np.inf, 0, np.nan], 3)[:11]
    exact = np.logaddexp(wide(a), wide(b))
    found = idioms.logaddexp(a, b)
    apart = np.isfinite(exact)
    np.testing.assert_array_equal(found[~apart], exact[~apart].astype(dtype))
    unit = np.spacing(np.maximum(np.abs(exact[apart]), np.log(2)).astype(dtype))
    assert (np.abs(found[apart] - exact[apart]) / unit).max() <= 4
    for infinity in (np.inf, -np.inf):
        both = np.full(MANY, infinity, dtype)
        np.testing.assert_array_equal(idioms.logaddexp(both, both), both)


def test_erf_in_single_precision():
    special = pytest.importorskip("scipy.special")
    x = np.concatenate([numbers("float32", -6, 6), np.linspace(-5, 5, 300_001, dtype="float32")])
    found = idioms.erf(x)
    assert ulps(found, special.erf(x.astype("float64"))).max() <= 1
    np.testing.assert_array_equal(np.signbit(found), np.signbit(x))
    assert np.abs(found[~np.isnan(found)]).max() == 1


def test_erf_of_other_layouts_and_dtypes():
    special = pytest.importorskip("scipy.special")
    x = np.linspace(-3, 3, 2 * MANY).reshape(2, -1)
    for y in (x.astype("float32").T, x.astype("float32")[:, ::-1], x, x[:, :3].astype("float32"), x.astype("float16")):
        found = idioms.erf(y)
        assert (found.dtype, found.shape) == (y.dtype, y.shape)
        np.testing.assert_allclose(found, special.erf(y.astype("float64")), rtol=4 * float(np.finfo(y.dtype).eps))


def test_relu_is_the_larger_of_a_number_and_zero_and_is_written_where_it_is_told():
    x = numbers("float32")
    out = np.empty_like(x)
    assert idioms.relu(x, out=out) is out
    np.testing.assert_array_equal(out, np.where(x <= 0, np.float32(0), x))
    np.testing.assert_array_equal(idioms.relu(np.array([-3, 0, 7], "int8")), np.array([0, 0, 7], "int8"))


@pytest.mark.parametrize("exponent", [2, 3, 4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_small_powers(dtype, exponent):
    x = np.concatenate([numbers(dtype), np.logspace(-9, 9, MANY, dtype=dtype)])
    found = idioms.power(x, np.array(exponent, dtype))
    assert ulps(found, wide(x) ** exponent).max() <= 2
    np.testing.assert_array_equal(np.signbit(found), np.signbit(np.power(x, x.dtype.type(exponent))))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
def test_small_powers_of_integers_wrap_as_in_numpy(dtype):
    x = np.arange(-128, 128).astype(dtype)
    for exponent in (2, 3, 4):
        found = idioms.power(x, np.array(exponent, dtype))
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, np.power(x, np.array(exponent, dtype)))


def test_other_powers_are_those_of_numpy():
    x = np.linspace(0.1, 3, 5)
    for exponent in (np.array(0.5), np.array(-1.0), np.array(5.0), x):
        np.testing.assert_array_equal(idioms.power(x, exponent), np.power(x, exponent))
    z, two = x.astype("complex64"), np.array(2, "complex64")
    np.testing.assert_array_equal(idioms.power(z, two), np.power(z, two))


DTYPES = ["bool", "int8", "uint16", "int32", "uint64", "float16", "float32", "float64", "complex64", "complex128"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_where_chooses_every_bit(dtype):
    rng = np.random.default_rng(2)
    dtype = np.dtype(dtype)
    a, b = (rng.integers(0, 256, MANY * dtype.itemsize, "uint8").view(dtype) for _ in range(2))
    if dtype.kind == "b":
        a, b = a.view("uint8") % 2 == 1, b.view("uint8") % 2 == 1
    condition = rng.random(MANY) < 0.5
    found = idioms.where(condition, a, b)
    assert found.dtype == dtype
    assert found.tobytes() == np.where(condition, a, b).tobytes()


@pytest.mark.parametrize("other", [0.0, -0.0, 1.0, np.nan])
def test_where_with_a_number(other):
    x = numbers("float32")
    number = np.array(other, "float32")
    for condition, a, b in [(x > 0, x, number), (x > 0, number, x), (x[:, None] > x[:3], x[:, None], number)]:
        assert idioms.where(condition, a, b).tobytes() == np.where(condition, a, b).tobytes()


def test_where_of_other_layouts():
    x = np.arange(2.0 * MANY).reshape(MANY, 2)
    y = -np.ascontiguousarray(x.T).T
    for condition, a, b in [(x[::-1] % 3 > 0, x, y), (x[:, :1] > 9, x[::-1], y[:1]), (np.array(True), x, y)]:
        found = idioms.where(condition, a, b)
        np.testing.assert_array_equal(found, np.where(condition, a, b))
        assert not np.shares_memory(found, x)


@pytest.mark.slow
def test_all_this_holds_without_wide_vectors():
    """NumPy's loops for other processors round differently, so the tests above run on those as well."""
    wide_ones = [f for f in np._core._multiarray_umath.__cpu_dispatch__ if f.startswith(("AVX512", "X86_V4"))]
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(wide_ones)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", __file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
