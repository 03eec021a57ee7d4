"""Tensors laid out anew: reshaped, permuted, joined, repeated, cut and picked from."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from kbplug.backend.arguments import DTypeLike, Sizes, TensorLike
from kbplug.backend.settings import floatx
from kbplug.backend.sparse import SparseTensor, concatenate_sparse
from kbplug.backend.tensors import as_tensor
from kbplug.errors import ArgumentError, ShapeError
from kbplug.graph.spec import normalize_axes, normalize_axis
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import shape_of


def reshape(x: TensorLike, shape: Sizes) -> Tensor:
    """Return ``x`` in another shape; sizes may be tensors, and one of them -1.

    Examples
    --------
    >>> K.reshape(K.ones((2, 6)), (-1, 4)).shape
    (3, 4)
    """
    return xp.reshape(as_tensor(x), shape)


def flatten(x: TensorLike) -> Tensor:
    """Return the elements of ``x`` in one dimension, in row-major order.

    Examples
    --------
    >>> K.flatten(K.ones((2, 3))).shape
    (6,)
    """
    return xp.reshape(as_tensor(x), (-1,))


def batch_flatten(x: TensorLike) -> Tensor:
    """Return ``x`` with all dimensions after the first in one.

    Examples
    --------
    >>> K.batch_flatten(K.placeholder((None, 2, 3))).shape
    (None, 6)
    """
    x = as_tensor(x)
    rows, *rest = shape_of(x)
    total = 1
    for size in rest:
        total = total * size if isinstance(size, int) else -1
        if total < 0:
            return xp.reshape(x, (rows, -1))
    return xp.reshape(x, (rows, total))


def permute_dimensions(x: TensorLike, pattern: Sequence[int]) -> Tensor:
    """Return ``x`` with its dimensions in another order.

    Examples
    --------
    >>> K.permute_dimensions(K.ones((2, 3, 4)), (0, 2, 1)).shape
    (2, 4, 3)
    """
    return xp.permute_dims(as_tensor(x), tuple(pattern))


def expand_dims(x: TensorLike, axis: int = -1) -> Tensor:
    """Return ``x`` with a new dimension of size 1 at the position ``axis`` of the result.

    Examples
    --------
    >>> K.expand_dims(K.ones((2, 3))).shape
    (2, 3, 1)
    """
    return xp.expand_dims(as_tensor(x), axis=axis)


def squeeze(x: TensorLike, axis: int) -> Tensor:
    """Return ``x`` without a dimension of size 1.

    Raises
    ------
    ShapeError
        If its size is not 1.

    Examples
    --------
    >>> K.squeeze(K.ones((2, 1, 3)), 1).shape
    (2, 3)
    """
    return xp.squeeze(as_tensor(x), axis=axis)


def pattern_broadcast(x: TensorLike, broadcastable: Sequence[bool]) -> Tensor:
    """Return ``x``, whose dimensions of size 1 always broadcast, after a check of those named.

    Raises
    ------
    ShapeError
        If a dimension named broadcastable has another size than 1.

    Examples
    --------
    >>> K.pattern_broadcast(K.ones((1, 3)), (True, False)).shape
    (1, 3)
    """
    x = as_tensor(x)
    if any(flag and size not in (1, None) for flag, size in zip(broadcastable, x.shape, strict=True)):
        raise ShapeError(f"The pattern {tuple(broadcastable)} names a dimension of {x.shape} whose size is not 1.")
    return x


def concatenate(tensors: Sequence[TensorLike], axis: int = -1) -> Tensor:
    """Return tensors joined along ``axis``; sparse matrices alone give a sparse one.

    Examples
    --------
    >>> K.concatenate([K.ones((2, 3)), K.ones((2, 1))]).shape
    (2, 4)
    """
    parts = [as_tensor(x) for x in tensors]
    sparse = [p for p in parts if isinstance(p, SparseTensor)]
    if sparse and len(sparse) == len(parts):
        return concatenate_sparse(sparse, normalize_axis(axis, 2))
    return xp.concat(parts, axis=axis)


def stack(x: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Return tensors of one shape along a new dimension.

    Examples
    --------
    >>> K.stack([K.ones((2, 3)), K.ones((2, 3))]).shape
    (2, 2, 3)
    """
    return xp.stack([as_tensor(part) for part in x], axis=axis)


def repeat(x: TensorLike, n: int | Tensor) -> Tensor:
    """Return the rows of a matrix each ``n`` times: ``(samples, dim)`` becomes ``(samples, n, dim)``.

    Raises
    ------
    ShapeError
        If ``x`` is no matrix.

    Examples
    --------
    >>> K.repeat(K.ones((2, 3)), 4).shape
    (2, 4, 3)
    """
    x = as_tensor(x)
    if x.ndim != 2:
        raise ShapeError(f"repeat needs a matrix, not the shape {x.shape}; repeat_elements and tile take any.")
    rows, columns = shape_of(x)
    return xp.broadcast_to(xp.expand_dims(x, axis=1), (rows, n, columns))


