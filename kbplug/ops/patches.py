"""Taking windows out of an array and adding them back, over any namespace of the standard; declares no op.

One dimension at a time: ``take_patches`` replaces a dimension by positions and elements within a window, and
``add_patches`` is its transpose. Convolution and pooling are products and reductions over what they give.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Sequence
from typing import Any

from kbplug.graph.window import Window


def channels_last(xp: Any, x: Any, data_format: str) -> Any:
    """Return ``x`` with its channels last."""
    return x if data_format == "channels_last" else xp.moveaxis(x, 1, -1)


def from_channels_last(xp: Any, x: Any, data_format: str) -> Any:
    """Return ``x``, whose channels are last, in the layout asked for."""
    return x if data_format == "channels_last" else xp.moveaxis(x, -1, 1)


def take_patches(xp: Any, x: Any, windows: Sequence[Window], fill: Any = 0) -> Any:
    """Return the windows of ``x``.

    Parameters
    ----------
    xp
        The namespace of ``x``.
    x
        An array of shape (batch, *spatial, channels).
    windows
        One per spatial dimension, with nothing unknown.
    fill
        What padding holds.

    Returns
    -------
    array
        Of shape (batch, *positions, *window, channels).
    """
    for i, window in enumerate(windows):
        x = _unfold(xp, x, 1 + 2 * i, window, fill)
    return xp.permute_dims(x, _apart(len(windows)))


def add_patches(xp: Any, patches: Any, windows: Sequence[Window], sizes: Sequence[int]) -> Any:
    """Return ``patches`` added where they overlap, in dimensions of ``sizes``: the transpose of ``take_patches``."""
    order = _apart(len(windows))
    x = xp.permute_dims(patches, tuple(order.index(i) for i in range(len(order))))
    for i, window in reversed(list(enumerate(windows))):
        x = _fold(xp, x, 1 + 2 * i, window, sizes[i])
    return x


def inside(xp: Any, like: Any, windows: Sequence[Window], sizes: Sequence[int]) -> Any:
    """Return which elements of ``take_patches`` are no padding, batch and channels of size 1; True if all are."""
    if not any(w.before or w.after for w in windows):
        return True
    found: Any = None
    for i, (window, size) in enumerate(zip(windows, sizes, strict=True)):
        shape = [1] * (2 * len(windows) + 2)
        shape[1 + i], shape[1 + len(windows) + i] = window.count or 0, window.size or 0
        flags = xp.asarray(list(_taken(window, size)), dtype=xp.bool, device=device_of(like))
        flags = xp.reshape(flags, tuple(shape))
        found = flags if found is None else found & flags
    return found


def _taken(window: Any, size: int) -> Iterator[bool]:
    for position in range(window.count):
        start = position * window.stride - window.before
        yield from (0 <= start + i * window.dilation < size for i in range(window.size))


def device_of(x: Any) -> Any:
    """Return where ``x`` lies; an array under a tracing compiler does not tell."""
    return getattr(x, "device", None)


def _apart(spatial: int) -> tuple[int, ...]:
    """Return the order that brings (batch, p1, w1, p2, w2, …, channels) to (batch, *positions, *window, channels)."""
    return (0, *range(1, 2 * spatial, 2), *range(2, 2 * spatial + 1, 2), 2 * spatial + 1)


def _unfold(xp: Any, x: Any, axis: int, window: Any, fill: Any) -> Any:
    """Return ``x`` with the dimension ``axis`` as two: positions, then elements of the window."""
    lead = (slice(None),) * axis
    padded = pad_along(xp, x, axis, (window.before, window.after), fill)
    reach = window.stride * (window.count - 1) + 1 if window.count else 0
    starts = range(0, window.span, window.dilation)
    return xp.stack([padded[(*lead, slice(s, s + reach, window.stride), ...)] for s in starts], axis=axis + 1)


def _fold(xp: Any, x: Any, axis: int, window: Any, size: int) -> Any:
    """Return ``x`` with positions and elements of the window, at ``axis`` and the next, added into one dimension."""
    lead = (slice(None),) * axis
    reach = window.stride * window.count
    length = max(size + window.before, reach + window.span)

    def placed(i: int) -> Any:
        spaced = _space(xp, x[(*lead, slice(None), i, ...)], axis, window.stride)
        start = i * window.dilation
        return pad_along(xp, spaced, axis, (start, length - start - reach))

    added = functools.reduce(operator.add, (placed(i) for i in range(window.size)))
    return added[(*lead, slice(window.before, window.before + size), ...)]


def _space(xp: Any, x: Any, axis: int, stride: int) -> Any:
    """Return ``x`` with ``stride - 1`` zeros after every element along ``axis``."""
    if stride == 1:
        return x
    spaced = pad_along(xp, xp.expand_dims(x, axis=axis + 1), axis + 1, (0, stride - 1))
    return xp.reshape(spaced, (*x.shape[:axis], x.shape[axis] * stride, *x.shape[axis + 1 :]))


def pad_along(xp: Any, x: Any, axis: int, widths: tuple[int, int], fill: Any = 0) -> Any:
    """Return ``x`` with ``fill`` before and after it along ``axis``, as many as ``widths`` says."""

    def block(width: int) -> list[Any]:
        shape = (*x.shape[:axis], width, *x.shape[axis + 1 :])
        return [xp.full(shape, fill, dtype=x.dtype, device=device_of(x))] if width else []

    parts = [*block(widths[0]), x, *block(widths[1])]
    return xp.concat(parts, axis=axis) if len(parts) > 1 else x
