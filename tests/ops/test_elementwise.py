"""Elementwise functions where libraries differ: the standard's special cases, on every engine."""

import itertools
import math

import numpy as np
import pytest

import kbplug
from kbplug.graph.node import placeholder
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor, tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.runtime.function import Function

inf, nan = math.inf, math.nan
ENGINES = ["numpy", "strict"]


def computed(engine, function, *arrays):
    """Return ``function`` of arrays, compiled and, checked to be the same, on demand."""
    with kbplug.engine_scope(engine):
        inputs = [Tensor(placeholder(Spec(np.shape(a), np.asarray(a).dtype.name))) for a in arrays]
        (compiled,) = Function(inputs, [function(*inputs)])(arrays)
        demanded = function(*map(tensor, arrays)).value()
    np.testing.assert_array_equal(compiled, demanded)
    return compiled


def same(found, expected):
    """Say whether two numbers are equal, the signs of zeros included; a NaN or a zero without a sign is any."""
    if math.isnan(expected):
        return math.isnan(found)
    return found == expected and math.copysign(1, found) == math.copysign(1, expected)


QUOTIENTS = [
    *[(inf, 2.0, inf), (inf, -2.0, -inf), (-inf, 2.0, -inf), (-inf, -2.0, inf)],
    *[(3.0, inf, 0.0), (3.0, -inf, -0.0), (-3.0, inf, -0.0), (-3.0, -inf, 0.0)],
    *[(inf, inf, nan), (inf, -inf, nan), (-inf, inf, nan), (-inf, -inf, nan), (nan, 1.0, nan), (1.0, nan, nan)],
    *[(0.0, 0.0, nan), (-0.0, 0.0, nan), (0.0, 2.0, 0.0), (0.0, -2.0, -0.0), (-0.0, 2.0, -0.0), (-0.0, -2.0, 0.0)],
    *[(2.0, 0.0, inf), (2.0, -0.0, -inf), (-2.0, 0.0, -inf), (-2.0, -0.0, inf)],
    *[(0.0, inf, 0.0), (-0.0, inf, -0.0), (0.0, -inf, -0.0), (-0.0, -inf, 0.0)],
]
"""What the standard says of ``floor_divide``."""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floor_divide_at_infinities_and_zeros(engine, dtype):
    a, b, expected = (np.array(column, dtype) for column in zip(*QUOTIENTS, strict=True))
    found = computed(engine, xp.floor_divide, a, b)
    assert found.dtype == dtype
    assert all(map(same, found, expected)), list(zip(a, b, found, expected, strict=True))
    for row in QUOTIENTS[:8]:
        assert same(float(computed(engine, xp.floor_divide, *(np.asarray(n, dtype) for n in row[:2]))), row[2])


