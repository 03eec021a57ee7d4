"""When two arrays are the same up to rounding. Knows floating-point arithmetic, and neither ops nor engines."""

from __future__ import annotations

from typing import Any

import numpy as np

HostArray = np.ndarray[Any, Any]

ULPS = 2**10
"""Rounding errors allowed, in units of the last place: a few dozen elements through a few dozen operations."""


def tolerance(dtype: str) -> float:
    """Return the relative error that rounding alone explains in results of ``dtype``; 0 where arithmetic is exact."""
    kind = np.dtype(dtype)
    return float(ULPS * np.finfo(kind).eps) if kind.kind in "fc" else 0.0


def assert_close(
    actual: HostArray, expected: HostArray, what: str, *, within: float | None = None, besides: float = 0.0
) -> None:
    """Raise unless ``actual`` has the shape and dtype of ``expected`` and, up to rounding, its values.

    NaN equals NaN, and infinities must agree in sign. An error counts relative to the element, or to
    the largest element where cancellation has eaten the element's own digits: of complex numbers, to the larger part.

    Parameters
    ----------
    actual, expected
        The arrays.
    what
        Opens the sentence of the error.
    within
        The relative error allowed; ``tolerance`` of the dtype by default. 0 asks for the same numbers, signs of
        zeros included.
    besides
        An absolute error allowed on top of ``within``, for what is known to magnify errors.

    Raises
    ------
    AssertionError
        Naming the worst element.
    """
    assert actual.dtype == expected.dtype, f"{what} is {actual.dtype}, but should be {expected.dtype}."
    assert actual.shape == expected.shape, f"{what} has the shape {actual.shape}, but should have {expected.shape}."
    allowed = tolerance(actual.dtype.name) if within is None else within
    scale = _largest(expected)
    for a, b in zip(_parts(actual), _parts(expected), strict=True):
        _assert_parts(a, b, allowed, scale, besides, what)


def _largest(array: HostArray) -> float:
    """Return the largest finite magnitude, of either part of complex numbers; 1 where there is none."""
    found = [float(np.abs(part[np.isfinite(part)]).max(initial=0.0)) for part in _parts(array)]
    return max(found) or 1.0


def _parts(array: HostArray) -> tuple[HostArray, ...]:
    """Return real and imaginary part of a complex array, each of which may be infinite by itself."""
    return (array.real, array.imag) if array.dtype.kind == "c" else (array,)


def _assert_parts(
    actual: HostArray, expected: HostArray, allowed: float, scale: float, besides: float, what: str
) -> None:
    with np.errstate(all="ignore"):
        same = (actual == expected) | _both_nan(actual, expected)
        if allowed:
            # The element by itself counts fully; 2**-6 of that is granted relative to the largest one.
            near = np.abs(actual - expected) <= allowed * (np.abs(expected) + 2.0**-6 * scale) + besides
            same |= near & np.isfinite(actual) & np.isfinite(expected)  # inf - inf and inf - 1 are within inf
        elif actual.dtype.kind == "f":
            same &= (np.signbit(actual) == np.signbit(expected)) | _both_nan(actual, expected)
    if not np.all(same):
        worst = tuple(int(i) for i in np.argwhere(~same)[0])
        raise AssertionError(
            f"{what} at {worst} is {actual[worst]!r}, but should be {expected[worst]!r}; "
            f"{int(np.sum(~same))} of {same.size} elements differ."
        )


def _both_nan(a: HostArray, b: HostArray) -> HostArray:
    return np.isnan(a) & np.isnan(b)
