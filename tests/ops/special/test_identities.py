"""Identities between special functions that their separate methods must keep."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ops.special.accuracy import lowered

SIZE = st.floats(-3, 8).map(lambda e: 10.0**e)


def one(value):
    return np.array([value])


@given(a=SIZE, ratio=st.floats(-1, 1).map(lambda e: 10.0**e))
def test_lower_and_upper_incomplete_gamma_are_one(a, ratio):
    total = lowered("gammainc", one(a), one(a * ratio)) + lowered("gammaincc", one(a), one(a * ratio))
    np.testing.assert_allclose(total, 1.0, rtol=1e-13)


@given(a=SIZE, b=SIZE, x=st.floats(0, 1))
def test_incomplete_beta_is_symmetric(a, b, x):
    swapped = lowered("betaincc", one(b), one(a), one(1 - x))
    if 1 - (1 - x) == x:
        np.testing.assert_allclose(lowered("betainc", one(a), one(b), one(x)), swapped, rtol=1e-12)


@given(a=st.floats(0.1, 200), x=st.floats(0.01, 300))
def test_incomplete_gamma_follows_its_recurrence_across_methods(a, x):
    step = lowered("gamma_density", one(a + 1), one(x))
    fall = lowered("gammainc", one(a), one(x)) - lowered("gammainc", one(a + 1), one(x))
    np.testing.assert_allclose(fall, step, rtol=1e-9, atol=2e-14)


@given(x=st.floats(-20, 20))
def test_digamma_reflects(x):
    if abs(x - round(x)) > 1e-3:
        left = lowered("digamma", one(1 - x)) - lowered("digamma", one(x))
        np.testing.assert_allclose(left, np.pi / np.tan(np.pi * (x - round(x))), rtol=1e-10, atol=1e-12)


@given(x=st.floats(0.05, 200))
def test_wronskian_of_bessel_functions(x):
    j0, j1, y0, y1 = (lowered(name, one(x)) for name in ("j0", "j1", "y0", "y1"))
    np.testing.assert_allclose(j1 * y0 - j0 * y1, 2 / (np.pi * x), rtol=1e-12)


@given(x=st.floats(0.01, 300))
def test_wronskian_of_modified_bessel_functions(x):
    i0, i1, k0, k1 = (lowered(name, one(x)) for name in ("i0e", "i1e", "k0e", "k1e"))
    np.testing.assert_allclose(i0 * k1 + i1 * k0, 1 / x, rtol=1e-14)
