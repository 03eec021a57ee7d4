"""Pooling: the largest element or the mean of each window, in one to three spatial dimensions.

Arrays are (batch, *spatial, channels) or, channels first, (batch, channels, *spatial). Padding is never an element:
the maximum does not see it and the mean does not count it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kbplug.errors import ArgumentError, ShapeError
from kbplug.graph.spec import Shape, Spec, merge_shapes
from kbplug.graph.tensor import Tensor
from kbplug.graph.window import Padding, Steps, Window, channel_axis, spatial_axes, windows
from kbplug.ops.conv import assemble, check_positions, spatial
from kbplug.ops.declare import FLOAT, REAL_FLOAT, accept, primitive
from kbplug.ops.namespace import size_operands
from kbplug.ops.patches import add_patches, channels_last, from_channels_last, inside, take_patches
from kbplug.ops.sizes import size_along


def slides(name: str, sizes: Shape, *, window: Steps, strides: Steps | None, padding: Padding) -> tuple[Window, ...]:
    """Return how the windows of a pooling slide; without strides, side by side.

    Raises
    ------
    ArgumentError
        If a window could lie wholly in padding, where it has no value.
    """
    sizes = tuple(sizes)
    if not 1 <= len(sizes) <= 3:
        raise ShapeError(f"{name} needs 1 to 3 spatial dimensions between batch and channels, not {len(sizes)}.")
    taken = (window,) * len(sizes) if isinstance(window, int) else tuple(window)
    found = windows(name, sizes, taken, strides=taken if strides is None else strides, padding=padding)
    if isinstance(padding, tuple) and any(max(p) >= n for p, n in zip(padding, taken, strict=True)):
        raise ArgumentError(f"{name} has the padding {padding}, which must be narrower than its window {taken}.")
    return found


def _pooled(name: str, x: Spec, accepted: Sequence[str], data_format: str, **params: Any) -> Spec:
    accept(name, accepted, x)
    counts = tuple(w.count for w in slides(name, spatial(x.shape, data_format), **params))
    return x.like(shape=assemble(x.shape[0], counts, x.shape[channel_axis(x.ndim, data_format)], data_format))


@primitive()
def avg_pool(
    x: Spec,
    /,
    *,
    window: Steps,
    strides: Steps | None = None,
    padding: Padding = "valid",
    data_format: str = "channels_last",
) -> Spec:
    """Mean of each window; padding does not count."""
    return _pooled("avg_pool", x, FLOAT, data_format, window=window, strides=strides, padding=padding)


@primitive(traits=("sized",))
def avg_pool_input(
    y: Spec,
    /,
    *sizes: Spec,
    shape: Shape,
    window: Steps,
    strides: Steps | None = None,
    padding: Padding = "valid",
    data_format: str = "channels_last",
) -> Spec:
    """Transpose of ``avg_pool``, whose array has the spatial sizes ``shape``: each element shared out evenly."""
    accept("avg_pool_input", FLOAT, y)
    found = slides("avg_pool_input", shape, window=window, strides=strides, padding=padding)
    check_positions("avg_pool_input", spatial(y.shape, data_format), found)
    return y.like(shape=assemble(y.shape[0], shape, y.shape[channel_axis(y.ndim, data_format)], data_format))


@primitive()
def max_pool(
    x: Spec,
    /,
    *,
    window: Steps,
    strides: Steps | None = None,
    padding: Padding = "valid",
    data_format: str = "channels_last",
) -> Spec:
    """Largest element of each window; ties share the gradient evenly."""
    return _pooled("max_pool", x, REAL_FLOAT, data_format, window=window, strides=strides, padding=padding)


@primitive(promotes=range)
def max_pool_input(
    g: Spec,
    x: Spec,
    y: Spec,
    /,
    *,
    window: Steps,
    strides: Steps | None = None,
    padding: Padding = "valid",
    data_format: str = "channels_last",
) -> Spec:
    """Each element of ``g`` shared out evenly among the elements of its window of ``x`` that are its maximum ``y``."""
    _check_pooled("max_pool_input", g, x, y, data_format, window=window, strides=strides, padding=padding)
    return x


@primitive(promotes=range)
def max_pool_pick(
    u: Spec,
    x: Spec,
    y: Spec,
    /,
    *,
    window: Steps,
    strides: Steps | None = None,
    padding: Padding = "valid",
    data_format: str = "channels_last",
) -> Spec:
    """Mean of ``u`` over the elements of each window of ``x`` that are its maximum ``y``."""
    merge_shapes([u.shape, x.shape], "max_pool_pick")
    _check_pooled("max_pool_pick", y, x, y, data_format, window=window, strides=strides, padding=padding)
    return y


def _check_pooled(name: str, g: Spec, x: Spec, y: Spec, data_format: str, **params: Any) -> None:
    merge_shapes([g.shape, y.shape, _pooled(name, x, REAL_FLOAT, data_format, **params).shape], name)


@avg_pool.derive
def _(g: Tensor, y: Tensor, x: Tensor, **params: Any) -> tuple[Tensor]:
    axes = spatial_axes(x.ndim, params["data_format"])
    tensors, shape = size_operands([size_along(x, i) for i in axes])
    return (avg_pool_input(g, *tensors, **{**params, "shape": shape}),)


@avg_pool_input.derive
def _(g: Tensor, x: Tensor, y: Tensor, *sizes: Tensor, shape: Shape, **params: Any) -> tuple[Any, ...]:
    return avg_pool(g, **params), *[None] * len(sizes)


@max_pool.derive
def _(g: Tensor, y: Tensor, x: Tensor, **params: Any) -> tuple[Tensor]:
    return (max_pool_input(g, x, y, **params),)


@max_pool_input.derive
def _(u: Tensor, spread: Tensor, g: Tensor, x: Tensor, y: Tensor, **params: Any) -> tuple[Any, ...]:
    return max_pool_pick(u, x, y, **params), None, None  # which element is the largest changes only in jumps


@max_pool_pick.derive
def _(g: Tensor, picked: Tensor, u: Tensor, x: Tensor, y: Tensor, **params: Any) -> tuple[Any, ...]:
    return max_pool_input(g, x, y, **params), None, None


def _window_axes(found: Sequence[Window]) -> tuple[int, ...]:
    return tuple(range(1 + len(found), 1 + 2 * len(found)))


def _per_window(xp: Any, y: Any, found: Sequence[Window]) -> Any:
    """Return a result of pooling with a dimension of size 1 for each dimension of the windows."""
    return xp.expand_dims(y, axis=_window_axes(found))


def _numbers(xp: Any, like: Any, found: Sequence[Window], sizes: Sequence[int]) -> Any:
    """Return how many elements each window takes."""
    real = inside(xp, like, found, sizes)
    if real is True:
        return math.prod(w.size or 0 for w in found)
    return xp.sum(xp.astype(real, like.dtype), axis=_window_axes(found))


@avg_pool.implement
def _(xp: Any, x: Any, /, *, data_format: str, **params: Any) -> Any:
    x = channels_last(xp, x, data_format)
    found = slides("avg_pool", x.shape[1:-1], **params)
    total = xp.sum(take_patches(xp, x, found), axis=_window_axes(found))
    return from_channels_last(xp, total / _numbers(xp, x, found, x.shape[1:-1]), data_format)


@avg_pool_input.implement
def _(xp: Any, y: Any, /, *, shape: tuple[int, ...], data_format: str, **params: Any) -> Any:
    y = channels_last(xp, y, data_format)
    found = slides("avg_pool_input", shape, **params)
    check_positions("avg_pool_input", y.shape[1:-1], found)
    share = _per_window(xp, y / _numbers(xp, y, found, shape), found)
    counts, sizes = y.shape[1:-1], [w.size for w in found]
    patches = xp.broadcast_to(share, (y.shape[0], *counts, *sizes, y.shape[-1]))
    return from_channels_last(xp, add_patches(xp, patches, found, shape), data_format)


@max_pool.implement
def _(xp: Any, x: Any, /, *, data_format: str, **params: Any) -> Any:
    x = channels_last(xp, x, data_format)
    found = slides("max_pool", x.shape[1:-1], **params)
    y = xp.max(take_patches(xp, x, found, -math.inf), axis=_window_axes(found))
    return from_channels_last(xp, y, data_format)


def _largest(xp: Any, x: Any, y: Any, found: Sequence[Window]) -> tuple[Any, Any]:
    """Return which elements of each window are its largest, and how many they are; NaN is the largest of all."""
    patches, top = take_patches(xp, x, found, -math.inf), _per_window(xp, y, found)
    hit = (patches == top) | (xp.isnan(patches) & xp.isnan(top))
    real = inside(xp, x, found, x.shape[1:-1])
    hit = hit if real is True else hit & real
    return hit, xp.sum(xp.astype(hit, x.dtype), axis=_window_axes(found))


@max_pool_input.implement
def _(xp: Any, g: Any, x: Any, y: Any, /, *, data_format: str, **params: Any) -> Any:
    g, x, y = (channels_last(xp, a, data_format) for a in (g, x, y))
    found = slides("max_pool_input", x.shape[1:-1], **params)
    hit, number = _largest(xp, x, y, found)
    patches = xp.where(hit, _per_window(xp, g / number, found), 0.0)
    return from_channels_last(xp, add_patches(xp, patches, found, x.shape[1:-1]), data_format)


@max_pool_pick.implement
def _(xp: Any, u: Any, x: Any, y: Any, /, *, data_format: str, **params: Any) -> Any:
    u, x, y = (channels_last(xp, a, data_format) for a in (u, x, y))
    found = slides("max_pool_pick", x.shape[1:-1], **params)
    hit, number = _largest(xp, x, y, found)
    total = xp.sum(xp.where(hit, take_patches(xp, u, found), 0.0), axis=_window_axes(found))
    return from_channels_last(xp, total / number, data_format)


__all__ = ["avg_pool", "avg_pool_input", "max_pool", "max_pool_input", "max_pool_pick", "slides"]
