"""The adjoint of max-pooling: each window's share goes to its largest elements. Knows windows as numbers alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from kbplug_numba.compiling import compiled

Array = np.ndarray[Any, Any]


@compiled
def spread(shares: Array, x: Array, tops: Array, slides: Array, out: Array) -> None:
    """Add to ``out``, of the shape of ``x``, the share of each window among its elements that are equal to its top.

    Arrays have the axes (batch, three dimensions, channels); ``slides`` has a row for each of the three, with the size
    of the window, its stride, and the width of the padding before. A NaN is equal to a NaN.
    """
    batch, depth, height, width, channels = tops.shape
    each = np.empty(channels, shares.dtype)
    for n in range(batch):
        for d in range(depth):
            planes = _taken(d, slides[0], x.shape[1])
            for h in range(height):
                lines = _taken(h, slides[1], x.shape[2])
                for w in range(width):
                    box = (planes, lines, _taken(w, slides[2], x.shape[3]))
                    _divide(shares[n, d, h, w], x[n], tops[n, d, h, w], box, each)
                    _give(each, x[n], tops[n, d, h, w], box, out[n])


@compiled
def _taken(position: Any, slide: Any, length: Any) -> Any:
    """Return where a window begins and ends along one dimension, without its padding."""
    first = position * slide[1] - slide[2]
    return max(first, 0), min(first + slide[0], length)


@compiled
def _divide(share: Array, x: Array, top: Array, box: Any, each: Array) -> None:
    """Write one window's share, in each channel, by the number of elements that are equal to its top."""
    each[:] = 0
    for a in range(*box[0]):
        for b in range(*box[1]):
            for c in range(*box[2]):
                for k in range(len(each)):
                    each[k] += _equal(x[a, b, c, k], top[k])
    for k in range(len(each)):
        each[k] = share[k] / each[k]


@compiled
def _give(each: Array, x: Array, top: Array, box: Any, out: Array) -> None:
    """Add to one window's elements what those have that are equal to its top."""
    for a in range(*box[0]):
        for b in range(*box[1]):
            for c in range(*box[2]):
                for k in range(len(each)):
                    if _equal(x[a, b, c, k], top[k]):
                        out[a, b, c, k] += each[k]


@compiled
def _equal(a: Any, b: Any) -> Any:
    return a == b or (np.isnan(a) and np.isnan(b))
