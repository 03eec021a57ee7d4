"""Convolutions over one to three spatial dimensions; kernels are ``(*window, channels, filters)`` in either format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kbplug.backend.arguments import TensorLike
from kbplug.backend.settings import normalize_data_format
from kbplug.backend.tensors import as_tensor
from kbplug.errors import ShapeError
from kbplug.graph.spec import whole
from kbplug.graph.tensor import Tensor
from kbplug.graph.window import spatial_axes
from kbplug.ops.conv import conv_transpose
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import shape_of

Steps = int | Sequence[int]


def conv1d(
    x: TensorLike,
    kernel: TensorLike,
    strides: Steps = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Steps = 1,
) -> Tensor:
    """Return the convolution of sequences, as ``conv2d`` does for images.

    Parameters
    ----------
    x
        Of shape ``(samples, steps, channels)``, or channels first.
    kernel
        Of shape ``(window, channels, filters)``.
    strides, data_format, dilation_rate
        As in ``conv2d``.
    padding
        ``valid``, ``same``, or ``causal``, which lets no step see a later one.

    Examples
    --------
    >>> K.conv1d(K.ones((1, 5, 2)), K.ones((3, 2, 4)), padding="causal").shape
    (1, 5, 4)
    """
    return _conv(x, kernel, 1, strides, padding, data_format, dilation_rate)


def conv2d(
    x: TensorLike,
    kernel: TensorLike,
    strides: Steps = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Steps = (1, 1),
) -> Tensor:
    """Return the convolution of images: at each position of a window, its sum of products with each filter.

    Parameters
    ----------
    x
        Of shape ``(samples, rows, columns, channels)``, or channels first.
    kernel
        Of shape ``(*window, channels, filters)``; it is not flipped.
    strides
        How far the window moves from one position to the next.
    padding
        ``valid`` for windows that lie inside, ``same`` for zeros around, so many that stride 1 keeps the sizes.
    data_format
        ``channels_last`` or ``channels_first``; that of the settings by default.
    dilation_rate
        From one element of the window to the next.

    Raises
    ------
    ArgumentError
        If padding, strides or dilation are not what they must be.
    ShapeError
        If shapes do not fit.

    Examples
    --------
    >>> K.conv2d(K.ones((1, 5, 5, 2)), K.ones((3, 3, 2, 4))).shape
    (1, 3, 3, 4)
    """
    return _conv(x, kernel, 2, strides, padding, data_format, dilation_rate)


def conv3d(
    x: TensorLike,
    kernel: TensorLike,
    strides: Steps = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Steps = (1, 1, 1),
) -> Tensor:
    """Return the convolution of volumes, as ``conv2d`` does for images.

    Examples
    --------
    >>> K.conv3d(K.ones((1, 4, 4, 4, 1)), K.ones((2, 2, 2, 1, 3)), padding="same").shape
    (1, 4, 4, 4, 3)
    """
    return _conv(x, kernel, 3, strides, padding, data_format, dilation_rate)


def _conv(
    x: TensorLike,
    kernel: TensorLike,
    spatial: int,
    strides: Steps,
    padding: str,
    data_format: str | None,
    dilation_rate: Steps,
    groups: int = 1,
) -> Tensor:
    x, kernel = _checked(x, spatial), as_tensor(kernel)
    options = _options(strides, padding, data_format, dilation_rate)
    return xp.conv(x, kernel, groups=groups, **options)


def _checked(x: TensorLike, spatial: int) -> Tensor:
    made = as_tensor(x)
    if made.ndim != spatial + 2:
        raise ShapeError(
            f"A convolution over {spatial} spatial dimensions needs {spatial + 2} in all, not {made.shape}."
        )
    return made


def _options(strides: Steps, padding: str, data_format: str | None, dilation_rate: Steps) -> dict[str, Any]:
    """Return the options of a convolution as the op takes them."""
    return {
        "strides": _steps(strides),
        "padding": padding,
        "dilation": _steps(dilation_rate),
        "data_format": normalize_data_format(data_format),
    }


def _steps(given: Steps) -> int | tuple[int, ...]:
    what = "A stride or a dilation"
    return tuple(whole(n, what) for n in given) if isinstance(given, Iterable) else whole(given, what)


def conv2d_transpose(
    x: TensorLike,
    kernel: TensorLike,
    output_shape: Any,
    strides: Steps = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Steps = (1, 1),
) -> Tensor:
    """Return the transpose of a convolution: what its gradient is to ``conv2d``.

    Parameters
    ----------
    x
        Of shape ``(samples, rows, columns, filters)``, or channels first.
    kernel
        Of shape ``(*window, channels, filters)``: that of the convolution which this one transposes.
    output_shape
        The whole shape of the result; its sizes may be tensors.
    strides, padding, data_format, dilation_rate
        Those of the convolution that is transposed.

    Raises
    ------
    ShapeError
        If the number of dimensions or channels does not fit.
    ArgumentError
        If a stride, dilation, padding or data format is none.

    Examples
    --------
    >>> K.conv2d_transpose(K.ones((1, 3, 3, 4)), K.ones((3, 3, 2, 4)), (1, 5, 5, 2)).shape
    (1, 5, 5, 2)
    """
    return _transposed(x, kernel, 2, output_shape, _options(strides, padding, data_format, dilation_rate))


def conv3d_transpose(
    x: TensorLike,
    kernel: TensorLike,
    output_shape: Any,
    strides: Steps = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """Return the transpose of a convolution of volumes, as ``conv2d_transpose`` does for images.

    Examples
    --------
    >>> K.conv3d_transpose(K.ones((1, 1, 1, 1, 4)), K.ones((2, 2, 2, 3, 4)), (1, 2, 2, 2, 3)).shape
    (1, 2, 2, 2, 3)
    """
    return _transposed(x, kernel, 3, output_shape, _options(strides, padding, data_format, 1))


def _transposed(x: TensorLike, kernel: TensorLike, spatial: int, output_shape: Any, options: dict[str, Any]) -> Tensor:
    whole = list(output_shape)
    if len(whole) != spatial + 2:
        raise ShapeError(f"The output shape of a convolution needs {spatial + 2} sizes, not {len(whole)}.")
    sizes = [whole[i] for i in spatial_axes(spatial + 2, options["data_format"])]
    return conv_transpose(_checked(x, spatial), as_tensor(kernel), sizes, **options)


def depthwise_conv2d(
    x: TensorLike,
    depthwise_kernel: TensorLike,
    strides: Steps = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Steps = (1, 1),
) -> Tensor:
    """Return the convolution of each channel of images with filters of its own.

    Parameters
    ----------
    x, strides, padding, data_format, dilation_rate
        As in ``conv2d``.
    depthwise_kernel
        Of shape ``(*window, channels, multiplier)``; the result has ``channels * multiplier`` channels, those of the
        first channel first.

    Raises
    ------
    ShapeError
        If the number of dimensions or channels does not fit.
    ArgumentError
        If a stride, dilation, padding or data format is none.

    Examples
    --------
    >>> K.depthwise_conv2d(K.ones((1, 5, 5, 2)), K.ones((3, 3, 2, 4))).shape
    (1, 3, 3, 8)
    """
    return _depthwise(x, depthwise_kernel, 2, strides, padding, data_format, dilation_rate)


def _depthwise(
    x: TensorLike,
    kernel: TensorLike,
    spatial: int,
    strides: Steps,
    padding: str,
    data_format: str | None,
    dilation_rate: Steps,
) -> Tensor:
    kernel = as_tensor(kernel)
    if kernel.ndim != spatial + 2:
        raise ShapeError(f"A depthwise kernel needs {spatial + 2} dimensions, not the shape {kernel.shape}.")
    *window, channels, multiplier = shape_of(kernel)
    if not isinstance(channels, int):
        raise ShapeError(f"A depthwise kernel needs a known number of channels, not the shape {kernel.shape}.")
    each = xp.reshape(kernel, (*window, 1, channels * multiplier))
    return _conv(x, each, spatial, strides, padding, data_format, dilation_rate, groups=channels)


def separable_conv1d(
    x: TensorLike,
    depthwise_kernel: TensorLike,
    pointwise_kernel: TensorLike,
    strides: Steps = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Steps = 1,
) -> Tensor:
    """Return a depthwise convolution of sequences whose channels are then mixed, as ``separable_conv2d`` does.

    Examples
    --------
    >>> K.separable_conv1d(K.ones((1, 5, 2)), K.ones((3, 2, 4)), K.ones((1, 8, 6))).shape
    (1, 3, 6)
    """
    return _separable(x, depthwise_kernel, pointwise_kernel, 1, strides, padding, data_format, dilation_rate)


def separable_conv2d(
    x: TensorLike,
    depthwise_kernel: TensorLike,
    pointwise_kernel: TensorLike,
    strides: Steps = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Steps = (1, 1),
) -> Tensor:
    """Return a depthwise convolution of images whose channels are then mixed.

    Parameters
    ----------
    x, strides, padding, data_format, dilation_rate
        As in ``conv2d``.
    depthwise_kernel
        Of shape ``(*window, channels, multiplier)``.
    pointwise_kernel
        Of shape ``(1, 1, channels * multiplier, filters)``.

    Raises
    ------
    ShapeError
        If the number of dimensions or channels does not fit.
    ArgumentError
        If a stride, dilation, padding or data format is none.

    Examples
    --------
    >>> K.separable_conv2d(K.ones((1, 5, 5, 2)), K.ones((3, 3, 2, 4)), K.ones((1, 1, 8, 6))).shape
    (1, 3, 3, 6)
    """
    return _separable(x, depthwise_kernel, pointwise_kernel, 2, strides, padding, data_format, dilation_rate)


def _separable(
    x: TensorLike,
    depthwise_kernel: TensorLike,
    pointwise_kernel: TensorLike,
    spatial: int,
    strides: Steps,
    padding: str,
    data_format: str | None,
    dilation_rate: Steps,
) -> Tensor:
    each = _depthwise(x, depthwise_kernel, spatial, strides, padding, data_format, dilation_rate)
    return _conv(each, pointwise_kernel, spatial, 1, "valid", data_format, 1)
