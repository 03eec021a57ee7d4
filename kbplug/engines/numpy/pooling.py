"""Pooling on NumPy: one dimension of the window after another, part after part of the batch to stay in the cache."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from kbplug.engines.numpy.batches import spread
from kbplug.engines.numpy.windows import (
    Array,
    channels_last,
    from_channels_last,
    offsets,
    padded,
    parts,
    patches,
    widths,
)
from kbplug.ops import pooling as generic
from kbplug.ops.conv import check_positions

Slides = tuple[Any, ...]

_PASS = 64
"""Products that take as long as what pooling does with an element."""

_PART = 1 << 21
"""Bytes of an array at a time: about a cache of the second level, in calls long enough for two threads."""


def _reduce(ufunc: np.ufunc, x: Array, slides: Slides) -> Array:
    """Return the reduction of every window of a padded ``x``."""
    for axis, window in enumerate(slides, start=1):
        first, *rest = _along(x, axis, window)
        out = first.copy() if not rest else ufunc(first, rest[0])
        for taken in rest[1:]:
            ufunc(out, taken, out=out)
        x = out
    return x


def _along(x: Array, axis: int, window: Any) -> Iterator[Array]:
    """Yield each element of the window at every position along one dimension."""
    reach = window.stride * (window.count - 1) + 1
    for start in range(window.size):
        yield x[(slice(None),) * axis + (slice(start, start + reach, window.stride),)]


def _pool(ufunc: np.ufunc, x: Array, slides: Slides, fill: float) -> Array:
    x = padded(x, widths(slides), fill)
    out = np.empty((x.shape[0], *(w.count for w in slides), x.shape[-1]), dtype=x.dtype)

    def reduce(samples: slice) -> None:
        for part in _parts(samples, x):
            out[part] = _reduce(ufunc, x[part], slides)

    spread(len(x), x.size * _PASS, reduce)
    return out


def _parts(samples: slice, x: Array) -> Iterator[slice]:
    """Yield slices of some samples whose elements fit the cache."""
    for part in parts(samples.stop - samples.start, prod(x.shape[1:]) * x.itemsize, _PART):
        yield slice(samples.start + part.start, samples.start + part.stop)


def max_pool(x: Array, *, data_format: str, **params: Any) -> Array:
    """Return the largest element of each window."""
    x = channels_last(x, data_format)
    slides = generic.slides("max_pool", x.shape[1:-1], **params)
    return from_channels_last(_pool(np.maximum, x, slides, -math.inf), data_format)


def avg_pool(x: Array, *, data_format: str, **params: Any) -> Array:
    """Return the mean of each window without its padding."""
    x = channels_last(x, data_format)
    sizes = x.shape[1:-1]
    slides = generic.slides("avg_pool", sizes, **params)
    out = _pool(np.add, x, slides, 0)
    out /= _numbers(slides, sizes, out.dtype)
    return from_channels_last(out, data_format)


def _numbers(slides: Slides, sizes: tuple[int, ...], dtype: Any) -> Any:
    """Return how many elements each window takes."""
    if not any(map(any, widths(slides))):
        return prod(w.size for w in slides)
    numbers: Array = functools.reduce(np.multiply.outer, map(_taken, slides, sizes))
    return numbers.astype(dtype)[..., None]


def _taken(window: Any, size: int) -> Array:
    starts = range(-window.before, window.count * window.stride - window.before, window.stride)
    return np.array([min(s + window.size, size) - max(s, 0) for s in starts])


def avg_pool_input(y: Array, *, shape: tuple[int, ...], data_format: str, **params: Any) -> Array:
    """Return the transpose of ``avg_pool``."""
    y = channels_last(y, data_format)
    slides = generic.slides("avg_pool_input", shape, **params)
    check_positions("avg_pool_input", y.shape[1:-1], slides)
    share = y / _numbers(slides, shape, y.dtype)
    sizes = [n + sum(p) for n, p in zip(shape, widths(slides), strict=True)]
    out = np.zeros((y.shape[0], *sizes, y.shape[-1]), dtype=y.dtype)

    def add(samples: slice) -> None:
        for part in _parts(samples, out):
            for _, index in offsets(slides):
                out[part][index] += share[part]

    spread(len(out), out.size * _PASS, add)
    return from_channels_last(_unpadded(out, slides), data_format)


def _unpadded(x: Array, slides: Slides) -> Array:
    return padded(x, [(-a, -b) for a, b in widths(slides)])


def max_pool_input(g: Array, x: Array, y: Array, *, data_format: str, **params: Any) -> Array:
    """Return ``g`` shared out among the largest elements of each window."""
    if not _ordinary(g, y):
        return _generic(generic.max_pool_input, g, x, y, data_format=data_format, **params)
    g, x, y = (channels_last(a, data_format) for a in (g, x, y))
    slides: Slides = generic.slides("max_pool_input", x.shape[1:-1], **params)
    x = padded(x, widths(slides), math.nan)  # which no maximum equals
    apart = all(w.stride >= w.size for w in slides)
    tiled = all(w.stride == w.size and w.count * w.size == n for w, n in zip(slides, x.shape[1:-1], strict=True))
    out = np.empty_like(x) if tiled else np.zeros_like(x)

    def share_out(samples: slice) -> None:
        for part, hits, number in _hits(samples, x, y, slides):
            share = g[part] / number.astype(g.dtype) if number.max(initial=0) > 1 else g[part]
            if apart:
                np.multiply(hits, _per_window(share, slides), out=patches(out[part], slides, writeable=True))
            else:
                for element, index in offsets(slides):
                    out[part][index] += hits[..., *element, :] * share

    spread(len(x), x.size * _PASS, share_out)
    return from_channels_last(_unpadded(out, slides), data_format)


def max_pool_pick(u: Array, x: Array, y: Array, *, data_format: str, **params: Any) -> Array:
    """Return the mean of ``u`` over the largest elements of each window."""
    if not _ordinary(u, y):
        return _generic(generic.max_pool_pick, u, x, y, data_format=data_format, **params)
    u, x, y = (channels_last(a, data_format) for a in (u, x, y))
    slides = generic.slides("max_pool_pick", x.shape[1:-1], **params)
    around = widths(slides)
    x, u = padded(x, around, math.nan), padded(u, around)
    out = np.zeros_like(y)

    def pick(samples: slice) -> None:
        for part, hits, number in _hits(samples, x, y, slides):
            for element, index in offsets(slides):
                out[part] += hits[..., *element, :] * u[part][index]
            out[part] /= number.astype(y.dtype)

    spread(len(x), x.size * _PASS, pick)
    return from_channels_last(out, data_format)


def _ordinary(g: Array, y: Array) -> bool:
    """Say whether a product with a flag selects, as it does but for 0 * inf, and equality finds the maximum."""
    ends = g.min(initial=0), g.max(initial=0)  # what is not finite shows in one of them
    return bool(np.isfinite(ends).all() and not np.isnan(y.max(initial=0)))


def _generic(op: Any, *arrays: Array, **params: Any) -> Array:
    return np.asarray(op.lower(np, *arrays, **params))


def _hits(samples: slice, x: Array, y: Array, slides: Slides) -> Iterator[tuple[slice, Any, Array]]:
    """Yield, for parts of some samples, which elements of the windows are their maximum, and how many they are."""
    counter = np.uint8 if prod(w.size for w in slides) < 256 else np.int64
    for part in _parts(samples, x):
        hits = patches(x[part], slides) == _per_window(y[part], slides)
        number = hits.view(np.uint8).astype(counter, copy=False)
        for _ in slides:  # the first dimension of the window, whose elements lie in longer rows, then the next
            number = functools.reduce(np.add, np.moveaxis(number, 1 + len(slides), 0))
        yield part, hits, number


def _per_window(y: Array, slides: Slides) -> Array:
    """Return a result of pooling with a dimension of size 1 for each dimension of the windows."""
    return np.expand_dims(y, _window_axes(slides))


def _window_axes(slides: Slides) -> tuple[int, ...]:
    return tuple(range(1 + len(slides), 1 + 2 * len(slides)))


KERNELS: dict[str, Callable[..., Any]] = {
    "avg_pool": avg_pool,
    "avg_pool_input": avg_pool_input,
    "max_pool": max_pool,
    "max_pool_input": max_pool_input,
    "max_pool_pick": max_pool_pick,
}
