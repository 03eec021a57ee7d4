"""Pooling: the largest element or the mean of windows over images and volumes."""

from __future__ import annotations

from collections.abc import Sequence

from kbplug.backend.arguments import TensorLike
from kbplug.backend.settings import normalize_data_format
from kbplug.backend.tensors import as_tensor
from kbplug.errors import ArgumentError, ShapeError
from kbplug.graph.spec import whole
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp


def pool2d(
    x: TensorLike,
    pool_size: Sequence[int],
    strides: Sequence[int] = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Tensor:
    """Return the largest element, or the mean, of windows over images.

    Parameters
    ----------
    x
        Of shape ``(samples, rows, columns, channels)``, or channels first.
    pool_size
        Rows and columns of the window.
    strides
        How far the window moves from one position to the next.
    padding
        ``valid`` for windows that lie inside, ``same`` for ``ceil(size / stride)`` positions, where what lies
        outside is no element.
    data_format
        That of the settings by default.
    pool_mode
        ``max`` or ``avg``.

    Raises
    ------
    ArgumentError
        If mode, padding or a size is none of these.

    Examples
    --------
    >>> K.eval(K.pool2d([[[[1.0], [2.0]], [[3.0], [4.0]]]], (2, 2), pool_mode="avg")).ravel().tolist()
    [2.5]
    """
    return _pooled(x, 2, pool_size, strides, padding, data_format, pool_mode)


def pool3d(
    x: TensorLike,
    pool_size: Sequence[int],
    strides: Sequence[int] = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Tensor:
    """Return the largest element, or the mean, of windows over volumes, as ``pool2d`` does for images.

    Examples
    --------
    >>> K.pool3d(K.ones((1, 4, 4, 4, 2)), (2, 2, 2), (2, 2, 2)).shape
    (1, 2, 2, 2, 2)
    """
    return _pooled(x, 3, pool_size, strides, padding, data_format, pool_mode)


def _pooled(
    x: TensorLike,
    spatial: int,
    pool_size: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str | None,
    pool_mode: str,
) -> Tensor:
    x = as_tensor(x)
    if x.ndim != spatial + 2:
        raise ShapeError(f"pool{spatial}d needs {spatial + 2} dimensions, not the shape {x.shape}.")
    if pool_mode not in ("max", "avg"):
        raise ArgumentError(f"The pool mode is {pool_mode!r}, but it must be 'max' or 'avg'.")
    pool = xp.max_pool if pool_mode == "max" else xp.avg_pool
    return pool(
        x,
        window=tuple(whole(n, "A size of a window") for n in pool_size),
        strides=tuple(whole(n, "A stride") for n in strides),
        padding=padding,
        data_format=normalize_data_format(data_format),
    )
