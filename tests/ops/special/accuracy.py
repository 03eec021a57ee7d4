"""How far a lowering is from the truth of mpmath, in float64 and float32, over NumPy and over the bare standard."""

import array_api_strict as strict
import mpmath
import numpy as np

from kbplug.ops import lookup

SMALLEST = {np.float64: 1e-290, np.float32: 1e-36}


def lowered(name, *arrays, xp=np):
    """Return the values of an op's lowering; pytest turns any warning of NumPy's into an error."""
    result = lookup(f"special.{name}").lower(xp, *[xp.asarray(a) for a in arrays])
    return np.asarray(result if xp is np else result._array)


def truth(function, arrays, digits=50):
    with mpmath.workdps(digits):
        points = zip(*(a.ravel() for a in np.broadcast_arrays(*arrays)), strict=True)
        return [function(*(mpmath.mpf(float(v)) for v in point)) for point in points]


def _errors(actual, expected, scale):
    found = []
    for a, e in zip(actual.ravel(), expected, strict=True):
        size = max(abs(e), scale)
        if size > SMALLEST[actual.dtype.type] and size < float(np.finfo(actual.dtype).max):
            found.append(float(abs(mpmath.mpf(float(a)) - e) / size))
    assert found, "no element of the grid is in the range of the dtype"
    return max(found)


def check(name, function, *arrays, within, ulps=4, scale=0, digits=50):
    """Assert the relative error in float64, that in float32 in units of rounding, and one result over both namespaces.

    ``scale`` makes the error of elements smaller than it absolute, for a function with zeros. Single precision
    is compared with the truth at the rounded arguments.
    """
    actual = lowered(name, *arrays)
    assert actual.dtype == np.float64
    assert _errors(actual, truth(function, arrays, digits), scale) <= within
    np.testing.assert_array_equal(lowered(name, *arrays, xp=strict), actual)

    narrow = [np.asarray(a, dtype="float32") for a in arrays]
    single = lowered(name, *narrow)
    assert single.dtype == np.float32
    assert _errors(single, truth(function, narrow, digits), scale) <= ulps * 2.0**-23
