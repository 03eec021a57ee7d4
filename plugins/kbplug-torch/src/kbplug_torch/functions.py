"""Functions of numbers where PyTorch has a better way, or an answer that is not the standard's."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import array_api_compat.torch as xp
import torch
from array_api_compat.torch import linalg
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


def _complex(function: Callable[[Tensor], Tensor], own: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return a kernel with a way of its own for complex numbers."""
    return lambda x: own(x) if x.is_complex() else function(x)


def _complex_log1p(x: Tensor) -> Tensor:
    """Return ``log1p`` by ``log`` where ``x`` is not finite, of which PyTorch takes more care there."""
    return torch.where(torch.isfinite(x), torch.log1p(x), torch.log(x + 1))


def _complex_acos(x: Tensor) -> Tensor:
    """Return ``acos``, whose imaginary part has the sign opposite to that of ``x``, at zeros too."""
    found = torch.acos(x)
    return torch.complex(found.real, torch.copysign(found.imag, torch.where(torch.signbit(x.imag), 1.0, -1.0)))


def remainder(a: Tensor, b: Tensor) -> Tensor:
    """Return ``a - b * floor(a / b)``; a remainder of zero has the sign of ``b``."""
    found = torch.remainder(a, b)
    return torch.where(found == 0, torch.copysign(found, b), found) if found.is_floating_point() else found


def _accumulated(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a kernel that totals bytes in 64 bits without a sign, as the standard says; PyTorch's have one."""

    def kernel(x: Tensor, *, dtype: torch.dtype | None, **params: Any) -> Tensor:
        widened = torch.uint64 if dtype is None and x.dtype == torch.uint8 else None
        found = function(x, dtype=dtype, **params)
        return found if widened is None else found.to(widened)

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


softmax = _normalised("softmax", torch.softmax)


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
    "acos": _complex(torch.acos, _complex_acos),
    "cumulative_prod": _accumulated(xp.cumulative_prod),
    "cumulative_sum": _accumulated(xp.cumulative_sum),
    "fft.fft": _fft("fft", _whole, real=False),
    "fft.hfft": _fft("hfft", _whole, real=True),
    "fft.ifft": _fft("ifft", _whole, real=False),
    "fft.ihfft": _fft("ihfft", _half, real=False),
    "fft.irfft": _fft("irfft", _whole, real=True),
    "fft.rfft": _fft("rfft", _half, real=False),
    "linalg.trace": _accumulated(linalg.trace),
    "log1p": _complex(torch.log1p, _complex_log1p),
    "log_softmax": _normalised("log_softmax", torch.log_softmax),
    "prod": _accumulated(xp.prod),
    "relu": torch.relu,
    "remainder": remainder,
    "scaled_softmax": lambda x, scale, *, axis: softmax(x, axis=axis) * scale,
    "softmax": softmax,
    "special.erf": _real("special.erf", torch.erf),
    "special.erfc": _real("special.erfc", torch.erfc),
    "special.expit": _real("special.expit", torch.sigmoid),
    "std": std,
    "sum": _accumulated(xp.sum),
    "var": var,
}