@pytest.mark.parametrize("engine", ENGINES)
def test_floor_divide_of_finite_numbers_is_pythons(engine):
    rng = np.random.default_rng(0)
    whole = rng.integers(-40, 40, 400).astype(float)
    fractions = rng.choice([0.1, -0.1, 0.3, 2.0, -3.0, 1e-3, 1e300, 5e-324, 7.5], 400)
    a = np.concatenate([whole, whole * fractions, rng.normal(size=400) * 1e3, rng.normal(size=400) * 1e17])
    b = np.concatenate([fractions, fractions, rng.normal(size=400), fractions])
    found = computed(engine, xp.floor_divide, a, b)
    finite = [(x, y, z) for x, y, z in zip(a.tolist(), b.tolist(), found.tolist(), strict=True) if abs(x / y) < inf]
    assert len(finite) > 1000
    assert all(same(z, x // y) for x, y, z in finite)


@pytest.mark.parametrize("engine", ENGINES)
def test_floor_divide_of_integers_stays_integer(engine):
    found = computed(engine, xp.floor_divide, np.array([-7, 7, 7], "int8"), np.array([2, -2, 2], "int8"))
    assert (found.dtype, found.tolist()) == (np.int8, [-4, -4, 3])


EXCESSES = [
    *[((0.0, 0.0), (0.0, 0.0)), ((-0.0, 0.0), (0.0, 0.0)), ((0.0, -0.0), (0.0, -0.0)), ((-0.0, -0.0), (0.0, -0.0))],
    *[((2.5, inf), (nan, nan)), ((2.5, nan), (nan, nan)), ((nan, 2.5), (nan, nan)), ((nan, nan), (nan, nan))],
    *[((inf, 0.0), (inf, 0.0)), ((inf, -0.0), (inf, -0.0)), ((nan, 0.0), (nan, 0.0)), ((nan, -0.0), (nan, -0.0))],
    *[((-inf, 1.0), (-1.0, 0.0)), ((-inf, -1.0), (-1.0, -0.0)), ((-inf, 2.0), (-1.0, 0.0))],
    *[((inf, 1.0), (inf, inf)), ((inf, 2.0), (-inf, inf)), ((inf, -1.0), (inf, -inf))],
]
"""What the standard says of ``expm1``: parts of the number and of the result."""


@pytest.mark.parametrize("engine", ENGINES)
def test_expm1_of_complex_numbers_at_infinities_and_zeros(engine):
    numbers = np.array([complex(*z) for z, _ in EXCESSES])
    found = computed(engine, xp.expm1, numbers)
    for z, y, (real, imag) in zip(numbers, found, [e for _, e in EXCESSES], strict=True):
        assert same(y.real, real), (z, y)
        assert same(y.imag, imag), (z, y)
    for z, sign in itertools.product([complex(-inf, inf), complex(-inf, nan)], [1, -1]):  # zeros of any sign
        assert computed(engine, xp.expm1, np.array([complex(z.real, sign * z.imag)])) == -1
    for z in (complex(inf, inf), complex(inf, nan)):
        (y,) = computed(engine, xp.expm1, np.array([z]))
        assert abs(y.real) == inf
        assert math.isnan(y.imag)


@pytest.mark.parametrize("engine", ENGINES)
def test_expm1_is_exact_near_zero(engine):
    small = np.array([1e-9 + 1e-9j, -1e-12j, 1e-20 + 0j, 1 + 2j, 0j])
    expected = small[:3] + small[:3] ** 2 / 2
    found = computed(engine, xp.expm1, small)
    np.testing.assert_allclose(found[:3], expected, rtol=1e-14)
    np.testing.assert_allclose(found[3], np.exp(1 + 2j) - 1, rtol=1e-14)


@pytest.mark.parametrize("engine", ENGINES)
def test_tanh_of_complex_numbers_at_infinities(engine):
    large = 3.6356907911738716e150  # where sin(2 * y), whose sign C follows, is negative
    parts = list(itertools.product([inf, -inf], [1.0, -1.0, large, -large, 0.0, -0.0]))
    numbers = np.array([complex(*z) for z in parts])
    found = computed(engine, xp.tanh, numbers)
    for z, y in zip(parts, found, strict=True):
        assert same(y.real, math.copysign(1.0, z[0])), (z, y)
        assert same(y.imag, math.copysign(0.0, z[1])), (z, y)
    (finite,) = computed(engine, xp.tanh, np.array([0.3 - 0.7j]))
    np.testing.assert_allclose(finite, np.sinh(0.3 - 0.7j) / np.cosh(0.3 - 0.7j), rtol=1e-15)


@pytest.mark.parametrize("engine", ENGINES)
def test_sign_of_a_complex_zero_has_no_signs(engine):
    zeros = np.array([complex(*z) for z in itertools.product([0.0, -0.0], repeat=2)])
    found = computed(engine, xp.sign, zeros)
    assert all(same(part, 0.0) for y in found for part in (y.real, y.imag))
    np.testing.assert_allclose(computed(engine, xp.sign, np.array([3 - 4j])), [0.6 - 0.8j], rtol=1e-15)


@pytest.mark.parametrize("name", ["expm1", "sign", "tanh"])
def test_real_numbers_go_straight_to_the_library_and_over_what_is_no_longer_needed(name):
    given = np.array([0.0, 1.0, 2.0])
    function, own = getattr(xp, name), getattr(np, name)
    for dtype, direct in (("float64", True), ("complex128", False)):
        x = Tensor(placeholder(Spec((3,), dtype)))
        f = Function([x], [function(xp.negative(x))])
        assert (f"xp_{name}(v1, v1)" in f.source()) is direct
        assert (f"op_{name}(xp, v1)" in f.source()) is not direct
        np.testing.assert_allclose(f([given.astype(dtype)])[0], own(-given.astype(dtype)), rtol=1e-15)
