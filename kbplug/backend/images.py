"""Sequences, images and volumes padded with zeros, and resized by whole factors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from kbplug.backend.arguments import TensorLike
from kbplug.backend.settings import normalize_data_format
from kbplug.backend.shaping import repeat_elements
from kbplug.backend.tensors import as_tensor, floating
from kbplug.errors import ArgumentError, ShapeError, did_you_mean
from kbplug.graph.spec import whole
from kbplug.graph.tensor import Tensor
from kbplug.graph.window import spatial_axes
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import size_along

Widths = Sequence[Sequence[int]]


def temporal_padding(x: TensorLike, padding: Sequence[int] = (1, 1)) -> Tensor:
    """Return sequences with zero steps before and after.

    Parameters
    ----------
    x
        Of shape ``(samples, time, features)``.
    padding
        How many steps before and after.

    Raises
    ------
    ShapeError
        If ``x`` has another number of dimensions.
    ArgumentError
        If a width is no whole number of at least 0.

    Examples
    --------
    >>> K.temporal_padding(K.ones((2, 3, 4)), (1, 2)).shape
    (2, 6, 4)
    """
    return _padded(x, (padding,), "channels_last")


def spatial_2d_padding(x: TensorLike, padding: Widths = ((1, 1), (1, 1)), data_format: str | None = None) -> Tensor:
    """Return images with rows and columns of zeros around them.

    Parameters
    ----------
    x
        Of shape ``(samples, rows, columns, channels)``, or channels first.
    padding
        How many rows before and after, and columns.
    data_format
        That of the settings by default.

    Raises
    ------
    ShapeError
        If ``x`` has another number of dimensions.
    ArgumentError
        If a width is no whole number of at least 0.

    Examples
    --------
    >>> K.spatial_2d_padding(K.ones((1, 2, 2, 1)), ((1, 0), (0, 3))).shape
    (1, 3, 5, 1)
    """
    return _padded(x, padding, data_format)


def spatial_3d_padding(
    x: TensorLike, padding: Widths = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None
) -> Tensor:
    """Return volumes with planes of zeros around them, as ``spatial_2d_padding`` does for images.

    Examples
    --------
    >>> K.spatial_3d_padding(K.ones((1, 2, 2, 2, 1))).shape
    (1, 4, 4, 4, 1)
    """
    return _padded(x, padding, data_format)


def _padded(x: TensorLike, padding: Widths, data_format: str | None) -> Tensor:
    data_format = normalize_data_format(data_format)
    x = as_tensor(x)
    axes = spatial_axes(x.ndim, data_format)
    if len(axes) != len(padding):
        raise ShapeError(
            f"Padding of {len(padding)} dimensions needs {len(padding) + 2} in all, not the shape {x.shape}."
        )
    widths = [(0, 0)] * x.ndim
    for axis, (before, after) in zip(axes, padding, strict=True):
        widths[axis] = (whole(before, "A width of padding"), whole(after, "A width of padding"))
    return xp.pad(x, widths=tuple(widths))


def resize_images(
    x: TensorLike, height_factor: int, width_factor: int, data_format: str | None, interpolation: str = "nearest"
) -> Tensor:
    """Return images enlarged by whole factors.

    Parameters
    ----------
    x
        Of shape ``(samples, rows, columns, channels)``, or channels first.
    height_factor, width_factor
        How many rows and columns one becomes.
    data_format
        That of the settings for None.
    interpolation
        ``nearest`` or ``area`` repeat pixels. ``bilinear``, ``bicubic``, ``mitchellcubic``, ``gaussian``, ``lanczos3``
        and ``lanczos5`` weigh those around, measured from centre to centre; at the border the weights of
        those that exist add up to 1.

    Raises
    ------
    ArgumentError
        If a factor is no positive integer, or the interpolation is none of these.

    Examples
    --------
    >>> K.eval(K.resize_images([[[[0.0], [4.0]]]], 1, 2, "channels_last", "bilinear")).ravel().tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    return _resized(x, (height_factor, width_factor), data_format, interpolation)


