"""Convolution with large kernels as products of discrete Fourier transforms: knows which shapes gain by it, and no op.

Sliding is circular correlation once each axis is long enough that nothing wraps onto what counts. With the array, the
kernel and the result each laid at their own places of that axis, stride, dilation and padding are no more than where
those places are, and the three functions are one identity: ``Y = X conj(W)``, ``X = Y W`` and ``W = conj(Y) X``, summed
over channels, filters and samples by a product of matrices for each frequency.

A result is off by at most 1e-6 of the largest one in float32, by 1e-14 in float64, as sliding is; but all results are
rounded alike, so that a small one has fewer digits, and an element that is not finite spoils its whole sample.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from kbplug.engines.numpy.windows import Array, parts

Slides = tuple[Any, ...]
Places = list[Array]
"""Along each axis, where elements lie."""

KERNEL = 1 << 24
"""Bytes of the transform of a kernel at a time: of all filters, or of some."""

SAMPLES = 1 << 22
"""Bytes of the transforms of samples and of their results at a time, if those of one are no more."""

LEAST = 32
"""With fewer elements in the kernel, exactness is worth more than what little time there is to gain."""


def fits(slides: Slides, batch: int, channels: int, filters: int, dtype: Any) -> bool:
    """Say whether a convolution without groups is faster this way, in memory that is bounded."""
    if prod(w.size for w in slides) < LEAST or dtype not in (np.float32, np.float64):
        return False
    if not min(batch, channels, filters):
        return False
    weight = _weight(slides, dtype)
    if weight * max(channels, filters) > KERNEL:
        return False
    pieces = -(-weight * channels * filters // KERNEL)
    spent = _transforming(slides, batch, channels, filters, pieces)
    return bool(spent < _sliding(slides, batch, channels, filters) * dtype.itemsize / 4)


def _transforming(slides: Slides, batch: int, channels: int, filters: int, pieces: int) -> float:
    """Return about how many nanoseconds this takes: elements transformed, which memory bounds, and their products."""
    transforms = pieces * batch * channels + channels * filters + batch * filters
    return 9 * transforms * prod(map(_length, slides)) + 0.4 * batch * channels * filters * _frequencies(slides)


def _sliding(slides: Slides, batch: int, channels: int, filters: int) -> float:
    """Return about how many nanoseconds the matrix of windows takes in float32: elements copied, and their products."""
    elements = batch * channels * int(prod(w.count * w.size for w in slides))
    return (0.25 + 0.03 * filters) * elements


def conv(x: Array, kernel: Array, slides: Slides, out: Array) -> None:
    """Write the convolution of ``x``, not padded yet, into ``out``."""
    seen, made = _seen(slides, x.shape[1:-1]), _made(slides)
    weight = _weight(slides, x.dtype)
    for some in parts(kernel.shape[-1], weight * kernel.shape[-2], KERNEL):
        weights = _kernel_spectrum(kernel[..., some], slides)
        np.conj(weights, out=weights)
        for part in parts(len(x), weight * sum(weights.shape[1:]), SAMPLES):
            products = np.matmul(_spectrum(x[part], seen, slides), weights)
            out[part, ..., some] = _values(products, made, slides)


def conv_input(y: Array, kernel: Array, slides: Slides, out: Array) -> None:
    """Write the transpose of ``conv`` in the array into ``out``, padding included; the rest of it holds zeros."""
    sizes = [n - w.before - w.after for n, w in zip(out.shape[1:-1], slides, strict=True)]
    seen, made = _seen(slides, sizes), _made(slides)
    inner = tuple(slice(w.before, w.before + len(at)) for w, at in zip(slides, seen, strict=True))
    weight = _weight(slides, y.dtype)
    for some in parts(kernel.shape[-2], weight * kernel.shape[-1], KERNEL):
        weights = _kernel_spectrum(kernel[..., some, :], slides).transpose(0, 2, 1)
        for part in parts(len(y), weight * sum(weights.shape[1:]), SAMPLES):
            products = np.matmul(_spectrum(y[part], made, slides), weights)
            out[(part, *inner, some)] = _values(products, seen, slides)


def conv_kernel(x: Array, y: Array, slides: Slides, out: Array) -> None:
    """Write the transpose of ``conv`` in the kernel into ``out``, for ``x`` not padded yet."""
    seen, made, taken = _seen(slides, x.shape[1:-1]), _made(slides), _taken(slides)
    weight = _weight(slides, x.dtype)
    for some in parts(y.shape[-1], weight * x.shape[-1], KERNEL):
        total: Any = 0
        for part in parts(len(x), weight * (x.shape[-1] + some.stop - some.start), SAMPLES):
            slopes = _spectrum(y[part, ..., some], made, slides)
            np.conj(slopes, out=slopes)
            total += np.matmul(_spectrum(x[part], seen, slides).transpose(0, 2, 1), slopes)
        out[..., some] = np.moveaxis(_values(total, taken, slides), 0, -2)


@functools.lru_cache(maxsize=1024)
def _length(w: Any) -> int:
    """Return a size with small factors, at which nothing that counts wraps onto anything else that does."""
    reach = _reach(w)
    n = int(max(reach - w.before, min(reach, reach + w.stride - 1 - w.after), w.span))
    while _rest(n) > 1:
        n += 1
    return n


def _reach(w: Any) -> int:
    """Return how many elements the windows see, padding included."""
    return int((w.count - 1) * w.stride + w.span)


def _rest(n: int) -> int:
    """Return what is left of a number without its factors 2, 3 and 5."""
    for factor in (2, 3, 5):
        while n % factor == 0:
            n //= factor
    return n


def _frequencies(slides: Slides) -> int:
    *others, last = (_length(w) for w in slides)
    return prod(others) * (last // 2 + 1)


def _weight(slides: Slides, dtype: Any) -> int:
    """Return the bytes of one transform."""
    return 2 * int(dtype.itemsize) * _frequencies(slides)


def _seen(slides: Slides, sizes: Sequence[int]) -> Places:
    """Return where the elements of the array lie, of which windows may leave out the last."""
    return [np.arange(max(min(n, _reach(w) - w.before), 0)) for n, w in zip(sizes, slides, strict=True)]


def _made(slides: Slides) -> Places:
    """Return where the results lie; those that begin in the padding before wrap to the end."""
    return [(np.arange(w.count) * w.stride - w.before) % _length(w) for w in slides]


def _taken(slides: Slides) -> Places:
    """Return where the elements of the kernel lie."""
    return [np.arange(w.size) * w.dilation for w in slides]


def _kernel_spectrum(kernel: Array, slides: Slides) -> Array:
    """Return the transform of a kernel, (frequencies, channels, filters)."""
    return _spectrum(np.moveaxis(kernel, -2, 0), _taken(slides), slides)


def _spectrum(x: Array, places: Places, slides: Slides) -> Array:
    """Return the transform of what lies at places, (frequencies, samples, channels): the last axis first."""
    x = np.moveaxis(x, 0, -2)
    for axis in reversed(range(len(slides))):
        before: Any = (slice(None),) * axis
        at = places[axis]
        laid = np.zeros((*x.shape[:axis], _length(slides[axis]), *x.shape[axis + 1 :]), dtype=x.dtype)
        laid[(*before, at)] = x[(*before, slice(len(at)))]
        x = np.fft.rfft(laid, axis=axis) if axis == len(slides) - 1 else np.fft.fft(laid, axis=axis)
    return x.reshape(-1, *x.shape[-2:])


def _values(products: Array, places: Places, slides: Slides) -> Array:
    """Return what transforms, (frequencies, samples, channels), hold at places, (samples, *places, channels)."""
    *others, last = (_length(w) for w in slides)
    x = products.reshape(*others, last // 2 + 1, *products.shape[-2:])
    for axis in range(len(others)):
        x = np.fft.ifft(x, axis=axis).take(places[axis], axis=axis)
    x = np.fft.irfft(x, last, axis=len(others)).take(places[-1], axis=len(others))
    return np.moveaxis(x, -2, 0)
