"""Products of tensors: ``dot``, ``batch_dot`` and the transpose between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kbplug.backend.arguments import TensorLike
from kbplug.backend.sparse import dot_sparse, is_sparse
from kbplug.backend.tensors import as_tensor
from kbplug.errors import ArgumentError, ShapeError
from kbplug.graph.spec import merge_sizes, normalize_axis
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import shape_of


def dot(x: TensorLike, y: TensorLike) -> Tensor:
    """Return the sum of products over the last dimension of ``x`` and the second last, or only, one of ``y``.

    A sparse ``x`` is not made dense.

    Examples
    --------
    >>> K.dot(K.ones((2, 3, 4)), K.ones((4, 5))).shape
    (2, 3, 5)
    """
    x, y = as_tensor(x), as_tensor(y)
    if is_sparse(x):
        return dot_sparse(x, y)
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    if x.ndim == 2 and y.ndim == 2:
        return xp.matmul(x, y)
    return xp.tensordot(x, y, axes=((x.ndim - 1,), (max(y.ndim - 2, 0),)))


def batch_dot(x: TensorLike, y: TensorLike, axes: int | Sequence[int] | None = None) -> Tensor:
    """Return the products of ``x`` and ``y``, sample by sample, summed over one dimension of each.

    Parameters
    ----------
    x, y
        Tensors of two dimensions or more; the first counts the samples.
    axes
        The dimension summed over, in both or in each. By default the last of ``x``, and the second last of
        ``y``, or its last if it has two.

    Returns
    -------
    Tensor
        The samples, then the other dimensions of ``x``, then those of ``y``; of shape ``(samples, 1)`` if there
        are none.

    Raises
    ------
    ArgumentError
        If the axes are no such pair.
    ShapeError
        If samples or summed sizes differ, or there are fewer than two dimensions.

    Examples
    --------
    >>> K.eval(K.batch_dot([[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]], axes=1)).tolist()
    [[17.0], [53.0]]
    """
    x, y = as_tensor(x), as_tensor(y)
    if min(x.ndim, y.ndim) < 2:
        raise ShapeError(f"batch_dot needs two dimensions or more, not the shapes {x.shape} and {y.shape}.")
    of_x, of_y = _contracted(axes, x.ndim, y.ndim)
    where = f"batch_dot of {x.shape} and {y.shape} over the axes {(of_x, of_y)}"
    merge_sizes(x.shape[0], y.shape[0], where)
    merge_sizes(x.shape[of_x], y.shape[of_y], where)
    left: Tensor = xp.moveaxis(x, of_x, -1)
    right: Tensor = xp.moveaxis(y, of_y, 1)
    samples, *rows, inner = shape_of(left)
    columns = shape_of(right)[2:]
    if len(rows) != 1:
        left = xp.reshape(left, (samples, -1 if rows else 1, inner))
    if len(columns) != 1:
        right = xp.reshape(right, (samples, inner, -1 if columns else 1))
    kept = (*rows, *columns) or (1,)
    return xp.reshape(xp.matmul(left, right), (samples, *kept))


def _contracted(axes: Any, ndim_x: int, ndim_y: int) -> tuple[int, int]:
    if axes is None:
        return ndim_x - 1, ndim_y - 1 if ndim_y == 2 else ndim_y - 2
    pair = tuple(axes) if isinstance(axes, list | tuple) else (axes, axes)
    if len(pair) != 2:
        raise ArgumentError(f"The axes of batch_dot are {axes!r}, but they must be None, one integer or two.")
    of_x, of_y = normalize_axis(pair[0], ndim_x), normalize_axis(pair[1], ndim_y)
    if 0 in (of_x, of_y):
        raise ArgumentError(
            "batch_dot cannot sum over dimension 0, which counts the samples; put one in with expand_dims."
        )
    return of_x, of_y


def transpose(x: TensorLike) -> Tensor:
    """Return ``x`` with its dimensions in reverse order.

    Examples
    --------
    >>> K.transpose(K.ones((2, 3, 4))).shape
    (4, 3, 2)
    """
    x = as_tensor(x)
    return xp.permute_dims(x, tuple(reversed(range(x.ndim))))
