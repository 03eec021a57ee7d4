"""Norms of vectors and matrices."""

from __future__ import annotations

import math
from typing import Any

from kbplug.dtypes import real_of
from kbplug.errors import ArgumentError, ShapeError
from kbplug.graph.spec import Spec
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import FLOAT, accept, composite, primitive
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.statistical import Axis, reduced, restore


@primitive("linalg.vector_norm")
def vector_norm(x: Spec, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Spec:
    """The ``ord``-norm over ``axis``; its gradient is 0 where the norm is."""
    accept("linalg.vector_norm", FLOAT, x)
    return Spec(reduced(x.shape, axis, keepdims), real_of(x.dtype))


@vector_norm.derive
def _(g: Tensor, y: Tensor, x: Tensor, axis: Axis, keepdims: bool, ord: float) -> tuple[Tensor]:
    g, y = restore(g, x, axis, keepdims), restore(y, x, axis, keepdims)
    if ord == 0:
        return (xp.zeros_like(x),)
    if ord == 1:
        return (g * xp.sign(x),)
    if ord == 2:
        return (xp.where(y == 0, 0.0, g / xp.where(y == 0, 1.0, y)) * x,)
    size = xp.abs(x)
    if math.isinf(ord):
        share = xp.astype(size == y, g.dtype)
        return (g * share / xp.sum(share, axis=axis, keepdims=True) * xp.sign(x),)
    outside = (size == 0) | (y == 0)
    ratio = xp.where(outside, 1.0, size) / xp.where(y == 0, 1.0, y)
    return (xp.where(outside, 0.0, g * ratio ** (ord - 1)) * xp.sign(x),)


@composite("linalg.matrix_norm")
def matrix_norm(xp: Any, x: Any, /, *, keepdims: bool = False, ord: float | str | None = "fro") -> Any:
    """Norm of matrices: ``"fro"``, ``"nuc"`` (sum of singular values), 1, -1, inf, -inf, 2 or -2."""
    if x.ndim < 2:
        raise ShapeError(f"linalg.matrix_norm needs matrices, not an array of shape {x.shape}.")
    if ord in ("fro", None):
        return xp.linalg.vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    if ord in ("nuc", 2, -2):
        values = xp.linalg.svdvals(x)
        reduce = {"nuc": xp.sum, 2: xp.max, -2: xp.min}[ord]
        return _with_ones(xp, reduce(values, axis=-1), keepdims)
    if ord not in (1, -1, math.inf, -math.inf):
        raise ArgumentError(f"The ord of linalg.matrix_norm is 'fro', 'nuc', 1, 2 or inf or a negative, not {ord!r}.")
    totals = xp.sum(xp.abs(x), axis=-2 if abs(ord) == 1 else -1)
    return _with_ones(xp, (xp.max if ord > 0 else xp.min)(totals, axis=-1), keepdims)


def _with_ones(xp: Any, x: Any, keepdims: bool) -> Any:
    return xp.expand_dims(xp.expand_dims(x, axis=-1), axis=-1) if keepdims else x


__all__ = ["matrix_norm", "vector_norm"]
