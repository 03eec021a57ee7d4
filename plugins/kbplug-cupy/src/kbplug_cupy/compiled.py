"""Generated kernels on the device: compiled by NVRTC when first needed, kept, and launched without waiting."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import cupy
import numpy as np

from kbplug_cupy.codegen.kernel import Kernel, prelude
from kbplug_cupy.codegen.launch import Launch
from kbplug_cupy.codegen.layout import VECTOR, Place

OPTIONS = ("-std=c++17", "--fmad=false")
"""Products are rounded before they are added, so that a fused region gives what its ops give one by one."""


@functools.lru_cache(maxsize=4096)
def function(kernel: Kernel) -> Any:
    """Return a kernel that can be launched, on whichever device is current."""
    module = cupy.RawModule(code=prelude() + kernel.source, options=OPTIONS, backend="nvrtc")
    return module.get_function(kernel.name)


class Prepared:
    """A launch with its function and its numbers in the types that the kernel takes.

    Parameters
    ----------
    launch
        What to run.
    """

    __slots__ = ("_block", "_function", "_grid", "_numbers")

    def __init__(self, launch: Launch) -> None:
        kinds = launch.kernel.parameters[len(launch.kernel.parameters) - len(launch.numbers) :]
        self._function = function(launch.kernel)
        self._grid, self._block = launch.grid, launch.block
        self._numbers = tuple(_number(k, n) for k, n in zip(kinds, launch.numbers, strict=True))

    def __call__(self, arrays: Sequence[Any]) -> None:
        """Run on arrays laid out as the launch expects, or on their addresses, on the current stream."""
        self._function(self._grid, self._block, (*arrays, *self._numbers))


def _number(kind: str, value: int) -> Any:
    return (np.int64 if "long" in kind else np.int32)(value)


def place(array: Any) -> Place:
    """Return where a device array lies."""
    size = array.itemsize
    return Place(array.shape, tuple(s // size for s in array.strides), alignment(array), size)


def alignment(array: Any) -> int:
    """Return the largest power of two, at most ``VECTOR``, that divides an array's address."""
    address = array.data.ptr
    return min(VECTOR, address & -address) if address else VECTOR
