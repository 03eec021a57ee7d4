"""What NumPy does better than the generic lowerings, gathered by theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kbplug.engines.numpy import (
    conv,
    elementwise,
    idioms,
    indexing,
    linalg,
    loops,
    pooling,
    random,
    reductions,
    segments,
    shards,
)

KERNELS: dict[str, Callable[..., Any]] = {
    **conv.KERNELS,
    **elementwise.KERNELS,
    **idioms.KERNELS,
    **indexing.KERNELS,
    **linalg.KERNELS,
    **loops.KERNELS,
    **pooling.KERNELS,
    **random.KERNELS,
    **reductions.KERNELS,
    **segments.KERNELS,
    **shards.KERNELS,
}
