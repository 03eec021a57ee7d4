"""Polynomials, Chebyshev series and continued fractions against NumPy's and closed forms."""

import numpy as np

from kbplug.ops.special.polynomial import chebyshev, fraction, polynomial, rational

X = np.linspace(-1, 1, 21)
C = (0.5, -1.25, 2.0, 0.75, -0.3)


def test_polynomial():
    np.testing.assert_allclose(polynomial(X, C), np.polynomial.polynomial.polyval(X, C), rtol=1e-14)


def test_polynomial_leaves_its_argument_alone():
    x = X.copy()
    polynomial(x, C)
    np.testing.assert_array_equal(x, X)


def test_rational():
    expected = np.polynomial.polynomial.polyval(X, C) / np.polynomial.polynomial.polyval(X, (3.0, 1.0))
    np.testing.assert_allclose(rational(X, C, (3.0, 1.0)), expected, rtol=1e-14)


def test_chebyshev():
    np.testing.assert_allclose(chebyshev(X, C), np.polynomial.chebyshev.chebval(X, C), rtol=1e-14)


def test_fraction_of_ones_is_the_golden_ratio():
    ones = np.ones(2)
    np.testing.assert_allclose(fraction(lambda k: (ones, ones), 60), (np.sqrt(5) - 1) / 2, rtol=1e-15)
