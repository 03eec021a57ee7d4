"""Inverses undo their functions, for parameters and probabilities of every size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.special.accuracy import lowered

PARAMETER = st.floats(-3, 7).map(lambda e: 10.0**e)
TAIL = st.floats(-250, -0.31).map(lambda e: 10.0**e)


def one(value):
    return np.array([value])


def assert_undone(name, density, parameters, x, p):
    """Assert that the function at ``x`` is ``p``, up to what the last place of ``x`` and of its logarithm makes."""
    share = lowered(name, *map(one, parameters), x)[0]
    slope = abs(x[0] * lowered(density, *map(one, parameters), x)[0])
    assert abs(share - p) <= 1e-12 * p + 4e-13 * slope


@pytest.mark.parametrize(("inverse", "name"), [("gammaincinv", "gammainc"), ("gammainccinv", "gammaincc")])
@given(a=PARAMETER, p=TAIL)
def test_incomplete_gamma(inverse, name, a, p):
    x = lowered(inverse, one(a), one(p))
    if x[0] > 1e-280:
        assert_undone(name, "gamma_density", (a,), x, p)


@pytest.mark.parametrize(("inverse", "name"), [("betaincinv", "betainc"), ("betainccinv", "betaincc")])
@given(a=PARAMETER, b=PARAMETER, p=TAIL)
def test_incomplete_beta(inverse, name, a, b, p):
    x = lowered(inverse, one(a), one(b), one(p))
    if 1e-280 < x[0] < 0.99:
        assert_undone(name, "beta_density", (a, b), x, p)


@given(v=st.floats(0.2, 1e6), t=st.floats(-30, 30))
def test_student(v, t):
    p = lowered("stdtr", one(v), one(t))
    if 1e-200 < p[0] < 0.9:
        np.testing.assert_allclose(lowered("stdtrit", one(v), p), [t], rtol=1e-9, atol=1e-9)


@given(x=st.floats(-5, 25))
def test_complementary_error_function(x):
    rounding = 3e-16 * np.exp(min(x * x, 30)) if x < 0 else 0.0  # erfc is nearly 2 there
    np.testing.assert_allclose(lowered("erfcinv", lowered("erfc", one(x))), [x], rtol=1e-12, atol=rounding + 1e-15)


@given(x=st.floats(0.01, 100), power=st.floats(-3, 3))
def test_box_cox(x, power):
    y = lowered("boxcox", one(x), one(power))
    np.testing.assert_allclose(lowered("inv_boxcox", y, one(power)), [x], rtol=1e-9)
