"""Random draws by generated kernels, from a stream's state that stays on the device."""

from __future__ import annotations

from collections.abc import Callable
from math import erfc, prod, sqrt
from typing import Any

import cupy
import cupyx.scipy.special

from kbplug_cupy.codegen.random import drawing
from kbplug_cupy.compiled import Prepared

TAIL = 0.5 * erfc(2 / sqrt(2))
"""The probability of a standard normal number below -2."""


def _draw(draw: str, state: Any, shape: tuple[int, ...], dtype: Any, *numbers: int) -> Any:
    out = cupy.empty(shape, dtype=dtype)
    found = drawing(draw, out.dtype.name, prod(shape), *numbers)
    if found is not None:
        Prepared(found)((state, out))
    return out


def advance(state: Any) -> Any:
    """Return the state after a call; the generic body would copy a constant to the device."""
    after = state.copy()
    after[2:] += 1
    return after


def bits(state: Any, *, shape: tuple[int, ...]) -> Any:
    """Draw 32-bit words as int64."""
    return _draw("bits", state, shape, cupy.int64)


def uniform(state: Any, *, shape: tuple[int, ...], dtype: Any) -> Any:
    """Draw uniform numbers in [0, 1)."""
    return _draw("uniform", state, shape, dtype)


def normal(state: Any, *, shape: tuple[int, ...], dtype: Any) -> Any:
    """Draw standard normal numbers."""
    return _draw("normal", state, shape, dtype)


def truncated_normal(state: Any, *, shape: tuple[int, ...], dtype: Any) -> Any:
    """Draw standard normal numbers between -2 and 2, by inversion."""
    unit = _draw("uniform", state, shape, cupy.float64)
    drawn = cupyx.scipy.special.ndtri(TAIL + (1 - 2 * TAIL) * unit)
    return cupy.clip(drawn, -2, 2).astype(dtype)


def integers(state: Any, *, shape: tuple[int, ...], low: int, high: int, dtype: Any) -> Any:
    """Draw integers from ``low`` up to but without ``high``."""
    return _draw("integers", state, shape, dtype, low, high - low)


KERNELS: dict[str, Callable[..., Any]] = {
    "random.advance": advance,
    "random.bits": bits,
    "random.integers": integers,
    "random.normal": normal,
    "random.truncated_normal": truncated_normal,
    "random.uniform": uniform,
}
