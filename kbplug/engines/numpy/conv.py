"""Convolution on NumPy: windows copied into a matrix, part after part of the batch, and one product each.

The matrix has a row per position; with channels last its copy runs over contiguous stretches. Depthwise kernels
take no matrix, which would be a vector for each channel.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from kbplug.engines.numpy.windows import (
    Array,
    channels_last,
    from_channels_last,
    offsets,
    padded,
    parts,
    patches,
    positions,
    widths,
)
from kbplug.graph.window import Window, windows
from kbplug.ops.conv import check_positions

Slides = tuple[Any, ...]
Weigh = Callable[[Array], Iterator[Array]]
"""From ``y``, what each element of the window makes of it, in the order of ``offsets``."""

_MATRIX = 4 << 20
"""Bytes of the matrix of windows: small enough for the cache, large enough for the product."""


def _slides(
    name: str, sizes: tuple[int, ...], window: tuple[int, ...], params: Mapping[str, Any]
) -> tuple[Window, ...]:
    shared = {k: params[k] for k in ("strides", "padding", "dilation")}
    return windows(name, tuple(sizes), tuple(window), **shared)


def _groups(channels: int, filters: int, groups: int) -> Iterator[tuple[slice, slice]]:
    """Yield the channels and the filters of each group."""
    a, b = channels // groups, filters // groups
    return ((slice(i * a, i * a + a), slice(i * b, i * b + b)) for i in range(groups))


def _matrices(x: Array, slides: Slides) -> Iterator[tuple[slice, Array]]:
    """Yield the rows of the result and the matrix of windows they come from, for part after part of the batch.

    The matrix is overwritten by the next.
    """
    found = patches(x, slides)
    each = positions(slides)
    columns = prod(w.size for w in slides) * x.shape[-1]
    steps = list(parts(x.shape[0], each * columns * x.itemsize, _MATRIX))
    buffer = np.empty(((steps[0].stop if steps else 0) * each, columns), dtype=x.dtype)
    for part in steps:
        rows = buffer[: (part.stop - part.start) * each]
        np.copyto(rows.reshape(found[part].shape), found[part])
        yield slice(part.start * each, part.stop * each), rows


def _multiply(x: Array, kernel: Array, slides: Slides, out: Array) -> None:
    """Write the convolution of a padded ``x`` into a matrix of (positions, filters)."""
    flat = kernel.reshape(-1, kernel.shape[-1])
    for rows, matrix in _matrices(x, slides):
        np.matmul(matrix, flat, out=out[rows])


def conv(x: Array, kernel: Array, *, groups: int, data_format: str, **params: Any) -> Array:
    """Return the convolution of ``x`` with ``kernel``."""
    x = channels_last(x, data_format)
    slides = _slides("conv", x.shape[1:-1], kernel.shape[:-2], params)
    x = padded(x, widths(slides))
    shape = (x.shape[0], *(w.count for w in slides), kernel.shape[-1])
    if _is_depthwise(x.shape[-1], groups):
        return from_channels_last(_depthwise(x, kernel, slides, shape), data_format)
    if groups == 1 and all(w.size == 1 for w in slides):
        ((_, index),) = offsets(slides)
        product = np.matmul(x[index].reshape(-1, x.shape[-1]), kernel.reshape(kernel.shape[-2:]))
        return from_channels_last(product.reshape(shape), data_format)
    out = np.empty((prod(shape[:-1]), shape[-1]), dtype=x.dtype)
    for channels, filters in _groups(x.shape[-1], kernel.shape[-1], groups):
        _multiply(x[..., channels], kernel[..., filters], slides, out[:, filters])
    return from_channels_last(out.reshape(shape), data_format)


def conv_input(
    y: Array, kernel: Array, *, shape: tuple[int, ...], groups: int, data_format: str, **params: Any
) -> Array:
    """Return the transpose of ``conv`` in the array."""
    y = channels_last(y, data_format)
    taken = kernel.shape[-2]
    slides = _slides("conv_input", shape, kernel.shape[:-2], params)
    check_positions("conv_input", y.shape[1:-1], slides)
    weigh = (_each_by_channel if _is_depthwise(taken * groups, groups) else _each_by_product)(kernel, groups)
    return from_channels_last(_spread(y, slides, shape, taken * groups, weigh), data_format)


def _spread(y: Array, slides: Slides, shape: tuple[int, ...], channels: int, weigh: Weigh) -> Array:
    """Return the sum over the elements of the window of what each makes of ``y``, put where it was taken."""
    sizes = [n + w.before + w.after for n, w in zip(shape, slides, strict=True)]
    out = np.zeros((y.shape[0], *sizes, channels), dtype=y.dtype)
    matrix = positions(slides) * prod(w.size for w in slides) * channels * y.itemsize
    for part in parts(y.shape[0], matrix, _MATRIX):
        for weighed, (_, index) in zip(weigh(y[part]), offsets(slides), strict=True):
            out[part][index] += weighed
    inner = [slice(w.before, w.before + n) for n, w in zip(shape, slides, strict=True)]
    return out[(slice(None), *inner)]


def _each_by_product(kernel: Array, groups: int) -> Weigh:
    """Return what the elements of a kernel make of ``y``: one product for all of them."""
    taken, filters = kernel.shape[-2:]
    turned = np.ascontiguousarray(kernel.reshape(-1, filters).T)
    each = filters // groups

    def weigh(y: Array) -> Iterator[Array]:
        flat = y.reshape(-1, filters)
        split = (slice(i, i + each) for i in range(0, filters, each))
        products = [(flat[:, f] @ turned[f]).reshape(*y.shape[:-1], -1, taken) for f in split]
        whole = products[0] if groups == 1 else np.concatenate(products, axis=-1)
        return (whole[..., i, :] for i in range(whole.shape[-2]))

    return weigh


def _each_by_channel(kernel: Array, groups: int) -> Weigh:
    """Return what the elements of a depthwise kernel make of ``y``: a sum over the filters of each channel."""
    flat = kernel.reshape(-1, groups, kernel.shape[-1] // groups)

    def weigh(y: Array) -> Iterator[Array]:
        split = y.reshape(*y.shape[:-1], *flat.shape[1:])
        for element in flat:
            yield functools.reduce(operator.add, (split[..., i] * element[:, i] for i in range(flat.shape[-1])))

    return weigh


def conv_kernel(x: Array, y: Array, *, shape: tuple[int, ...], groups: int, data_format: str, **params: Any) -> Array:
    """Return the transpose of ``conv`` in the kernel."""
    x, y = channels_last(x, data_format), channels_last(y, data_format)
    slides = _slides("conv_kernel", x.shape[1:-1], shape, params)
    check_positions("conv_kernel", y.shape[1:-1], slides)
    x = padded(x, widths(slides))
    out = np.zeros((*shape, x.shape[-1] // groups, y.shape[-1]), dtype=x.dtype)
    if _is_depthwise(x.shape[-1], groups):
        return _depthwise_kernel(x, y, slides, out)
    flat = y.reshape(-1, y.shape[-1])
    for channels, filters in _groups(x.shape[-1], y.shape[-1], groups):
        total = out[..., filters]
        for rows, matrix in _matrices(x[..., channels], slides):
            total += (matrix.T @ flat[rows, filters]).reshape(total.shape)
    return out


def _is_depthwise(channels: int, groups: int) -> bool:
    return groups == channels > 1


def _axes(spatial: int) -> tuple[list[int], list[int], list[int]]:
    """Return the letters of an ``einsum`` for windows, for results and for the elements of one filter per channel."""
    batch, channels = 0, 2 * spatial + 1
    place, element = list(range(1, spatial + 1)), list(range(spatial + 1, channels))
    return [batch, *place, *element, channels], [batch, *place, channels], [*element, channels]


def _depthwise(x: Array, kernel: Array, slides: Slides, shape: tuple[int, ...]) -> Array:
    """Return the convolution of a padded ``x`` whose channels each have filters of their own."""
    flat = kernel.reshape(*kernel.shape[:-2], x.shape[-1], -1)
    out = np.empty((*shape[:-1], *flat.shape[-2:]), dtype=x.dtype)
    taken, result, weights = _axes(len(slides))
    for i in range(flat.shape[-1]):
        np.einsum(patches(x, slides), taken, flat[..., i], weights, result, out=out[..., i])
    return out.reshape(shape)


def _depthwise_kernel(x: Array, y: Array, slides: Slides, out: Array) -> Array:
    found, split = patches(x, slides), y.reshape(*y.shape[:-1], x.shape[-1], -1)
    flat = out.reshape(*out.shape[:-2], x.shape[-1], -1)
    taken, result, weights = _axes(len(slides))
    for part in parts(x.shape[0], prod(y.shape[1:]) * x.itemsize):  # a sum of sums loses less than one long sum
        for i in range(flat.shape[-1]):
            flat[..., i] += np.einsum(found[part], taken, split[part][..., i], result, weights)
    return out


KERNELS: dict[str, Callable[..., Any]] = {"conv": conv, "conv_input": conv_input, "conv_kernel": conv_kernel}
