"""Tensors laid out anew: reshaped, permuted, joined, repeated, padded, cut and resized."""

from __future__ import annotations

from collections.abc import Sequence

from kbplug.backend.types import Sizes, TensorLike
from kbplug.graph.tensor import Tensor, tensor
from kbplug.ops.namespace import namespace as xp


def concatenate(tensors: Sequence[TensorLike], axis: int = -1) -> Tensor:
    """Return tensors joined along ``axis``.

    Examples
    --------
    >>> K.concatenate([K.ones((2, 3)), K.ones((2, 1))]).shape
    (2, 4)
    """
    return xp.concat([tensor(x) for x in tensors], axis=axis)


def reshape(x: TensorLike, shape: Sizes) -> Tensor:
    """Return ``x`` in another shape; sizes may be tensors, and one of them -1.

    Examples
    --------
    >>> K.reshape(K.ones((2, 6)), (-1, 4)).shape
    (3, 4)
    """
    return xp.reshape(tensor(x), shape)


def permute_dimensions(x: TensorLike, pattern: Sequence[int]) -> Tensor:
    """Return ``x`` with its dimensions in another order.

    Examples
    --------
    >>> K.permute_dimensions(K.ones((2, 3, 4)), (0, 2, 1)).shape
    (2, 4, 3)
    """
    return xp.permute_dims(tensor(x), tuple(pattern))
