"""Polynomials, rational functions and continued fractions at every element of an array. Knows no special function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Coefficients = Sequence[float]


def polynomial(x: Any, coefficients: Coefficients) -> Any:
    """Return ``c[0] + c[1] x + c[2] x**2 + ...`` by Horner's rule, in place on its own result.

    Parameters
    ----------
    x
        A real array.
    coefficients
        At least two, the constant term first.
    """
    *lower, last = coefficients
    result = x * last + lower.pop()
    for c in reversed(lower):
        result *= x
        result += c
    return result


def rational(x: Any, numerator: Coefficients, denominator: Coefficients) -> Any:
    """Return the quotient of two polynomials."""
    return polynomial(x, numerator) / polynomial(x, denominator)


def chebyshev(t: Any, coefficients: Coefficients) -> Any:
    """Return the sum of ``c[k] T_k(t)`` for ``t`` in [-1, 1] by Clenshaw's recurrence.

    For long series, whose coefficients as a polynomial would be large and alternate.
    """
    twice = t + t
    last = t * 0.0
    result = last + coefficients[-1]
    for c in coefficients[-2:0:-1]:
        last, result = result, twice * result - last + c
    return t * result - last + coefficients[0]


def fraction(partial: Callable[[int], tuple[Any, Any]], steps: int) -> Any:
    """Return ``a(1) / (b(1) + a(2) / (b(2) + ...))``, cut after ``steps`` and computed from the tail.

    Parameters
    ----------
    partial
        ``partial(k)`` gives ``(a(k), b(k))``; no partial denominator may vanish.
    steps
        How many; enough for the slowest element.
    """
    a, b = partial(steps)
    result = a / b
    for k in range(steps - 1, 0, -1):
        a, b = partial(k)
        result = a / (b + result)
    return result
