"""NumPy's own generator for random draws: Philox, keyed by a stream's state, so equal states draw equal numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def _generator(state: np.ndarray[Any, Any]) -> np.random.Generator:
    low, high, step = (int(word) for word in state)
    return np.random.Generator(np.random.Philox(key=[low | high << 32, step]))


def uniform(state: Any, *, shape: tuple[int, ...], dtype: Any) -> Any:
    """Draw uniform numbers in [0, 1)."""
    if dtype in (np.float32, np.float64):
        return _generator(state).random(shape, dtype=dtype)
    narrow = _generator(state).integers(0, 1 << 10, shape)  # as many bits as float16 keeps below 1
    return (narrow * 2.0**-10).astype(dtype)


def normal(state: Any, *, shape: tuple[int, ...], dtype: Any) -> Any:
    """Draw standard normal numbers."""
    if dtype in (np.float32, np.float64):
        return _generator(state).standard_normal(shape, dtype=dtype)
    return _generator(state).standard_normal(shape, dtype=np.float32).astype(dtype)


def truncated_normal(state: Any, *, shape: tuple[int, ...], dtype: Any) -> Any:
    """Draw standard normal numbers between -2 and 2, drawing those outside again."""
    generator = _generator(state)
    drawn = generator.standard_normal(shape)
    outside = np.abs(drawn) > 2
    while outside.any():
        drawn[outside] = generator.standard_normal(int(outside.sum()))
        outside = np.abs(drawn) > 2
    return drawn.astype(dtype)


def bits(state: Any, *, shape: tuple[int, ...]) -> Any:
    """Draw 32-bit words as int64."""
    return _generator(state).integers(0, 1 << 32, shape, dtype=np.int64)


def integers(state: Any, *, shape: tuple[int, ...], low: int, high: int, dtype: Any) -> Any:
    """Draw integers from ``low`` up to but without ``high``."""
    return _generator(state).integers(low, high, shape, dtype=np.int64).astype(dtype)


KERNELS: dict[str, Callable[..., Any]] = {
    "random.bits": bits,
    "random.integers": integers,
    "random.normal": normal,
    "random.truncated_normal": truncated_normal,
    "random.uniform": uniform,
}
