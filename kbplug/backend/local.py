"""Locally connected layers: convolutions with weights of their own at each position."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Sequence

from kbplug.backend.arguments import TensorLike
from kbplug.backend.settings import normalize_data_format
from kbplug.backend.tensors import as_tensor
from kbplug.errors import ShapeError
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import size_along


def local_conv1d(
    inputs: TensorLike,
    kernel: TensorLike,
    kernel_size: Sequence[int],
    strides: Sequence[int],
    data_format: str | None = None,
) -> Tensor:
    """Return a convolution of sequences with weights of its own at each position.

    Parameters
    ----------
    inputs
        Of shape ``(samples, steps, channels)``, or channels first.
    kernel
        Of shape ``(positions, window * channels, filters)``; the window's elements lie in the order of ``inputs``.
    kernel_size, strides
        The window, and how far it moves; one number each.
    data_format
        That of the settings by default.

    Raises
    ------
    ShapeError
        If the kernel does not fit the positions and the window.

    Examples
    --------
    >>> K.local_conv1d(K.ones((2, 5, 3)), K.ones((2, 9, 4)), (3,), (2,)).shape
    (2, 2, 4)
    """
    kernel = as_tensor(kernel)
    positions = kernel.shape[0]
    if positions is None:
        raise ShapeError(f"local_conv1d needs a kernel with a known number of positions, not {kernel.shape}.")
    return _local(inputs, kernel, kernel_size, strides, (positions,), data_format)


def local_conv2d(
    inputs: TensorLike,
    kernel: TensorLike,
    kernel_size: Sequence[int],
    strides: Sequence[int],
    output_shape: Sequence[int],
    data_format: str | None = None,
) -> Tensor:
    """Return a convolution of images with weights of its own at each position.

    Parameters
    ----------
    inputs
        Of shape ``(samples, rows, columns, channels)``, or channels first.
    kernel
        Of shape ``(positions, window * channels, filters)``, positions in row-major order; the window's elements lie
        in the order of ``inputs``.
    kernel_size, strides
        The window, and how far it moves; two numbers each.
    output_shape
        How many positions there are along rows and columns.
    data_format
        That of the settings by default.

    Raises
    ------
    ShapeError
        If the kernel does not fit the positions and the window.

    Examples
    --------
    >>> K.local_conv2d(K.ones((1, 3, 3, 2)), K.ones((4, 8, 5)), (2, 2), (1, 1), (2, 2)).shape
    (1, 2, 2, 5)
    """
    return _local(inputs, as_tensor(kernel), kernel_size, strides, output_shape, data_format)


def _local(
    inputs: TensorLike,
    kernel: Tensor,
    kernel_size: Sequence[int],
    strides: Sequence[int],
    positions: Sequence[int],
    data_format: str | None,
) -> Tensor:
    x = as_tensor(inputs)
    spatial = len(positions)
    if x.ndim != spatial + 2 or kernel.ndim != 3:
        raise ShapeError(
            f"A locally connected layer over {spatial} spatial dimensions needs {spatial + 2} in its inputs and 3 in "
            f"its kernel, not the shapes {x.shape} and {kernel.shape}."
        )
    first = normalize_data_format(data_format) == "channels_first"
    windows = _windows(xp.moveaxis(x, 1, -1) if first else x, kernel_size, strides, positions)
    if first:  # the channels of a window lie before its places
        windows = xp.moveaxis(windows, -1, -2)
    samples = size_along(x, 0)
    rows = xp.reshape(windows, (samples, size_along(kernel, 0), size_along(kernel, 1)))
    product = xp.matmul(xp.moveaxis(rows, 1, 0), kernel)
    result = xp.reshape(xp.moveaxis(product, 0, 1), (samples, *positions, size_along(kernel, 2)))
    return xp.moveaxis(result, -1, 1) if first else result


def _windows(x: Tensor, size: Sequence[int], strides: Sequence[int], positions: Sequence[int]) -> Tensor:
    """Return windows of ``x``, whose channels are last, in the shape ``(samples, *positions, places, channels)``."""

    def taken(offsets: tuple[int, ...]) -> Tensor:
        bounds = zip(offsets, strides, positions, strict=True)
        cut = [builtins.slice(o, o + (n - 1) * step + 1, step) for o, step, n in bounds]
        return x[(builtins.slice(None), *cut)]

    return xp.stack([taken(o) for o in itertools.product(*map(range, size))], axis=-2)
