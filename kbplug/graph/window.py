"""How windows slide over dimensions whose sizes may be unknown: strides, dilation, padding. Knows no array library."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kbplug.errors import ArgumentError, ShapeError

if TYPE_CHECKING:
    from kbplug.graph.spec import Size

Steps = int | tuple[int, ...]
"""A stride or dilation: one for every dimension, or one for all."""

Padding = str | tuple[tuple[int, int], ...]
"""``"valid"``, ``"same"``, ``"causal"``, or the widths before and after each dimension."""

LAYOUTS = ("channels_last", "channels_first")
PADDINGS = ("valid", "same", "causal")


@dataclass(frozen=True, slots=True)
class Window:
    """A window along one dimension.

    Parameters
    ----------
    size
        How many elements it takes.
    stride
        From one position of the window to the next.
    dilation
        From one element taken to the next.
    before, after
        Widths of the padding; None while they hang on an unknown size.
    count
        How many positions there are, or None.
    """

    size: Size
    stride: int
    dilation: int
    before: Size = None
    after: Size = None
    count: Size = None

    @property
    def span(self) -> Size:
        """How many elements lie from the first one taken to the last."""
        return _span(self.size, self.dilation)


def _span(size: Size, dilation: int) -> Size:
    return None if size is None else dilation * (size - 1) + 1


def channel_axis(ndim: int, data_format: str) -> int:
    """Return where the channels are among ``ndim`` dimensions; the batch is always first.

    Raises
    ------
    ArgumentError
        If the layout is neither ``"channels_last"`` nor ``"channels_first"``.
    """
    if data_format not in LAYOUTS:
        raise ArgumentError(f"The data format {data_format!r} is none of {' and '.join(map(repr, LAYOUTS))}.")
    return 1 if data_format == "channels_first" else ndim - 1


def spatial_axes(ndim: int, data_format: str) -> tuple[int, ...]:
    """Return the dimensions that windows slide over: all but batch and channels."""
    channels = channel_axis(ndim, data_format)
    return tuple(i for i in range(1, ndim) if i != channels)


@functools.lru_cache(maxsize=4096)
def windows(
    name: str,
    sizes: tuple[Size, ...],
    window: tuple[Size, ...],
    *,
    strides: Steps = 1,
    padding: Padding = "valid",
    dilation: Steps = 1,
) -> tuple[Window, ...]:
    """Return how windows of size ``window`` slide over dimensions of ``sizes``.

    ``"same"`` is TensorFlow's: ``ceil(size / stride)`` positions, an odd width of padding one longer at the end;
    ``"causal"`` puts all padding before, so that no window looks ahead.

    Parameters
    ----------
    name
        The op that errors name.
    sizes, window
        One entry per dimension, None where unknown.
    strides, dilation, padding
        As in ``Window``, for all dimensions or for each.

    Raises
    ------
    ArgumentError
        If a stride, dilation, padding or window size is not what it must be.
    ShapeError
        If a window does not fit into its dimension.
    """
    count = len(sizes)
    if len(window) != count:
        raise ArgumentError(f"{name} slides over {count} dimensions, but its window {window} has {len(window)}.")
    if any(n is not None and (type(n) is not int or n < 1) for n in window):
        raise ArgumentError(f"{name} has the window {window}; each size must be a whole number of 1 or more.")
    steps = _steps(name, "strides", strides, count)
    spread = _steps(name, "dilation", dilation, count)
    words = _paddings(name, padding, count)
    bare = [Window(*each) for each in zip(window, steps, spread, strict=True)]
    return tuple(_slide(name, n, w, p) for n, w, p in zip(sizes, bare, words, strict=True))


def _steps(name: str, what: str, given: Steps, count: int) -> tuple[int, ...]:
    steps = (given,) * count if isinstance(given, int) else tuple(given)
    if len(steps) != count or any(type(s) is not int or s < 1 for s in steps):
        raise ArgumentError(f"{name} has {what} {given!r}; it takes a positive integer, or {count} of them.")
    return steps


def _paddings(name: str, padding: Padding, count: int) -> Sequence[str | tuple[int, int]]:
    if isinstance(padding, str):
        if padding not in PADDINGS:
            raise ArgumentError(f"{name} has the padding {padding!r}; use {', '.join(PADDINGS)} or pairs of widths.")
        return (padding,) * count
    if len(padding) != count or not all(_is_pair(p) for p in padding):
        raise ArgumentError(
            f"{name} has the padding {padding!r}; it takes {count} pairs (before, after) of non-negative integers."
        )
    return padding


def _is_pair(widths: object) -> bool:
    return isinstance(widths, tuple) and len(widths) == 2 and all(type(n) is int and n >= 0 for n in widths)


def _slide(name: str, size: Size, window: Window, padding: str | tuple[int, int]) -> Window:
    before, after = _widths(size, window, padding)
    if size is None:
        return replace(window, before=before, after=after)
    if padding == "same":
        return replace(window, before=before, after=after, count=-(-size // window.stride))
    if window.span is None or before is None or after is None:
        return replace(window, before=before, after=after)
    count = (size + before + after - window.span) // window.stride + 1
    if count < 1:
        raise ShapeError(
            f"{name} has a window that spans {window.span}, which does not fit into a dimension of size {size} "
            f"with padding {before} + {after}."
        )
    return replace(window, before=before, after=after, count=count)


def _widths(size: Size, window: Window, padding: str | tuple[int, int]) -> tuple[Size, Size]:
    if isinstance(padding, tuple):
        return padding
    if padding == "valid":
        return 0, 0
    span, stride = window.span, window.stride
    if span is None or (padding == "same" and size is None and stride > 1):
        return None, None
    if padding == "causal":
        return span - 1, 0
    total = span - 1 if size is None else max((-(-size // stride) - 1) * stride + span - size, 0)
    return total // 2, total - total // 2


__all__ = ["LAYOUTS", "PADDINGS", "Padding", "Steps", "Window", "channel_axis", "spatial_axes", "windows"]
