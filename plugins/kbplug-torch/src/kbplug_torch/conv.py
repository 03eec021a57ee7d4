"""Convolution and pooling by PyTorch's own, which put channels first and pad both sides alike."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from kbplug.graph.op import lookup
from kbplug.graph.window import Window, windows

CONV = (F.conv1d, F.conv2d, F.conv3d)
MAX_POOL = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
AVG_POOL = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)

Slides = tuple[Any, ...]
Bilinear = Callable[[Tensor, Tensor], Tensor]


def _first(x: Tensor, data_format: str) -> Tensor:
    """Return ``x`` with its channels second."""
    return x if data_format == "channels_first" else x.movedim(-1, 1)


def _back(x: Tensor, data_format: str) -> Tensor:
    return x if data_format == "channels_first" else x.movedim(1, -1)


def _taken(kernel: Tensor) -> Tensor:
    """Return a kernel of (*window, channels, filters) as PyTorch has it: (filters, channels, *window)."""
    return kernel.movedim((-1, -2), (0, 1))


def _padded(x: Tensor, slides: Sequence[Window], fill: float = 0) -> Tensor:
    around = [n for w in reversed(slides) for n in (w.before or 0, w.after or 0)]
    return F.pad(x, around, value=fill) if any(around) else x


def _cut(x: Tensor, slides: Slides, sizes: Sequence[int]) -> Tensor:
    """Undo the padding."""
    for axis, (window, size) in enumerate(zip(slides, sizes, strict=True), start=2):
        x = x.narrow(axis, window.before, size)
    return x


def _by_parts(product: Bilinear, a: Tensor, b: Tensor) -> Tensor:
    """Return a bilinear product; of complex numbers, by that of their parts."""
    if not a.is_complex():
        return product(a, b)
    real = product(a.real, b.real) - product(a.imag, b.imag)
    return torch.complex(real, product(a.real, b.imag) + product(a.imag, b.real))


def _generic(name: str, *arrays: Tensor, **params: Any) -> Any:
    """Return what the op's own body gives."""
    import array_api_compat.torch as xp

    lower = lookup(name).lower
    assert lower is not None  # every op of this module has a body
    return lower(xp, *arrays, **params)


def _is_empty(*arrays: Tensor) -> bool:
    return any(a.numel() == 0 for a in arrays)


def conv(x: Tensor, kernel: Tensor, *, groups: int, data_format: str, **steps: Any) -> Tensor:
    """Return the convolution of ``x`` with ``kernel``."""
    if _is_empty(x, kernel):
        empty: Tensor = _generic("conv", x, kernel, groups=groups, data_format=data_format, **steps)
        return empty
    first, weights = _first(x, data_format), _taken(kernel)
    slides = windows("conv", tuple(first.shape[2:]), tuple(weights.shape[2:]), **steps)

    def product(a: Tensor, b: Tensor) -> Tensor:
        strides, dilation = [w.stride for w in slides], [w.dilation for w in slides]
        found: Tensor = CONV[len(slides) - 1](a, b, None, strides, 0, dilation, groups)
        return found

    return _back(_by_parts(product, _padded(first, slides), weights), data_format)


def _backward(y: Tensor, x: Tensor, kernel: Tensor, slides: Slides, groups: int, *, to_input: bool) -> Tensor:
    """Return what flows back through a convolution without padding: to its array, or to its kernel."""
    strides, dilation = [w.stride for w in slides], [w.dilation for w in slides]
    zeros, wanted = [0] * len(slides), [to_input, not to_input, False]
    found = torch.ops.aten.convolution_backward(
        y, x, kernel, None, strides, zeros, dilation, False, zeros, groups, wanted
    )
    flowing: Tensor = found[0 if to_input else 1]
    return flowing


