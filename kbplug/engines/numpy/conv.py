"""Convolution on NumPy: which of five ways, by shape, on slices of the batch that may run at a time.

Each way is a module of three functions that are each other's transposes; ``matrix`` knows every shape, the others are
faster where they fit. No way copies all windows of a batch. Two of them, by transforms, round more than sums of
products do and can be left out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from math import prod
from types import ModuleType
from typing import Any

import numpy as np

from kbplug.engines.numpy import depthwise, matrix, pointwise, spectral, winograd
from kbplug.engines.numpy.batches import spread
from kbplug.engines.numpy.windows import Array, channels_last, from_channels_last
from kbplug.graph.window import Window, windows
from kbplug.ops.conv import check_positions

Slides = tuple[Any, ...]


def way(
    slides: Slides, batch: int, kernel: tuple[int, ...], groups: int, dtype: Any, *, transforms: bool = True
) -> ModuleType:
    """Return the module that convolves with a kernel of this shape, if need be without ``transforms``."""
    channels, filters = kernel[-2] * groups, kernel[-1]
    if pointwise.fits(slides, groups):
        return pointwise
    if depthwise.fits(channels, groups):
        return depthwise
    if groups > 1 or not transforms:
        return matrix
    if winograd.fits(slides, channels, filters, dtype):
        return winograd
    return spectral if spectral.fits(slides, batch, channels, filters, dtype) else matrix


def _slides(
    name: str, sizes: tuple[int, ...], window: tuple[int, ...], params: Mapping[str, Any]
) -> tuple[Window, ...]:
    shared = {k: params[k] for k in ("strides", "padding", "dilation")}
    return windows(name, tuple(sizes), tuple(window), **shared)


def _products(slides: Slides, batch: int, kernel: tuple[int, ...]) -> int:
    """Return how many products a convolution sums up."""
    return int(batch * prod(w.count for w in slides) * prod(kernel))


def conv(x: Array, kernel: Array, *, groups: int, data_format: str, transforms: bool = True, **params: Any) -> Array:
    """Return the convolution of ``x`` with ``kernel``."""
    x = channels_last(x, data_format)
    slides = _slides("conv", x.shape[1:-1], kernel.shape[:-2], params)
    out = np.empty((len(x), *(w.count for w in slides), kernel.shape[-1]), dtype=x.dtype)
    chosen = way(slides, len(x), kernel.shape, groups, x.dtype, transforms=transforms)
    spread(len(x), _products(slides, len(x), kernel.shape), lambda i: chosen.conv(x[i], kernel, slides, out[i]))
    return from_channels_last(out, data_format)


def conv_input(
    y: Array,
    kernel: Array,
    *,
    shape: tuple[int, ...],
    groups: int,
    data_format: str,
    transforms: bool = True,
    **params: Any,
) -> Array:
    """Return the transpose of ``conv`` in the array."""
    y = channels_last(y, data_format)
    slides: Slides = _slides("conv_input", shape, kernel.shape[:-2], params)
    check_positions("conv_input", y.shape[1:-1], slides)
    chosen = way(slides, len(y), kernel.shape, groups, y.dtype, transforms=transforms)
    room, begin = (winograd.whole(slides), np.empty) if chosen is winograd else (slides, np.zeros)
    sizes = (n + w.before + w.after for n, w in zip(shape, room, strict=True))
    out = begin((len(y), *sizes, kernel.shape[-2] * groups), dtype=y.dtype)
    spread(len(y), _products(slides, len(y), kernel.shape), lambda i: chosen.conv_input(y[i], kernel, slides, out[i]))
    inner = [slice(w.before, w.before + n) for n, w in zip(shape, slides, strict=True)]
    return from_channels_last(out[(slice(None), *inner)], data_format)


def conv_kernel(
    x: Array,
    y: Array,
    *,
    shape: tuple[int, ...],
    groups: int,
    data_format: str,
    transforms: bool = True,
    **params: Any,
) -> Array:
    """Return the transpose of ``conv`` in the kernel."""
    x, y = channels_last(x, data_format), channels_last(y, data_format)
    slides = _slides("conv_kernel", x.shape[1:-1], shape, params)
    check_positions("conv_kernel", y.shape[1:-1], slides)
    kernel = (*shape, x.shape[-1] // groups, y.shape[-1])
    chosen = way(slides, len(x), kernel, groups, x.dtype, transforms=transforms)

    def slope(part: slice) -> Array:
        out = np.zeros(kernel, dtype=x.dtype)
        chosen.conv_kernel(x[part], y[part], slides, out)
        return out

    first, *others = spread(len(x), _products(slides, len(x), kernel), slope)
    for other in others:
        first += other
    return first


KERNELS: dict[str, Callable[..., Any]] = {"conv": conv, "conv_input": conv_input, "conv_kernel": conv_kernel}

SLIDING = {name: functools.partial(kernel, transforms=False) for name, kernel in KERNELS.items()}
"""The same without transforms."""
