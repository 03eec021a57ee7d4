"""Functions of numbers where PyTorch has a better way, or an answer that is not the standard's."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import array_api_compat.torch as xp
import torch
from torch import Tensor

from kbplug.graph.op import lookup

Axes = int | tuple[int, ...] | None


def _real(name: str, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return a kernel that leaves complex numbers to the op's own body."""

    def kernel(x: Tensor) -> Tensor:
        lower = lookup(name).lower
        if lower is None or not x.is_complex():
            return function(x)
        found: Tensor = lower(xp, x)
        return found

    return kernel


def var(x: Tensor, *, axis: Axes, correction: float, keepdims: bool) -> Tensor:
    """Return the variance; PyTorch warns where the correction leaves nothing."""
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    apart = x - xp.mean(x, axis=axes, keepdims=True)
    squares = apart.real**2 + apart.imag**2 if x.is_complex() else apart * apart
    number = max(prod(x.shape[i] for i in axes) - correction, 0.0)
    total: Tensor = xp.sum(squares, axis=axes, keepdims=keepdims)
    return total / number if number else total / torch.zeros_like(total)


def std(x: Tensor, *, axis: Axes, correction: float, keepdims: bool) -> Tensor:
    """Return the standard deviation."""
    return torch.sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


def _normalised(name: str, function: Callable[[Tensor, int], Tensor]) -> Callable[..., Tensor]:
    """Return a kernel that leaves several axes at once to the op's own body."""

    def kernel(x: Tensor, *, axis: Axes) -> Tensor:
        lower = lookup(name).lower
        if isinstance(axis, int) or lower is None:
            return function(x, axis)  # type: ignore[arg-type]
        found: Tensor = lower(xp, x, axis=axis)
        return found

    return kernel


def _fft(name: str, length: Callable[[int], int], *, real: bool) -> Callable[..., Tensor]:
    """Return a transform along one axis that also takes an array without elements, which MKL does not."""
    transform = getattr(torch.fft, name)

    def kernel(x: Tensor, *, n: int | None, axis: int, norm: str) -> Tensor:
        if x.numel():
            found: Tensor = transform(x, n=n, dim=axis, norm=norm)
            return found
        shape = list(x.shape)
        shape[axis] = length(n if n is not None else 2 * (shape[axis] - 1) if real else shape[axis])
        if prod(shape):  # padded up to a size, so there are zeros to transform
            filled = x.new_zeros([n or 0 if i == axis % x.ndim else m for i, m in enumerate(x.shape)])
            return kernel(filled, n=n, axis=axis, norm=norm)
        kind = torch.promote_types(x.dtype, torch.complex64)
        return x.new_zeros(shape, dtype=torch.empty((), dtype=kind).real.dtype if real else kind)

    return kernel


def _half(n: int) -> int:
    return n // 2 + 1


def _whole(n: int) -> int:
    return n


KERNELS: dict[str, Callable[..., Any]] = {
    "fft.fft": _fft("fft", _whole, real=False),
    "fft.hfft": _fft("hfft", _whole, real=True),
    "fft.ifft": _fft("ifft", _whole, real=False),
    "fft.ihfft": _fft("ihfft", _half, real=False),
    "fft.irfft": _fft("irfft", _whole, real=True),
    "fft.rfft": _fft("rfft", _half, real=False),
    "log_softmax": _normalised("log_softmax", torch.log_softmax),
    "relu": torch.relu,
    "softmax": _normalised("softmax", torch.softmax),
    "special.erf": _real("special.erf", torch.erf),
    "special.erfc": _real("special.erfc", torch.erfc),
    "special.expit": _real("special.expit", torch.sigmoid),
    "std": std,
    "var": var,
}
