"""Where elements stand: the standard's searching functions. Their results are integers, so no gradient flows."""

from __future__ import annotations

from typing import Any, Literal

from kbplug.errors import ArgumentError, ShapeError
from kbplug.graph.spec import Spec, merge_sizes, normalize_axes
from kbplug.ops.declare import ALL, INTEGER, REAL, accept, primitive
from kbplug.ops.statistical import Axis, reduced


@primitive()
def argmax(x: Spec, /, *, axis: int | None = None, keepdims: bool = False) -> Spec:
    """Index of the largest element along ``axis``, the first of equals; without an axis, in the flat ``x``."""
    return _place("argmax", x, axis, keepdims)


@primitive()
def argmin(x: Spec, /, *, axis: int | None = None, keepdims: bool = False) -> Spec:
    """Index of the smallest element along ``axis``, the first of equals; without an axis, in the flat ``x``."""
    return _place("argmin", x, axis, keepdims)


def _place(name: str, x: Spec, axis: int | None, keepdims: bool) -> Spec:
    accept(name, REAL, x)
    if any(x.shape[i] == 0 for i in normalize_axes(axis, x.ndim)):
        raise ArgumentError(f"{name} over no elements has no value; the shape is {x.shape} and the axis {axis}.")
    return Spec(reduced(x.shape, axis, keepdims), "int64")


@primitive()
def count_nonzero(x: Spec, /, *, axis: Axis = None, keepdims: bool = False) -> Spec:
    """How many elements over ``axis`` are not zero."""
    accept("count_nonzero", ALL, x)
    return Spec(reduced(x.shape, axis, keepdims), "int64")


@primitive(traits=("tuple",))
def nonzero(x: Spec, /) -> tuple[Spec, ...]:
    """The indices of the elements that are not zero, an array per dimension."""
    accept("nonzero", ALL, x)
    if x.ndim == 0:
        raise ShapeError("nonzero needs at least 1 dimension.")
    return (Spec((None,), "int64"),) * x.ndim


@primitive(promotes=lambda count: (0, 1))
def searchsorted(x1: Spec, x2: Spec, sorter: Spec | None = None, /, *, side: Literal["left", "right"] = "left") -> Spec:
    """Where each of ``x2`` would go into the sorted ``x1``: before its equals, or after them for ``side="right"``."""
    accept("searchsorted", REAL, x1, x2)
    if x1.ndim != 1:
        raise ShapeError(f"searchsorted needs one dimension to search in, not the shape {x1.shape}.")
    if side not in ("left", "right"):
        raise ArgumentError(f'searchsorted takes the side "left" or "right", not {side!r}.')
    if sorter is not None:
        accept("searchsorted, in its sorter,", INTEGER, sorter)
        if sorter.ndim != 1:
            raise ShapeError(f"searchsorted needs a sorter of one dimension, not the shape {sorter.shape}.")
        merge_sizes(x1.shape[0], sorter.shape[0], "searchsorted and its sorter")
    return Spec(x2.shape, "int64")


@searchsorted.implement
def _(xp: Any, x1: Any, x2: Any, sorter: Any = None, /, *, side: str) -> Any:
    return xp.searchsorted(x1 if sorter is None else xp.take(x1, xp.astype(sorter, xp.int64), axis=0), x2, side=side)


__all__ = ["argmax", "argmin", "count_nonzero", "nonzero", "searchsorted"]
