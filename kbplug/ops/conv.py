"""Convolution, as machine learning means it: a sliding product without a flip, in one to three dimensions.

It is linear in the array and in the kernel, so three ops that share all parameters are each other's derivatives:
``conv(x, kernel)``, ``conv_input(y, kernel)``, its transpose in the array, which is transposed convolution, and
``conv_kernel(x, y)``, its transpose in the kernel. Arrays are (batch, *spatial, channels) or, channels first,
(batch, channels, *spatial); kernels (*spatial, channels / groups, filters), as in Keras.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from kbplug.errors import ShapeError
from kbplug.graph.spec import Shape, Size, Spec, merge_sizes
from kbplug.graph.tensor import Tensor
from kbplug.graph.window import Padding, Steps, Window, channel_axis, spatial_axes, windows
from kbplug.ops.declare import FLOAT, accept, primitive
from kbplug.ops.elementwise import conj
from kbplug.ops.namespace import size_operands
from kbplug.ops.patches import add_patches, channels_last, from_channels_last, take_patches
from kbplug.ops.sizes import size_along


def first_two(count: int) -> Sequence[int]:
    """Return the positions of the operands that are no sizes."""
    return range(min(count, 2))


def spatial(shape: Shape, data_format: str) -> Shape:
    """Return the sizes that windows slide over."""
    return tuple(shape[i] for i in spatial_axes(len(shape), data_format))


def assemble(batch: Size, sizes: Shape, channels: Size, data_format: str) -> Shape:
    """Return the shape of an array in the layout asked for."""
    return (batch, channels, *sizes) if data_format == "channels_first" else (batch, *sizes, channels)


def _check(name: str, ndim: int, kernel_ndim: int, *specs: Spec) -> None:
    accept(name, FLOAT, *specs)
    if ndim != kernel_ndim or not 3 <= ndim <= 5:
        raise ShapeError(
            f"{name} needs an array and a kernel with 1 to 3 spatial dimensions and two more, not {ndim} and "
            f"{kernel_ndim} dimensions."
        )


def _check_channels(name: str, channels: Size, kernel: Shape, groups: int) -> None:
    taken, filters = kernel[-2:]
    if groups < 1 or (filters is not None and filters % groups):
        raise ShapeError(f"{name} cannot split {filters} filters into {groups} groups.")
    if channels is not None and taken is not None and channels != taken * groups:
        raise ShapeError(
            f"{name} has {channels} channels, but a kernel of shape {kernel} in {groups} groups takes {taken * groups}."
        )


def check_positions(name: str, found: Shape, slides: Sequence[Window]) -> None:
    """Raise a ShapeError if there are not as many positions as the windows have."""
    expected = tuple(w.count for w in slides)
    if any(a is not None and b is not None and a != b for a, b in zip(found, expected, strict=True)):
        raise ShapeError(f"{name} was given {found} positions of the window, where these sizes have {expected}.")


@primitive(promotes=first_two)
def conv(
    x: Spec,
    kernel: Spec,
    /,
    *,
    strides: Steps = 1,
    padding: Padding = "valid",
    dilation: Steps = 1,
    groups: int = 1,
    data_format: str = "channels_last",
) -> Spec:
    """Sliding product of ``x`` with ``kernel``: cross-correlation, summed over the channels of a group."""
    _check("conv", x.ndim, kernel.ndim, x, kernel)
    _check_channels("conv", x.shape[channel_axis(x.ndim, data_format)], kernel.shape, groups)
    sizes = spatial(x.shape, data_format)
    slides = windows("conv", sizes, kernel.shape[:-2], strides=strides, padding=padding, dilation=dilation)
    counts = tuple(w.count for w in slides)
    return x.like(shape=assemble(x.shape[0], counts, kernel.shape[-1], data_format))


@primitive(promotes=first_two, traits=("sized",))
def conv_input(
    y: Spec,
    kernel: Spec,
    /,
    *sizes: Spec,
    shape: Shape,
    strides: Steps = 1,
    padding: Padding = "valid",
    dilation: Steps = 1,
    groups: int = 1,
    data_format: str = "channels_last",
) -> Spec:
    """Transpose of ``conv`` in the array, whose spatial sizes ``shape`` says: transposed convolution."""
    _check("conv_input", y.ndim, kernel.ndim, y, kernel)
    slides = windows("conv_input", shape, kernel.shape[:-2], strides=strides, padding=padding, dilation=dilation)
    check_positions("conv_input", spatial(y.shape, data_format), slides)
    taken, filters = kernel.shape[-2:]
    _check_channels("conv_input", None, kernel.shape, groups)
    merge_sizes(y.shape[channel_axis(y.ndim, data_format)], filters, "conv_input, in the filters of its operands")
    channels = None if taken is None else taken * groups
    return y.like(shape=assemble(y.shape[0], shape, channels, data_format))


@primitive(promotes=first_two, traits=("sized",))
def conv_kernel(
    x: Spec,
    y: Spec,
    /,
    *sizes: Spec,
    shape: Shape,
    strides: Steps = 1,
    padding: Padding = "valid",
    dilation: Steps = 1,
    groups: int = 1,
    data_format: str = "channels_last",
) -> Spec:
    """Transpose of ``conv`` in the kernel, whose spatial sizes ``shape`` says."""
    _check("conv_kernel", x.ndim, y.ndim, x, y)
    slides = windows(
        "conv_kernel", spatial(x.shape, data_format), shape, strides=strides, padding=padding, dilation=dilation
    )
    check_positions("conv_kernel", spatial(y.shape, data_format), slides)
    merge_sizes(x.shape[0], y.shape[0], "conv_kernel, in the batches of its operands")
    axis = channel_axis(x.ndim, data_format)
    channels = x.shape[axis]
    if channels is not None and channels % groups:
        raise ShapeError(f"conv_kernel cannot split {channels} channels into {groups} groups.")
    return x.like(shape=(*shape, None if channels is None else channels // groups, y.shape[axis]))


def _to_input(y: Tensor, kernel: Tensor, x: Tensor, **params: Any) -> Tensor:
    """Return ``conv_input`` with the sizes of ``x``."""
    axes = spatial_axes(x.ndim, params["data_format"])
    tensors, shape = size_operands([size_along(x, i) for i in axes])
    return conv_input(y, kernel, *tensors, **{**params, "shape": shape})


def _to_kernel(x: Tensor, y: Tensor, kernel: Tensor, **params: Any) -> Tensor:
    """Return ``conv_kernel`` with the sizes of ``kernel``."""
    tensors, shape = size_operands([size_along(kernel, i) for i in range(kernel.ndim - 2)])
    return conv_kernel(x, y, *tensors, **{**params, "shape": shape})


@conv.derive
def _(g: Tensor, y: Tensor, x: Tensor, kernel: Tensor, **params: Any) -> tuple[Tensor, Tensor]:
    return _to_input(g, conj(kernel), x, **params), _to_kernel(conj(x), g, kernel, **params)


@conv_input.derive
def _(g: Tensor, x: Tensor, y: Tensor, kernel: Tensor, *sizes: Tensor, shape: Shape, **params: Any) -> tuple[Any, ...]:
    return conv(g, conj(kernel), **params), _to_kernel(g, conj(y), kernel, **params), *[None] * len(sizes)


@conv_kernel.derive
def _(g: Tensor, kernel: Tensor, x: Tensor, y: Tensor, *sizes: Tensor, shape: Shape, **params: Any) -> tuple[Any, ...]:
    return _to_input(conj(y), g, x, **params), conv(conj(x), g, **params), *[None] * len(sizes)


def conv_transpose(x: Any, kernel: Any, shape: Any, **params: Any) -> Tensor:
    """Return the transposed convolution of ``x`` with spatial sizes ``shape``.

    Parameters
    ----------
    x
        Array of (batch, *spatial, filters), or channels first.
    kernel
        Array of (*spatial, channels / groups, filters): the kernel of the convolution that this one transposes.
    shape
        Spatial sizes of the result, integers or 0-d integer tensors.
    **params
        Those of ``conv``.

    Returns
    -------
    Tensor
        Of (batch, *shape, channels).
    """
    tensors, static = size_operands(shape)
    return conv_input(x, kernel, *tensors, shape=static, **params)


def _slides(name: str, sizes: Shape, window: Shape, params: Mapping[str, Any]) -> tuple[Window, ...]:
    shared = {k: params[k] for k in ("strides", "padding", "dilation")}
    return windows(name, tuple(sizes), tuple(window), **shared)


def _rows(xp: Any, patches: Any, spatial: int, groups: int) -> Any:
    """Return patches as a matrix for each group, (groups, positions, window * channels): a row for each position."""
    lead, rest = patches.shape[: 1 + spatial], patches.shape[1 + spatial : -1]
    channels = patches.shape[-1] // groups
    split = xp.moveaxis(xp.reshape(patches, (*lead, *rest, groups, channels)), -2, 0)
    return xp.reshape(split, (groups, prod(lead), prod(rest) * channels))


def _columns(xp: Any, y: Any, groups: int) -> Any:
    """Return an array as a matrix for each group, (groups, the rest, filters): a column for each filter."""
    filters = y.shape[-1] // groups
    return xp.moveaxis(xp.reshape(y, (prod(y.shape[:-1]), groups, filters)), 1, 0)


@conv.implement
def _(xp: Any, x: Any, kernel: Any, /, *, groups: int, data_format: str, **params: Any) -> Any:
    x = channels_last(xp, x, data_format)
    slides = _slides("conv", x.shape[1:-1], kernel.shape[:-2], params)
    rows = _rows(xp, take_patches(xp, x, slides), len(slides), groups)
    product = xp.moveaxis(xp.matmul(rows, _columns(xp, kernel, groups)), 0, 1)
    y = xp.reshape(product, (x.shape[0], *[w.count for w in slides], kernel.shape[-1]))
    return from_channels_last(xp, y, data_format)


@conv_input.implement
def _(xp: Any, y: Any, kernel: Any, /, *, shape: tuple[int, ...], groups: int, data_format: str, **params: Any) -> Any:
    y = channels_last(xp, y, data_format)
    *window, taken, _ = kernel.shape
    slides = _slides("conv_input", shape, window, params)
    check_positions("conv_input", y.shape[1:-1], slides)
    rows = xp.matmul(_columns(xp, y, groups), xp.matrix_transpose(_columns(xp, kernel, groups)))
    split = xp.moveaxis(xp.reshape(rows, (groups, *y.shape[:-1], *window, taken)), 0, -2)
    patches = xp.reshape(split, (*y.shape[:-1], *window, groups * taken))
    return from_channels_last(xp, add_patches(xp, patches, slides, shape), data_format)


@conv_kernel.implement
def _(xp: Any, x: Any, y: Any, /, *, shape: tuple[int, ...], groups: int, data_format: str, **params: Any) -> Any:
    x, y = channels_last(xp, x, data_format), channels_last(xp, y, data_format)
    slides = _slides("conv_kernel", x.shape[1:-1], shape, params)
    check_positions("conv_kernel", y.shape[1:-1], slides)
    rows = _rows(xp, take_patches(xp, x, slides), len(slides), groups)
    product = xp.moveaxis(xp.matmul(xp.matrix_transpose(rows), _columns(xp, y, groups)), 0, 1)
    return xp.reshape(product, (*shape, x.shape[-1] // groups, y.shape[-1]))


__all__ = ["assemble", "check_positions", "conv", "conv_input", "conv_kernel", "conv_transpose", "first_two", "spatial"]