def resize_volumes(
    x: TensorLike, depth_factor: int, height_factor: int, width_factor: int, data_format: str | None
) -> Tensor:
    """Return volumes enlarged by whole factors: each voxel is repeated.

    Raises
    ------
    ArgumentError
        If a factor is no positive integer.

    Examples
    --------
    >>> K.resize_volumes(K.ones((1, 2, 2, 2, 1)), 2, 3, 1, "channels_last").shape
    (1, 4, 6, 2, 1)
    """
    return _resized(x, (depth_factor, height_factor, width_factor), data_format, "nearest")


def _resized(x: TensorLike, factors: Sequence[int], data_format: str | None, interpolation: str) -> Tensor:
    data_format = normalize_data_format(data_format)
    if interpolation not in ("nearest", "area", *_KERNELS):
        known = ("nearest", "area", *_KERNELS)
        hint = did_you_mean(interpolation, known)
        raise ArgumentError(f"The interpolation is {interpolation!r}, but it must be one of {', '.join(known)}.{hint}")
    kernel = _KERNELS.get(interpolation)
    result = as_tensor(x) if kernel is None else floating(x)
    axes = spatial_axes(result.ndim, data_format)
    if len(axes) != len(factors):
        raise ShapeError(f"Resizing by {len(factors)} factors needs {len(factors) + 2} dimensions, not {result.shape}.")
    for axis, factor in zip(axes, factors, strict=True):
        if not hasattr(factor, "__index__") or factor < 1:
            raise ArgumentError(f"A factor of resizing is {factor!r}, but it must be a positive integer.")
        if factor > 1:
            result = repeat_elements(result, factor, axis) if kernel is None else _weighed(result, factor, axis, kernel)
    return result


def _weighed(x: Tensor, factor: int, axis: int, kernel: Callable[[Any], Any]) -> Tensor:
    """Return ``x`` enlarged along ``axis``: each new element a mean of old ones, weighed by distance."""
    size = size_along(x, axis)
    old = xp.arange(size, dtype=x.dtype)
    new = (xp.arange(size * factor, dtype=x.dtype) + 0.5) / factor - 0.5
    weights = kernel(xp.abs(old - xp.expand_dims(new, axis=1)))
    weights = weights / xp.sum(weights, axis=1, keepdims=True)
    return xp.moveaxis(xp.tensordot(x, weights, axes=((axis,), (1,))), -1, axis)


def _triangle(d: Any) -> Any:
    return xp.clip(1.0 - d, 0.0, None)


def _cubic(b: float, c: float) -> Callable[[Any], Any]:
    """Return the cubic filter of Mitchell and Netravali, "Reconstruction filters in computer graphics", 1988."""

    def kernel(d: Any) -> Any:
        near = (12 - 9 * b - 6 * c) * d**3 + (-18 + 12 * b + 6 * c) * d**2 + (6 - 2 * b)
        far = (-b - 6 * c) * d**3 + (6 * b + 30 * c) * d**2 + (-12 * b - 48 * c) * d + (8 * b + 24 * c)
        return xp.where(d < 1, near, xp.where(d < 2, far, 0.0)) / 6

    return kernel


def _gaussian(d: Any) -> Any:
    return xp.where(d < 1.5, xp.exp(-2.0 * d * d), 0.0)


def _lanczos(radius: int) -> Callable[[Any], Any]:
    def kernel(d: Any) -> Any:
        angle = math.pi * xp.where(d == 0, 1.0, d)
        product = radius * xp.sin(angle) * xp.sin(angle / radius) / (angle * angle)
        return xp.where(d == 0, 1.0, xp.where(d < radius, product, 0.0))

    return kernel


_KERNELS: dict[str, Callable[[Any], Any]] = {
    "bilinear": _triangle,
    "bicubic": _cubic(0.0, 0.5),
    "mitchellcubic": _cubic(1 / 3, 1 / 3),
    "gaussian": _gaussian,
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}
