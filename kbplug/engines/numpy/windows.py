"""Windows of NumPy arrays as views, and loops over parts of a batch that fit the cache; knows no op."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from kbplug.graph.window import Window

Array = np.ndarray[Any, Any]


def channels_last(x: Array, data_format: str) -> Array:
    """Return ``x`` with its channels last and contiguous; what came from ``from_channels_last`` is not copied."""
    return np.ascontiguousarray(x if data_format == "channels_last" else np.moveaxis(x, 1, -1))


def from_channels_last(x: Array, data_format: str) -> Array:
    """Return ``x``, whose channels are last, in the layout asked for: a view."""
    return x if data_format == "channels_last" else np.moveaxis(x, -1, 1)


def padded(x: Array, widths: Sequence[tuple[int, int]], fill: float = 0) -> Array:
    """Return ``x`` with ``fill`` around its spatial dimensions; a negative width cuts instead."""
    cut = tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(widths, x.shape[1:-1], strict=True))
    x = x[(slice(None), *cut)]
    around = [(max(a, 0), max(b, 0)) for a, b in widths]
    if not any(map(any, around)):
        return x
    sizes = [n + a + b for n, (a, b) in zip(x.shape[1:-1], around, strict=True)]
    out = np.full((x.shape[0], *sizes, x.shape[-1]), fill, dtype=x.dtype)
    inner = tuple(slice(a, a + n) for (a, _), n in zip(around, x.shape[1:-1], strict=True))
    out[(slice(None), *inner)] = x
    return out


def framed(x: Array, slides: Sequence[Any], part: slice, rows: slice) -> Array:
    """Return what the windows see of some samples at some positions along the first dimension, padded."""
    first, *others = slides
    start = rows.start * first.stride - first.before
    stop = (rows.stop - 1) * first.stride + first.span - first.before
    low, high = (min(max(i, 0), x.shape[1]) for i in (start, stop))
    missing = min(max(-start, 0), stop - start)
    return padded(x[part, low:high], [(missing, stop - start - missing - (high - low)), *widths(others)])


def rows_of(slides: Sequence[Window], rows: slice) -> list[Window]:
    """Return windows that slide over as many positions along the first dimension as ``rows`` has."""
    return [replace(slides[0], count=rows.stop - rows.start), *slides[1:]]


def widths(slides: Sequence[Window]) -> list[tuple[int, int]]:
    """Return the padding that windows ask for."""
    return [(w.before or 0, w.after or 0) for w in slides]


def patches(x: Array, slides: Sequence[Any], *, writeable: bool = False) -> Array:
    """Return the windows of a padded ``x`` as a view of shape (batch, *positions, *window, channels).

    If it is ``writeable``, only what lies in one window may be written there.
    """
    batch, *steps, channels = x.strides
    strides = (
        batch,
        *(w.stride * n for w, n in zip(slides, steps, strict=True)),
        *(w.dilation * n for w, n in zip(slides, steps, strict=True)),
        channels,
    )
    shape = (x.shape[0], *(w.count for w in slides), *(w.size for w in slides), x.shape[-1])
    return as_strided(x, shape, strides, writeable=writeable)


def offsets(slides: Sequence[Any]) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """Yield each element of a window, and the index that takes it from a padded array at every position."""
    for element in itertools.product(*(range(w.size) for w in slides)):
        starts = [i * w.dilation for i, w in zip(element, slides, strict=True)]
        index = [slice(s, s + w.stride * (w.count - 1) + 1, w.stride) for s, w in zip(starts, slides, strict=True)]
        yield element, (slice(None), *index)


def parts(batch: int, weight: int, budget: int = 1 << 20) -> Iterator[slice]:
    """Yield slices that cut a batch, of ``weight`` bytes each, so that one part stays within ``budget`` if it can."""
    step = max(1, budget // max(weight, 1))
    return (slice(i, min(i + step, batch)) for i in range(0, batch, step))


def positions(slides: Sequence[Any]) -> int:
    """Return how many positions the windows have together."""
    return prod(w.count for w in slides)
