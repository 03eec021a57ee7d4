"""What NumPy does better than the generic lowerings, gathered by theme."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kbplug.engines.numpy import linalg, random

KERNELS: dict[str, Callable[..., Any]] = {**linalg.KERNELS, **random.KERNELS}
