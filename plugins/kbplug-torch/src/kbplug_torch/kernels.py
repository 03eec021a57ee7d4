"""What PyTorch does better than the generic lowerings, gathered by theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kbplug_torch import conv, functions, indexing, random

KERNELS: dict[str, Callable[..., Any]] = {
    **conv.KERNELS,
    **functions.KERNELS,
    **indexing.KERNELS,
    **random.KERNELS,
}
