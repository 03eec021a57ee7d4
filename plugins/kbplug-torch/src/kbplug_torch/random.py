"""PyTorch's own generator for random draws, seeded by a stream's state, so equal states draw equal numbers."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, sqrt
from typing import Any

import torch
from torch import Tensor

_MASK = (1 << 64) - 1


def _generator(state: Tensor) -> torch.Generator:
    """Return a generator whose seed mixes key and step well (Steele et al., 2014: SplitMix64)."""
    low, high, step = (int(word) for word in state.tolist())
    word = (((low & 0xFFFFFFFF) | high << 32) + step * 0x9E3779B97F4A7C15) & _MASK
    word = ((word ^ word >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    word = ((word ^ word >> 27) * 0x94D049BB133111EB) & _MASK
    return torch.Generator(device=state.device).manual_seed((word ^ word >> 31) >> 1)


def uniform(state: Tensor, *, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Draw uniform numbers in [0, 1)."""
    return torch.rand(shape, generator=_generator(state), dtype=dtype, device=state.device)


def normal(state: Tensor, *, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Draw standard normal numbers."""
    return torch.randn(shape, generator=_generator(state), dtype=dtype, device=state.device)


def truncated_normal(state: Tensor, *, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Draw standard normal numbers between -2 and 2, by inversion."""
    unit = uniform(state, shape=shape, dtype=torch.float64)
    drawn = torch.erfinv((2 * unit - 1) * erf(2 / sqrt(2))) * sqrt(2)
    return drawn.clamp(-2, 2).to(dtype)


def bits(state: Tensor, *, shape: tuple[int, ...]) -> Tensor:
    """Draw 32-bit words as int64."""
    return torch.randint(0, 1 << 32, shape, generator=_generator(state), dtype=torch.int64, device=state.device)


def integers(state: Tensor, *, shape: tuple[int, ...], low: int, high: int, dtype: torch.dtype) -> Tensor:
    """Draw integers from ``low`` up to but without ``high``."""
    drawn = torch.randint(low, high, shape, generator=_generator(state), dtype=torch.int64, device=state.device)
    return drawn.to(dtype)


KERNELS: dict[str, Callable[..., Any]] = {
    "random.bits": bits,
    "random.integers": integers,
    "random.normal": normal,
    "random.truncated_normal": truncated_normal,
    "random.uniform": uniform,
}
