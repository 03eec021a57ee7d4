"""Convolution and pooling by generated kernels: windows become matrices, which cuBLAS multiplies. CuPy has neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import array_api_compat.cupy as xp
import cupy

from kbplug.graph.op import lookup
from kbplug.graph.window import Window
from kbplug.graph.window import windows as slide
from kbplug_cupy.codegen import windows as generate
from kbplug_cupy.codegen.kernel import Kernel
from kbplug_cupy.codegen.windows import ARRAY, POOLING, Slide
from kbplug_cupy.compiled import Prepared

MATRIX = 1 << 28
"""Bytes of the matrix of windows that a convolution makes at a time."""

MakeKernel = Callable[[bool], Kernel]
"""From whether positions are wide."""


class UnfitError(Exception):
    """Operands that the op's own body refuses, or has an answer for: sizes that do not fit, or no elements."""


def _or_body(name: str, run: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel that leaves to the op's own body what does not fit."""

    def kernel(*arrays: Any, **params: Any) -> Any:
        try:
            if any(a.size == 0 for a in arrays):
                raise UnfitError
            return run(*arrays, **params)
        except UnfitError:
            lower = lookup(name).lower
            assert lower is not None  # every op of this module has a body
            return lower(xp, *arrays, **params)

    return kernel


def _last(x: Any, data_format: str) -> Any:
    """Return ``x`` with its channels last, as a view."""
    return x if data_format == "channels_last" else cupy.moveaxis(x, 1, -1)


def _empty(shape: Sequence[int], dtype: Any, data_format: str) -> Any:
    """Return an array of (batch, *spatial, channels) whose memory is in the order that is asked for."""
    if data_format == "channels_last":
        return cupy.empty(tuple(shape), dtype=dtype)
    return cupy.moveaxis(cupy.empty((shape[0], shape[-1], *shape[1:-1]), dtype=dtype), 1, -1)


def _back(x: Any, data_format: str) -> Any:
    return x if data_format == "channels_last" else cupy.moveaxis(x, -1, 1)


def _slides(name: str, sizes: Sequence[int], window: Sequence[int], **steps: Any) -> list[Slide]:
    found: tuple[Window, ...] = slide(name, tuple(sizes), tuple(window), **steps)
    return [
        Slide(size, w.count or 0, w.size or 0, w.stride, w.dilation, w.before or 0)
        for size, w in zip(sizes, found, strict=True)
    ]


def _counts(slides: Sequence[Slide]) -> tuple[int, ...]:
    return tuple(s.count for s in slides)


def _check(y: Any, slides: Sequence[Slide]) -> None:
    if y.shape[1:-1] != _counts(slides):
        raise UnfitError


def _run(kernel: MakeKernel, arrays: Sequence[Any], slid: Sequence[Any], slides: Sequence[Slide], *more: int) -> None:
    """Run a kernel of windows on ``arrays``, the last of which it makes; of those ``slid`` over it takes strides."""
    strides = [tuple(s // a.itemsize for s in a.strides) for a in slid]
    numbers = [*generate.geometry(slid[0].shape[-1], slides, strides), *more]
    wide = generate.is_wide(*(a.nbytes for a in arrays))
    Prepared(generate.sliding(kernel(wide), arrays[-1].size, numbers))(arrays)


def _matrix(x: Any, slides: Sequence[Slide], groups: int) -> Any:
    """Return the windows of ``x`` as (groups, batch * positions, window * channels)."""
    out = cupy.empty(generate.matrix_shape(x.shape[0], x.shape[-1], groups, slides), dtype=x.dtype)

    def kernel(wide: bool) -> Kernel:
        return generate.patches(x.dtype.name, len(slides), wide=wide)

    _run(kernel, [x, out], [x], slides, x.shape[0], x.shape[-1] // groups)
    return out


def _parts(batch: int, each: int) -> Iterator[slice]:
    """Yield slices of a batch whose matrices, of ``each`` bytes for one example, stay within ``MATRIX`` if they can."""
    step = max(1, MATRIX // max(each, 1))
    return (slice(i, min(i + step, batch)) for i in range(0, batch, step))


def _bytes(slides: Sequence[Slide], channels: int, itemsize: int) -> int:
    return prod(s.count * s.window for s in slides) * channels * itemsize


def _weights(kernel: Any, groups: int) -> Any:
    """Return a kernel of (*window, channels, filters) as (groups, window * channels, filters)."""
    rows = prod(kernel.shape[:-1])
    return cupy.moveaxis(kernel.reshape(rows, groups, kernel.shape[-1] // groups), 1, 0)


def conv(x: Any, kernel: Any, *, groups: int, data_format: str, **steps: Any) -> Any:
    """Return the convolution of ``x`` with ``kernel``."""
    x = _last(x, data_format)
    slides = _slides("conv", x.shape[1:-1], kernel.shape[:-2], **steps)
    if 0 in _counts(slides):
        raise UnfitError
    filters, weights = kernel.shape[-1], _weights(kernel, groups)
    out = _empty((x.shape[0], *_counts(slides), filters), x.dtype, data_format)
    for part in _parts(x.shape[0], _bytes(slides, x.shape[-1], x.itemsize)):
        product = cupy.matmul(_matrix(x[part], slides, groups), weights)
        out[part] = cupy.moveaxis(product, 0, 1).reshape(out[part].shape)
    return _back(out, data_format)


def conv_input(y: Any, kernel: Any, *, shape: tuple[int, ...], groups: int, data_format: str, **steps: Any) -> Any:
    """Return the transpose of ``conv`` in the array."""
    y = _last(y, data_format)
    slides = _slides("conv_input", shape, kernel.shape[:-2], **steps)
    _check(y, slides)
    channels, weights = kernel.shape[-2] * groups, cupy.swapaxes(_weights(kernel, groups), 1, 2)
    out = _empty((y.shape[0], *shape, channels), y.dtype, data_format)
    if out.size == 0:
        raise UnfitError

    def overlapped(wide: bool) -> Kernel:
        first = data_format == "channels_first"
        return generate.overlapped(y.dtype.name, len(slides), channels_first=first, wide=wide)

    for part in _parts(y.shape[0], _bytes(slides, channels, y.itemsize)):
        matrix = cupy.ascontiguousarray(cupy.matmul(_by_groups(y[part], groups), weights))
        _run(overlapped, [matrix, out[part]], [out[part]], slides, len(out[part]), channels // groups)
    return _back(out, data_format)


def _by_groups(y: Any, groups: int) -> Any:
    """Return ``y`` as (groups, batch * positions, filters)."""
    rows = y.reshape(-1, groups, y.shape[-1] // groups)
    return cupy.moveaxis(rows, 1, 0)


def conv_kernel(x: Any, y: Any, *, shape: tuple[int, ...], groups: int, data_format: str, **steps: Any) -> Any:
    """Return the transpose of ``conv`` in the kernel."""
    x, y = _last(x, data_format), _last(y, data_format)
    slides = _slides("conv_kernel", x.shape[1:-1], shape, **steps)
    _check(y, slides)
    taken, filters = x.shape[-1] // groups, y.shape[-1]
    out = cupy.zeros((groups, prod(shape) * taken, filters // groups), dtype=x.dtype)
    for part in _parts(x.shape[0], _bytes(slides, x.shape[-1], x.itemsize)):
        out += cupy.matmul(cupy.swapaxes(_matrix(x[part], slides, groups), 1, 2), _by_groups(y[part], groups))
    return cupy.moveaxis(out, 0, 1).reshape(*shape, taken, filters)


def _pool_slides(name: str, sizes: Sequence[int], window: Any, strides: Any, padding: Any) -> list[Slide]:
    taken = (window,) * len(sizes) if isinstance(window, int) else tuple(window)
    return _slides(name, sizes, taken, strides=taken if strides is None else strides, padding=padding)


def _pooled(op: str, arrays: Sequence[Any], slides: Sequence[Slide], data_format: str) -> Any:
    """Return what one kernel of ``POOLING`` makes of arrays with their channels last."""
    sizes = [s.size if POOLING[op].result == ARRAY else s.count for s in slides]
    out = _empty((arrays[0].shape[0], *sizes, arrays[0].shape[-1]), arrays[0].dtype, data_format)
    if out.size == 0:
        raise UnfitError

    def kernel(wide: bool) -> Kernel:
        first = data_format == "channels_first"
        return generate.pooling(op, out.dtype.name, len(slides), channels_first=first, wide=wide)

    _run(kernel, [*arrays, out], [*arrays, out], slides)
    return out


def max_pool(x: Any, *, data_format: str, **params: Any) -> Any:
    """Return the largest element of each window."""
    x = _last(x, data_format)
    return _back(_pooled("max", [x], _pool_slides("max_pool", x.shape[1:-1], **params), data_format), data_format)


def avg_pool(x: Any, *, data_format: str, **params: Any) -> Any:
    """Return the mean of each window without its padding."""
    x = _last(x, data_format)
    return _back(_pooled("mean", [x], _pool_slides("avg_pool", x.shape[1:-1], **params), data_format), data_format)


def avg_pool_input(y: Any, *, shape: tuple[int, ...], data_format: str, **params: Any) -> Any:
    """Return the transpose of ``avg_pool``."""
    y = _last(y, data_format)
    slides = _pool_slides("avg_pool_input", shape, **params)
    _check(y, slides)
    share = _pooled("mean share", [y], slides, data_format)
    return _back(_pooled("mean spread", [share], slides, data_format), data_format)


def max_pool_input(g: Any, x: Any, y: Any, *, data_format: str, **params: Any) -> Any:
    """Return ``g`` shared out among the largest elements of each window."""
    g, x, y = (_last(a, data_format) for a in (g, x, y))
    slides = _pool_slides("max_pool_input", x.shape[1:-1], **params)
    _check(y, slides)
    share = _pooled("max share", [g, x, y], slides, data_format)
    return _back(_pooled("max spread", [share, x, y], slides, data_format), data_format)


def max_pool_pick(u: Any, x: Any, y: Any, *, data_format: str, **params: Any) -> Any:
    """Return the mean of ``u`` over the largest elements of each window."""
    u, x, y = (_last(a, data_format) for a in (u, x, y))
    slides = _pool_slides("max_pool_pick", x.shape[1:-1], **params)
    _check(y, slides)
    return _back(_pooled("max pick", [u, x, y], slides, data_format), data_format)


KERNELS: dict[str, Callable[..., Any]] = {
    f.__name__: _or_body(f.__name__, f)
    for f in (avg_pool, avg_pool_input, conv, conv_input, conv_kernel, max_pool, max_pool_input, max_pool_pick)
}
