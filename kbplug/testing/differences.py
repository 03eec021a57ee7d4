"""Derivatives by central differences in double precision, with a bound for their error. Knows array functions only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

HostArray = np.ndarray[Any, Any]
Scalar = Callable[[Sequence[HostArray]], float]

STEP = 2.0**-10
"""The larger of two steps: below the 1e-3 that samples keep from kinks, and a power of two, so adding it is exact."""

ROUNDING = 2.0**-36
"""Error of a quotient relative to the function: 2**-52 over the smaller step, 2**-11, with 5 bits to spare."""

TRUNCATION = 1e-6
"""Relative error left after one extrapolation, a term in the fourth power of the step."""

DOUBT = 1e-2
"""A relative error estimate above this says that the function is not smooth at this scale."""


class Slope(NamedTuple):
    """A gradient by differences, and a bound for the error of each of its elements."""

    value: HostArray
    error: HostArray


def slope(function: Scalar, point: Sequence[HostArray], position: int) -> Slope:
    """Return the gradient of a real ``function`` of arrays with respect to ``point[position]``.

    Two central differences are extrapolated to step 0 (Richardson), and their disagreement bounds the
    error. For complex elements it is ``df/dRe + i df/dIm``, as PyTorch defines it.

    Parameters
    ----------
    function
        Takes the list of arrays.
    point
        Where the gradient is taken.
    position
        Which array it is taken for; a floating-point one.
    """
    x = point[position]
    value, error = np.zeros(x.shape, x.dtype), np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        for unit in (1.0, 1.0j) if x.dtype.kind == "c" else (1.0,):
            wide = _central(function, point, position, index, STEP * unit)
            near = _central(function, point, position, index, STEP / 2 * unit)
            value[index] += np.asarray(unit * (4 * near - wide) / 3)
            error[index] += abs(near - wide) / 3
    largest = np.abs(value).max(initial=0.0)
    known = TRUNCATION * largest + ROUNDING * max(1.0, abs(function(point)))
    return Slope(value, error + known)


def _central(
    function: Scalar, point: Sequence[HostArray], position: int, index: tuple[int, ...], step: complex
) -> float:
    values = []
    for sign in (1, -1):
        moved = point[position].copy()
        moved[index] += sign * step
        values.append(function([*point[:position], moved, *point[position + 1 :]]))
    return (values[0] - values[1]) / (2 * abs(step))


def assert_slope(actual: HostArray, expected: Slope, what: str) -> None:
    """Raise unless a gradient is what differences say, within their error.

    Raises
    ------
    AssertionError
        Naming the first element that differs, or saying that differences mean nothing here.
    """
    largest = max(1.0, float(np.abs(expected.value).max(initial=0.0)))
    assert np.all(np.isfinite(expected.value)), f"{what}: the function is not finite around this sample."
    assert np.all(expected.error <= DOUBT * largest), (
        f"{what}: differences at two steps disagree by {expected.error.max():.1e}, so the function is not smooth here; "
        "choose other values, or declare the sample with smooth=False."
    )
    wrong = ~(np.abs(actual - expected.value) <= expected.error)
    if np.any(wrong):
        i = tuple(int(n) for n in np.argwhere(wrong)[0])
        raise AssertionError(
            f"{what} at {i} is {actual[i]!r}, but differences give {expected.value[i]!r} +- {expected.error[i]:.1e}; "
            f"{int(wrong.sum())} of {wrong.size} elements differ."
        )