def conv_input(
    y: Tensor, kernel: Tensor, *, shape: tuple[int, ...], groups: int, data_format: str, **steps: Any
) -> Tensor:
    """Return the transpose of ``conv`` in the array."""
    if _is_empty(y, kernel) or 0 in shape:
        params = {"shape": shape, "groups": groups, "data_format": data_format, **steps}
        empty: Tensor = _generic("conv_input", y, kernel, **params)
        return empty
    first, weights = _first(y, data_format), _taken(kernel)
    slides: Slides = windows("conv_input", tuple(shape), tuple(weights.shape[2:]), **steps)
    sizes = [n + w.before + w.after for n, w in zip(shape, slides, strict=True)]

    def product(a: Tensor, b: Tensor) -> Tensor:
        like = a.new_empty(()).expand(a.shape[0], b.shape[1] * groups, *sizes)
        return _backward(a, like, b, slides, groups, to_input=True)

    return _back(_cut(_by_parts(product, first, weights), slides, shape), data_format)


def conv_kernel(x: Tensor, y: Tensor, *, shape: tuple[int, ...], groups: int, data_format: str, **steps: Any) -> Tensor:
    """Return the transpose of ``conv`` in the kernel."""
    if _is_empty(x, y):
        params = {"shape": shape, "groups": groups, "data_format": data_format, **steps}
        empty: Tensor = _generic("conv_kernel", x, y, **params)
        return empty
    first, flowing = _first(x, data_format), _first(y, data_format)
    slides = windows("conv_kernel", tuple(first.shape[2:]), tuple(shape), **steps)
    padded = _padded(first, slides)

    def product(a: Tensor, b: Tensor) -> Tensor:
        like = a.new_empty(()).expand(b.shape[1], a.shape[1] // groups, *shape)
        return _backward(b, a, like, slides, groups, to_input=False)

    return _by_parts(product, padded, flowing).movedim((0, 1), (-1, -2))


def _slides(name: str, x: Tensor, window: Any, strides: Any, padding: Any) -> Slides:
    sizes = tuple(x.shape[2:])
    taken = (window,) * len(sizes) if isinstance(window, int) else tuple(window)
    return windows(name, sizes, taken, strides=taken if strides is None else strides, padding=padding)


def max_pool(x: Tensor, *, window: Any, strides: Any, padding: Any, data_format: str) -> Tensor:
    """Return the largest element of each window."""
    if _is_empty(x):
        params = {"window": window, "strides": strides, "padding": padding, "data_format": data_format}
        empty: Tensor = _generic("max_pool", x, **params)
        return empty
    first = _first(x, data_format)
    slides = _slides("max_pool", first, window, strides, padding)
    pool = MAX_POOL[len(slides) - 1]
    padded = _padded(first, slides, -math.inf)
    found: Tensor = pool(padded, [w.size for w in slides], [w.stride for w in slides])
    return _back(found, data_format)


def avg_pool(x: Tensor, *, window: Any, strides: Any, padding: Any, data_format: str) -> Tensor:
    """Return the mean of each window without its padding."""
    if _is_empty(x) or x.is_complex():
        params = {"window": window, "strides": strides, "padding": padding, "data_format": data_format}
        generic: Tensor = _generic("avg_pool", x, **params)
        return generic
    first = _first(x, data_format)
    slides = _slides("avg_pool", first, window, strides, padding)
    pool = AVG_POOL[len(slides) - 1]
    found: Tensor = pool(_padded(first, slides), [w.size for w in slides], [w.stride for w in slides])
    if any(w.before or w.after for w in slides):
        found = found * _shares(slides, tuple(first.shape[2:])).to(found)
    return _back(found, data_format)


@functools.lru_cache(maxsize=256)
def _shares(slides: Slides, sizes: tuple[int, ...]) -> Tensor:
    """Return by how much a mean that counts padding falls short, at each position."""
    shares = torch.ones((), dtype=torch.float64, device="cpu")
    for window, size in zip(slides, sizes, strict=True):
        starts = range(-window.before, window.count * window.stride - window.before, window.stride)
        taken = [min(s + window.size, size) - max(s, 0) for s in starts]
        factors = torch.tensor([window.size / n for n in taken], dtype=torch.float64, device="cpu")
        shares = shares[..., None] * factors
    return shares


KERNELS: dict[str, Callable[..., Any]] = {
    "avg_pool": avg_pool,
    "conv": conv,
    "conv_input": conv_input,
    "conv_kernel": conv_kernel,
    "max_pool": max_pool,
}
