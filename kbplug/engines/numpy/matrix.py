"""Convolution as products with a matrix that has a row for each position of the window: the way for every shape.

With channels last, a row is copied in few contiguous stretches. The matrix is never whole: blocks of it fit the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from kbplug.engines.numpy.batches import blocks
from kbplug.engines.numpy.windows import Array, framed, offsets, patches, rows_of

Slides = tuple[Any, ...]

BUDGET = 1 << 20
"""Bytes of the matrix at a time."""

_NARROW = 16
"""With fewer channels in a group one product for all elements of the window is faster than one for each."""

_SHORT = 12
"""Below so many elements a row of the window is no stretch worth copying; a row of positions is, column by column."""


def conv(x: Array, kernel: Array, slides: Slides, out: Array) -> None:
    """Write the convolution of ``x``, not padded yet, into ``out``."""
    flat = kernel.reshape(-1, kernel.shape[-1])
    for channels, filters in _groups(x.shape[-1], out.shape[-1], kernel.shape[-2]):
        weights, taken = flat[:, filters], x[..., channels]
        for part, rows in _places(taken, slides):
            target = out[part, rows].reshape(-1, out.shape[-1])
            np.matmul(_rows(taken, slides, part, rows), weights, out=target[:, filters])


def conv_input(y: Array, kernel: Array, slides: Slides, out: Array) -> None:
    """Add the transpose of ``conv`` in the array to ``out``, padding included."""
    for channels, filters in _groups(out.shape[-1], y.shape[-1], kernel.shape[-2]):
        weights, target = kernel[..., filters].reshape(-1, *_last(kernel, filters)), out[..., channels]
        for part, rows in _places(target, slides):
            found = _weighed(y[part, rows, ..., filters], weights)
            block = target[part, rows.start * slides[0].stride :]
            for each, (_, index) in zip(found, offsets(rows_of(slides, rows)), strict=True):
                np.add(block[index], each, out=block[index])


def conv_kernel(x: Array, y: Array, slides: Slides, out: Array) -> None:
    """Add the transpose of ``conv`` in the kernel to ``out``, for ``x`` not padded yet."""
    for channels, filters in _groups(x.shape[-1], y.shape[-1], out.shape[-2]):
        taken, total = x[..., channels], out[..., filters]
        for part, rows in _places(taken, slides):
            made = y[part, rows].reshape(-1, y.shape[-1])[:, filters]
            total += (_rows(taken, slides, part, rows).T @ made).reshape(total.shape)


def _groups(channels: int, filters: int, taken: int) -> Iterator[tuple[slice, slice]]:
    """Yield the channels and the filters of each group."""
    made = filters * taken // channels
    for i in range(channels // taken):
        yield slice(i * taken, (i + 1) * taken), slice(i * made, (i + 1) * made)


def _last(kernel: Array, filters: slice) -> tuple[int, int]:
    return kernel.shape[-2], filters.stop - filters.start


def _places(x: Array, slides: Slides) -> Iterator[tuple[slice, slice]]:
    """Yield blocks of samples and of positions along the first dimension, whose matrices fit the budget."""
    first, *others = slides
    weight = prod(w.count for w in others) * prod(w.size for w in slides) * x.shape[-1] * x.itemsize
    return blocks(len(x), first.count, weight, BUDGET)


def _rows(x: Array, slides: Slides, part: slice, rows: slice) -> Array:
    """Return a block of the matrix, (positions, window * channels)."""
    found = patches(framed(x, slides, part, rows), rows_of(slides, rows))
    columns = prod(found.shape[1 + len(slides) :])
    if slides[-1].size * x.shape[-1] >= _SHORT:
        return found.reshape(-1, columns)
    order = (*range(1 + len(slides), found.ndim), *range(1 + len(slides)))
    return found.transpose(order).reshape(columns, -1).T


def _weighed(y: Array, weights: Array) -> Iterator[Array]:
    """Yield what each element of the window makes of ``y``, from weights (elements, channels, filters)."""
    flat, shape = y.reshape(-1, y.shape[-1]), (*y.shape[:-1], weights.shape[1])
    if weights.shape[1] < _NARROW:
        made = flat @ weights.reshape(-1, weights.shape[-1]).T
        return (made[:, i : i + shape[-1]].reshape(shape) for i in range(0, made.shape[-1], shape[-1]))
    return (each.reshape(shape) for each in np.matmul(flat, np.ascontiguousarray(weights.transpose(0, 2, 1))))
