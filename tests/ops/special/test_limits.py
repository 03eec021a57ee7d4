"""Special functions at zeros, poles, infinities and NaN, which come without a warning; and their dtypes."""

import math

import numpy as np
import pytest
import scipy.special as scipy

from kbplug.ops import REGISTRY
from ops.special.accuracy import lowered

INF, NAN = np.inf, np.nan
EDGES = np.array([-INF, -2.0, -1.0, -0.5, -0.0, 0.0, 5e-324, 1e-310, 0.5, 1.0, 2.0, 30.0, INF, NAN])
SHARES = np.array([-0.1, 0.0, 1e-300, 0.3, 0.5, 1.0, 1.1, NAN])

# Where SciPy overflows or loses digits on the way, or has no limit: our values are the right ones.
BETTER = {
    "gammaln": np.abs(EDGES) < 1e-300,
    "loggamma": np.abs(EDGES) < 1e-300,
    "rgamma": (EDGES != 0) & (np.abs(EDGES) < 1e-300),
    "erfcinv": (EDGES != 0) & (np.abs(EDGES) < 1e-300),
    "sinc": np.isinf(EDGES) | (np.abs(EDGES) > 0.9),
    "spence": np.isinf(EDGES),
    **dict.fromkeys(("i0", "i1", "j0", "j1", "y0", "y1", "sindg", "cosdg", "tandg", "cotdg"), np.isinf(EDGES)),
    **dict.fromkeys(("k0", "k0e", "k1", "k1e"), np.abs(EDGES) < 1e-300),
    "y1": np.isinf(EDGES) | (np.abs(EDGES) < 1e-300),
}


def is_elementwise_of_one(name):
    op = REGISTRY[f"special.{name}"]
    return "elementwise" in op.traits and len(op.signature.parameters) == 1


SHORT = [name.removeprefix("special.") for name in REGISTRY if name.startswith("special.")]
UNARY = [name for name in SHORT if hasattr(scipy, name) and is_elementwise_of_one(name)]


@pytest.mark.parametrize("name", UNARY)
def test_limits_are_those_of_scipy(name):
    ours = lowered(name, EDGES)
    with np.errstate(all="ignore"):
        theirs = getattr(scipy, name)(EDGES)
    compared = ~BETTER.get(name, np.zeros(EDGES.shape, dtype=bool))
    np.testing.assert_allclose(ours[compared], theirs[compared], rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("name", UNARY)
def test_a_narrow_dtype_stays_narrow_and_close(name, dtype):
    x = np.array([0.25, 0.5, 0.75], dtype=dtype)
    result = lowered(name, x)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, lowered(name, x.astype("float64")), rtol=6 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", ["xlogy", "xlog1py", "rel_entr"])
def test_products_with_a_logarithm_have_scipys_limits(name):
    x, y = (a.ravel() for a in np.meshgrid(EDGES, EDGES))
    with np.errstate(all="ignore"):
        expected = getattr(scipy, name)(x, y)
    np.testing.assert_allclose(lowered(name, x, y), expected, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("name", ["gammainc", "gammaincc", "chdtr", "chdtrc"])
def test_incomplete_gamma_functions_have_scipys_limits(name):
    a, x = (v.ravel() for v in np.meshgrid(EDGES, EDGES))
    normal = ~(((np.abs(a) < 1e-300) & (a != 0)) | ((np.abs(x) < 1e-300) & (x != 0)))  # SciPy loses subnormals
    with np.errstate(all="ignore"):
        expected = getattr(scipy, name)(a, x)
    np.testing.assert_allclose(lowered(name, a, x)[normal], expected[normal], rtol=1e-12)


@pytest.mark.parametrize("name", ["betainc", "betaincc"])
def test_incomplete_beta_functions_have_scipys_limits(name):
    ends = np.array([0.0, 0.5, 1.0, 2.0, 50.0, NAN])
    a, b, x = (v.ravel() for v in np.meshgrid(ends, ends, SHARES))
    compared = (a > 0) | (b > 0)
    expected = getattr(scipy, name)(a, b, x)
    np.testing.assert_allclose(lowered(name, a, b, x)[compared], expected[compared], rtol=1e-11)


def test_poles_of_gamma_keep_the_sign_of_zero_and_are_nan_elsewhere():
    np.testing.assert_array_equal(lowered("gamma", np.array([0.0, -0.0, -1.0, -30.0])), [INF, -INF, NAN, NAN])


def test_factorials_and_binomial_coefficients_are_exact():
    n = np.arange(1.0, 19.0)
    np.testing.assert_array_equal(lowered("gamma", n), [math.factorial(int(i) - 1) for i in n])
    k = np.arange(0.0, 46.0)
    np.testing.assert_array_equal(lowered("binom", np.full_like(k, 45.0), k), [math.comb(45, int(i)) for i in k])


def test_tails_survive_where_their_complement_is_one():
    np.testing.assert_allclose(lowered("log_ndtr", np.array([-1e10])), [-5e19])
    np.testing.assert_allclose(
        lowered("gammaincc", np.array([1e-12]), np.array([1.0])), [2.1938393439552e-13], rtol=1e-10
    )
    np.testing.assert_allclose(
        lowered("betaincc", np.array([1e-12]), np.array([1.0]), np.array([0.5])), [6.931471805599453e-13]
    )


def test_overflow_to_infinity_makes_no_warning():
    np.testing.assert_array_equal(lowered("exp2", np.array([1024.0, 5e4])), [INF, INF])
    np.testing.assert_array_equal(lowered("exp10", np.array([309.0, 1e5])), [INF, INF])
    np.testing.assert_array_equal(lowered("erfcx", np.array([-27.0, -1e9])), [INF, INF])
    np.testing.assert_array_equal(lowered("gamma", np.array([50.0], dtype="float32")), np.array([INF], dtype="float32"))
