"""Sorting along an axis: values, the order that sorts them, and the first of them."""

from __future__ import annotations

from typing import Any

from kbplug.errors import ArgumentError
from kbplug.graph.spec import Spec, normalize_axis
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import REAL, accept, primitive
from kbplug.ops.indexing import put_along_axis
from kbplug.ops.namespace import namespace as xp


def _ordered(name: str, x: Spec, axis: int) -> int:
    accept(name, REAL, x)
    return normalize_axis(axis, x.ndim)


@primitive()
def sort(x: Spec, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Spec:
    """``x`` with its elements along ``axis`` in order."""
    _ordered("sort", x, axis)
    return x


@sort.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: int, descending: bool, stable: bool) -> tuple[Tensor]:
    order = xp.argsort(x, axis=axis, descending=descending, stable=stable)
    return (xp.take_along_axis(g, xp.argsort(order, axis=axis), axis=axis),)


@primitive()
def argsort(x: Spec, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Spec:
    """The indices along ``axis`` that sort ``x``."""
    _ordered("argsort", x, axis)
    return x.like(dtype="int64")


@primitive()
def top_k(x: Spec, /, *, k: int, axis: int = -1, largest: bool = True) -> tuple[Spec, Spec]:
    """The ``k`` largest or smallest elements along ``axis``, in order, and where they stand; of equals the first."""
    at = _ordered("top_k", x, axis)
    size = x.shape[at]
    if k < 0 or (size is not None and k > size):
        raise ArgumentError(f"top_k cannot take {k} of {size} elements.")
    shape = (*x.shape[:at], k, *x.shape[at + 1 :])
    return x.like(shape=shape), Spec(shape, "int64")


@top_k.implement
def _(xp: Any, x: Any, /, *, k: int, axis: int, largest: bool) -> tuple[Any, Any]:
    at, size = axis % x.ndim, x.shape[axis]
    if largest:  # backwards from both ends: equals keep their places, and no descending sort is asked for
        order = size - 1 - xp.flip(xp.argsort(xp.flip(x, axis=at), axis=at, stable=True), axis=at)
    else:
        order = xp.argsort(x, axis=at, stable=True)
    first = order[(slice(None),) * at + (slice(0, k), ...)]
    return xp.take_along_axis(x, first, axis=at), first


@top_k.derive
def _(g: Any, y: Any, x: Tensor, k: int, axis: int, largest: bool) -> tuple[Any]:
    return (None if g[0] is None else put_along_axis(g[0], y[1], x, axis),)


__all__ = ["argsort", "sort", "top_k"]
