"""A CUDA device's memory as loops use it: addresses, views and launches. Knows CuPy; no graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_compat.cupy as xp
import cupy

from kbplug_cupy.codegen.launch import Launch
from kbplug_cupy.codegen.layout import Place
from kbplug_cupy.codegen.steps import Spot
from kbplug_cupy.compiled import Prepared, place


def _sum(x: Any, *, out: Any, axis: Any, dtype: Any, keepdims: bool) -> None:
    cupy.sum(x, axis=axis, dtype=dtype or out.dtype, out=out, keepdims=keepdims)


WRITING: dict[str, Callable[..., Any]] = {"matmul": cupy.matmul, "sum": _sum}
"""What CuPy computes into an array that it is given."""


class DeviceMemory:
    """CuPy's memory on the current device; see ``kbplug_cupy.loops.Memory``.

    Parameters
    ----------
    processors
        How many multiprocessors the device has.
    """

    xp = xp

    def __init__(self, processors: int) -> None:
        self.processors = processors

    def place(self, array: Any) -> Place:
        """Return where an array lies."""
        return place(array)

    def address(self, array: Any) -> int:
        """Return where its first element is."""
        return int(array.data.ptr)

    def view(self, array: Any, offset: int, spot: Spot) -> Any:
        """Return elements of an array, from ``offset`` bytes after its first on, laid out as a spot says."""
        strides = tuple(s * spot.place.size for s in spot.place.strides)
        return cupy.ndarray(spot.place.shape, array.dtype, array.data + offset, strides)

    def prepare(self, launch: Launch) -> Prepared:
        """Return what runs a kernel on addresses."""
        return Prepared(launch)

    def writing(self, name: str) -> Callable[..., Any] | None:
        """Return what computes an op into an array, if CuPy does that."""
        return WRITING.get(name)
