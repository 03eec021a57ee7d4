"""Convolution whose channels each have filters of their own: a multiplication and an addition per window element.

Blocks of the batch stay in the cache. A filter's weight is repeated along a row of positions, so that with stride 1 a
row is one contiguous loop and not one for each position. Many channels are a loop long enough by themselves, which
``einsum`` runs with the multiplication and the addition in one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from kbplug.engines.numpy.batches import blocks
from kbplug.engines.numpy.windows import Array, framed, offsets, patches, rows_of

Slides = tuple[Any, ...]

BUDGET = 1 << 18
"""Bytes of the results at a time."""

WIDE = 64
"""From so many channels on ``einsum`` is faster where it adds up products: forward, and to the kernel."""


def fits(channels: int, groups: int) -> bool:
    """Say whether this module knows the convolution."""
    return groups == channels > 1


def conv(x: Array, kernel: Array, slides: Slides, out: Array) -> None:
    """Write the convolution of ``x``, not padded yet, into ``out``."""
    filters = out.reshape(*out.shape[:-1], x.shape[-1], -1)
    for i, weights in _filters(kernel, x.shape[-1], slides):
        for part, rows in _places(x, slides):
            filters[part, rows, ..., i] = _summed(framed(x, slides, part, rows), weights, rows_of(slides, rows))


def conv_input(y: Array, kernel: Array, slides: Slides, out: Array) -> None:
    """Add the transpose of ``conv`` in the array to ``out``, padding included."""
    filters = y.reshape(*y.shape[:-1], out.shape[-1], -1)
    for i, weights in _filters(kernel, out.shape[-1], slides):
        for part, rows in _places(out, slides):
            made, block = np.ascontiguousarray(filters[part, rows, ..., i]), out[part, rows.start * slides[0].stride :]
            for weight, (_, index) in zip(weights, offsets(rows_of(slides, rows)), strict=True):
                np.add(block[index], made * weight, out=block[index])


def conv_kernel(x: Array, y: Array, slides: Slides, out: Array) -> None:
    """Add the transpose of ``conv`` in the kernel to ``out``, for ``x`` not padded yet."""
    filters, total = y.reshape(*y.shape[:-1], x.shape[-1], -1), out.reshape(*out.shape[:-2], x.shape[-1], -1)
    for part, rows in _places(x, slides):
        seen = framed(x, slides, part, rows)
        for i in range(total.shape[-1]):
            made = np.ascontiguousarray(filters[part, rows, ..., i])
            total[..., i] += _multiplied(seen, made, rows_of(slides, rows))


def _summed(seen: Array, weights: Array, slides: Sequence[Any]) -> Array:
    """Return the sum over the elements of the window of each times its weight."""
    if seen.shape[-1] >= WIDE:
        whole, place, element = _axes(len(slides))
        window = weights[:, 0].reshape(*(w.size for w in slides), -1)
        return np.asarray(np.einsum(patches(seen, slides), whole, window, element, place))
    total = np.zeros((len(seen), *(w.count for w in slides), seen.shape[-1]), seen.dtype)
    for weight, (_, index) in zip(weights, offsets(slides), strict=True):
        total += seen[index] * weight
    return total


def _multiplied(seen: Array, made: Array, slides: Sequence[Any]) -> Array:
    """Return, for each element of the window, the sum over the positions of what it takes times ``made``."""
    if seen.shape[-1] >= WIDE:
        whole, place, element = _axes(len(slides))
        return np.asarray(np.einsum(patches(seen, slides), whole, made, place, element))
    ones = np.ones(made.size // made.shape[-1], made.dtype)
    sums = [ones @ (seen[index] * made).reshape(len(ones), -1) for _, index in offsets(slides)]
    return np.stack(sums).reshape(*(w.size for w in slides), -1)


def _axes(spatial: int) -> tuple[list[int], list[int], list[int]]:
    """Return the letters of ``einsum`` for windows, for results and for the elements of a window."""
    channel = 2 * spatial + 1
    place, element = list(range(spatial + 1)), list(range(spatial + 1, channel))
    return [*place, *element, channel], [*place, channel], [*element, channel]


def _filters(kernel: Array, channels: int, slides: Slides) -> Iterator[tuple[int, Array]]:
    """Yield the number of each filter of a channel, and its weights (elements, positions of a row, channels)."""
    along = slides[-1].count
    for i, weights in enumerate(np.moveaxis(kernel.reshape(-1, channels, kernel.shape[-1] // channels), -1, 0)):
        yield i, np.repeat(weights[:, None], along, axis=1)


def _places(x: Array, slides: Slides) -> Iterator[tuple[slice, slice]]:
    """Yield blocks of samples and of positions along the first dimension."""
    first, *others = slides
    return blocks(len(x), first.count, prod(w.count for w in others) * x.shape[-1] * x.itemsize, BUDGET)
