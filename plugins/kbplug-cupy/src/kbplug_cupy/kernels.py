"""What CuPy has beyond the standard's namespace, or kbplug generates for it, gathered by theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kbplug_cupy import indexing, random, special, windows


def kernels(deterministic: bool) -> dict[str, Callable[..., Any]]:
    """Return the kernels by op name; ``deterministic`` leaves out those that add in an order that varies."""
    return {
        **special.KERNELS,
        **windows.KERNELS,
        **random.KERNELS,
        **indexing.KERNELS,
        **({} if deterministic else indexing.ATOMIC),
    }
