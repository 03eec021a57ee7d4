"""Functions at zeros, infinities and NaN, beside Python's ``cmath``, which follows C99, and the standard's tables."""

import cmath
import itertools
import math

import jax.numpy as jnp
import numpy as np
import pytest

import kbplug.backend  # noqa: F401 -- declares the ops, whose bodies the kernels take
from kbplug_jax.engine import JaxEngine
from kbplug_jax.limits import KERNELS

PARTS = (0.0, -0.0, 1.5, -1.5, 1e200, -1e200, math.inf, -math.inf, math.nan)
NAMES = ["acos", "acosh", "asinh", "atanh", "cosh", "exp", "log", "sinh", "sqrt", "tanh"]


@pytest.fixture(scope="module", autouse=True)
def wide():
    JaxEngine()  # which turns float64 on


def defined(name):
    """Yield the infinite numbers and NaN for which cmath has a value, and the value."""
    for z in itertools.starmap(complex, itertools.product(PARTS, PARTS)):
        if cmath.isfinite(z) or (name in ("acosh", "tanh") and z.real == 0):  # for which C99 was corrected later
            continue
        try:
            yield z, getattr(cmath, name)(z)
        except (ValueError, OverflowError):
            continue


@pytest.mark.parametrize("name", NAMES)
def test_complex_limits_are_those_of_c99(name):
    """Compare but for signs: XLA takes no side of a branch cut by the sign of a zero."""
    points, expected = zip(*defined(name), strict=True)
    found = np.asarray(KERNELS[name](jnp.asarray(points)))
    for z, y, e in zip(points, found, expected, strict=True):
        parts = [[abs(part) for part in (c.real, c.imag)] for c in (y, e)]
        np.testing.assert_allclose(*parts, rtol=1e-12, atol=1e-12, err_msg=f"{name}({z})")


@pytest.mark.parametrize(
    ("name", "z", "expected"),
    [
        ("expm1", complex(-math.inf, math.nan), (-1.0, 0.0)),
        ("expm1", complex(math.inf, math.inf), (math.inf, math.nan)),
        ("log1p", complex(math.nan, math.inf), (math.inf, math.nan)),
        ("exp", complex(math.inf, math.nan), (math.inf, math.nan)),
    ],
)
def test_limits_of_the_standards_tables(name, z, expected):
    found = complex(KERNELS[name](jnp.asarray(z)))
    np.testing.assert_array_equal([found.real, found.imag], expected)


@pytest.mark.parametrize(
    ("name", "a", "b", "sign"),
    [
        ("remainder", -0.0, 2.0, 1.0),
        ("remainder", 0.0, -2.0, -1.0),
        ("remainder", 4.0, -2.0, -1.0),
        ("floor_divide", -0.0, 2.0, -1.0),
        ("floor_divide", -0.0, -2.0, 1.0),
    ],
)
def test_zeros_have_the_sign_they_should(name, a, b, sign):
    found = KERNELS[name](jnp.asarray(a), jnp.asarray(b))
    assert (float(found), math.copysign(1.0, found)) == (0.0, sign)


def test_integers_are_divided_as_ever():
    a, b = jnp.asarray([7, -7, 0]), jnp.asarray([2, 2, -3])
    assert KERNELS["remainder"](a, b).tolist() == [1, 1, 0]
    assert KERNELS["floor_divide"](a, b).tolist() == [3, -4, 0]
