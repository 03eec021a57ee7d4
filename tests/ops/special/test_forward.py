"""Dual numbers: each rule against differences of mpmath, and derivatives of derivatives."""

import mpmath as mp
import numpy as np
import pytest

from kbplug.ops.special.forward import SLOPES, partial

X = np.array([0.3, 0.8, 1.7])


@pytest.mark.parametrize("name", sorted(set(SLOPES) - {"floor", "round", "sign", "ones_like", "abs"}))
def test_a_function_has_its_slope(name):
    slope = partial(lambda xp, x: getattr(xp, name)(x), 0)(np, X)
    exact = [float(mp.diff(getattr(mp, name), v)) for v in X]
    np.testing.assert_allclose(slope, exact, rtol=1e-13)


@pytest.mark.parametrize("name", ["floor", "round", "sign"])
def test_a_step_is_flat(name):
    np.testing.assert_array_equal(partial(lambda xp, x: getattr(xp, name)(x), 0)(np, X), np.zeros(3))


def body(xp, a, x):
    """Return something that uses every operator and choice, smooth on either side."""
    near = xp.where(x < 1.0, xp.pow(x, a), 2.0 - 1.0 / (a + x))
    return xp.maximum(near, -near) * xp.clip(x, 0.5, 1.5) - a / x + (3.0 - a) * xp.minimum(x, a)


def exact(a, x):
    near = x**a if x < 1 else 2 - 1 / (a + x)
    return abs(near) * min(max(x, mp.mpf("0.5")), mp.mpf("1.5")) - a / x + (3 - a) * min(x, a)


@pytest.mark.parametrize("orders", [(1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (2, 1)])
def test_partial_derivatives_nest(orders):
    lowering = body
    for position, order in enumerate(orders):
        for _ in range(order):
            lowering = partial(lowering, position)
    a = np.array([1.2, 0.7, 2.1])
    with mp.workdps(40):
        points = [(mp.mpf(float(u)), mp.mpf(float(v))) for u, v in zip(a, X, strict=True)]
        expected = [float(mp.diff(exact, point, orders)) for point in points]
    np.testing.assert_allclose(lowering(np, a, X), expected, rtol=1e-11)


def test_a_slope_has_the_shape_of_the_value_and_its_nan():
    a, x = np.array([[1.0], [2.0]]), np.array([0.5, np.nan, 2.0])
    slope = partial(lambda xp, a, x: a + x, 0)(np, a, x)
    np.testing.assert_array_equal(slope, [[1.0, np.nan, 1.0]] * 2)


def test_what_does_not_depend_on_an_array_has_slope_zero():
    np.testing.assert_array_equal(partial(lambda xp, a, x: x * 2.0, 0)(np, X, X), np.zeros(3))