def repeat_elements(x: TensorLike, rep: int, axis: int) -> Tensor:
    """Return each element along ``axis`` ``rep`` times in a row.

    Examples
    --------
    >>> K.eval(K.repeat_elements([1.0, 2.0], 2, axis=0)).tolist()
    [1.0, 1.0, 2.0, 2.0]
    """
    x = as_tensor(x)
    made = xp.repeat(x, rep, axis=axis)
    if hasattr(x, "_keras_shape"):
        made._keras_shape = made.shape  # type: ignore[attr-defined]  # Keras asks for it here
    return made


def tile(x: TensorLike, n: int | Tensor | Sequence[int | Tensor]) -> Tensor:
    """Return ``x`` laid out ``n[i]`` times along dimension ``i``, counted from the last.

    Examples
    --------
    >>> K.eval(K.tile([[1.0, 2.0]], (2, 2))).tolist()
    [[1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 1.0, 2.0]]
    """
    x = as_tensor(x)
    times = _entries(n)
    if not any(isinstance(t, Tensor) for t in times):
        return xp.tile(x, tuple(times))
    rank = max(x.ndim, len(times))
    times = [1] * (rank - len(times)) + times
    sizes = [1] * (rank - x.ndim) + list(shape_of(x))
    pairs = list(zip(times, sizes, strict=True))
    apart = xp.reshape(x, [n for _, size in pairs for n in (1, size)])
    laid = xp.broadcast_to(apart, [n for pair in pairs for n in pair])
    return xp.reshape(laid, [t * size for t, size in pairs])


def _entries(given: Any) -> list[Any]:
    """Return what is given one by one: the elements of a sequence or of a one-dimensional tensor, or a number alone."""
    if isinstance(given, Tensor) and given.ndim == 1:
        return list(given)
    return list(given) if isinstance(given, Sequence) or hasattr(given, "__len__") else [given]


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: DTypeLike = "int32") -> Tensor:
    """Return evenly spaced numbers from ``start`` up to but without ``stop``, or from 0 up to one number alone.

    Examples
    --------
    >>> K.eval(K.arange(2, 8, 2)).tolist()
    [2, 4, 6]
    """
    return xp.arange(start, stop, step, dtype=dtype)


def reverse(x: TensorLike, axes: int | Sequence[int]) -> Tensor:
    """Return ``x`` with the order along some dimensions reversed.

    Examples
    --------
    >>> K.eval(K.reverse([1.0, 2.0, 3.0], 0)).tolist()
    [3.0, 2.0, 1.0]
    """
    x = as_tensor(x)
    return xp.flip(x, axis=normalize_axes(axes, x.ndim))


def slice(x: TensorLike, start: Any, size: Any) -> Tensor:
    """Return ``size[i]`` elements from ``start[i]`` on along each dimension; a size of -1 takes all that follow.

    Raises
    ------
    ArgumentError
        If there are not as many numbers as dimensions.

    Examples
    --------
    >>> K.eval(K.slice([[1.0, 2.0, 3.0]], (0, 1), (1, 2))).tolist()
    [[2.0, 3.0]]
    """
    x = as_tensor(x)
    begin, count = _entries(start), _entries(size)
    if not x.ndim == len(begin) == len(count):
        raise ArgumentError(
            f"slice of the shape {x.shape} needs a start and a size for each dimension, not {begin} and {count}."
        )
    bounds = [(b, None if _is_rest(n) else b + n) for b, n in zip(begin, count, strict=True)]
    return x[tuple(builtins.slice(*pair) for pair in bounds)]


def _is_rest(size: Any) -> bool:
    return not isinstance(size, Tensor) and size == -1


def gather(reference: TensorLike, indices: TensorLike) -> Tensor:
    """Return the rows of ``reference`` that integer ``indices`` name, in their shape.

    Examples
    --------
    >>> K.eval(K.gather([[1.0], [2.0], [3.0]], [[2, 0]])).tolist()
    [[[3.0], [1.0]]]
    """
    reference, indices = as_tensor(reference), as_tensor(indices)
    if indices.ndim == 1:
        return xp.take(reference, indices, axis=0)
    rows = xp.take(reference, xp.reshape(indices, (-1,)), axis=0)
    return xp.reshape(rows, (*shape_of(indices), *shape_of(reference)[1:]))


def one_hot(indices: TensorLike, num_classes: int) -> Tensor:
    """Return rows that are 1 at each index and 0 elsewhere, along a new last dimension.

    Examples
    --------
    >>> K.eval(K.one_hot([1, 0], 3)).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    return xp.one_hot(as_tensor(indices), depth=num_classes, dtype=floatx())
