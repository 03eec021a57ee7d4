"""What the arguments of K may be; names for readers and the type checker, and nothing that runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from kbplug.graph.tensor import Tensor
from kbplug.runtime.values import HostArray

TensorLike: TypeAlias = Tensor | HostArray | Sequence[Any] | bool | int | float | complex
"""A tensor, or anything that becomes one: an array, nested lists, a Python scalar."""

DTypeLike: TypeAlias = Any
"""The name of a dtype, or anything that bears it: ``"float32"``, ``np.float32``, ``np.dtype("float32")``."""

Axis: TypeAlias = int | Sequence[int] | None
"""A dimension, several, or None for all; negative ones count from the back."""

Sizes: TypeAlias = int | Tensor | Sequence[int | Tensor]
"""A shape whose sizes may be computed by the graph."""

__all__ = ["Axis", "DTypeLike", "HostArray", "Sizes", "Tensor", "TensorLike"]
