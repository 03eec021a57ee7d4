"""Products of vectors, matrices and stacks of them, and what reads a matrix' diagonal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kbplug.errors import ArgumentError, ShapeError
from kbplug.graph.spec import Shape, Size, Spec, broadcast, merge_sizes, normalize_axes
from kbplug.graph.tensor import Tensor
from kbplug.ops.declare import NUMERIC, accept, composite, primitive
from kbplug.ops.elementwise import conj
from kbplug.ops.linalg.matrices import matrix, on_diagonal, smaller
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import shape_of, size_along

Axes = int | tuple[tuple[int, ...], tuple[int, ...]]


@primitive(promotes=range)
def matmul(x1: Spec, x2: Spec, /) -> Spec:
    """Matrix product, with vectors as in NumPy: a row before a matrix, a column after it."""
    accept("matmul", NUMERIC, x1, x2)
    if not x1.ndim or not x2.ndim:
        raise ShapeError(
            f"matmul needs at least one dimension on each side, not {x1.shape} and {x2.shape}; use multiply."
        )
    rows = x2.shape[-2] if x2.ndim > 1 else x2.shape[0]
    merge_sizes(x1.shape[-1], rows, f"matmul of {x1.shape} and {x2.shape}")
    batch = broadcast(x1.shape[:-2], x2.shape[:-2])
    return Spec(batch + x1.shape[:-1][-1:] + (x2.shape[-1:] if x2.ndim > 1 else ()), x1.dtype)


@matmul.derive
def _(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return _left(g, a, conj(b)), _right(g, conj(a), b)


def _left(g: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return the gradient of ``a``; one matrix that met a whole stack is contracted with it in one product."""
    if b.ndim == 1:
        return xp.expand_dims(g, axis=-1) * b
    if b.ndim == 2 or a.ndim > 2:
        return xp.matmul(g, xp.matrix_transpose(b))
    batch = b.ndim - 2
    return xp.tensordot(g, b, axes=((*range(batch), g.ndim - 1), (*range(batch), b.ndim - 1)))


def _right(g: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return the gradient of ``b``, likewise."""
    if a.ndim == 1:
        return a * g if b.ndim == 1 else xp.expand_dims(a, axis=-1) * xp.expand_dims(g, axis=-2)
    if a.ndim == 2 or b.ndim > 2:
        return xp.matmul(xp.matrix_transpose(a), g)
    lead = tuple(range(a.ndim - 1))
    return xp.tensordot(a, g, axes=(lead, lead))


@primitive(promotes=range)
def tensordot(x1: Spec, x2: Spec, /, *, axes: Axes = 2) -> Spec:
    """Sum of products over ``axes``: pairs of axes, or how many last of ``x1`` meet first of ``x2``."""
    accept("tensordot", NUMERIC, x1, x2)
    of_1, of_2 = contracted(axes, x1.ndim, x2.ndim)
    for i, j in zip(of_1, of_2, strict=True):
        merge_sizes(x1.shape[i], x2.shape[j], f"tensordot of {x1.shape} and {x2.shape} over {axes}")
    return Spec(_others(x1.shape, of_1) + _others(x2.shape, of_2), x1.dtype)


def contracted(axes: Axes, ndim_1: int, ndim_2: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if isinstance(axes, tuple):
        if not _are_pairs(axes):
            raise ArgumentError(f"The axes of tensordot must be a count or two sequences of one length, not {axes}.")
        return normalize_axes(axes[0], ndim_1), normalize_axes(axes[1], ndim_2)
    if not 0 <= axes <= min(ndim_1, ndim_2):
        raise ArgumentError(f"tensordot cannot contract {axes} axes of arrays with {ndim_1} and {ndim_2} dimensions.")
    return tuple(range(ndim_1 - axes, ndim_1)), tuple(range(axes))


def _are_pairs(axes: tuple[Any, ...]) -> bool:
    return len(axes) == 2 and all(isinstance(a, tuple) for a in axes) and len(axes[0]) == len(axes[1])


def _others(shape: Iterable[Any], axes: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(n for i, n in enumerate(shape) if i not in axes)


@tensordot.derive
def _(g: Tensor, y: Tensor, a: Tensor, b: Tensor, axes: Axes) -> tuple[Tensor, Tensor]:
    of_a, of_b = contracted(axes, a.ndim, b.ndim)
    free_a, free_b = _others(range(a.ndim), of_a), _others(range(b.ndim), of_b)
    g_a = xp.tensordot(g, conj(b), axes=(tuple(range(len(free_a), g.ndim)), free_b))
    g_b = xp.tensordot(conj(a), g, axes=(free_a, tuple(range(len(free_a)))))
    rows = free_a + tuple(of_a[of_b.index(i)] for i in sorted(of_b))
    columns = tuple(of_b[of_a.index(i)] for i in sorted(of_a)) + free_b
    return _ordered(g_a, rows), _ordered(g_b, columns)


def _ordered(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return ``x``, whose dimensions stand in the order ``axes``, with them in order."""
    back = tuple(axes.index(i) for i in range(x.ndim))
    return x if back == tuple(range(x.ndim)) else xp.permute_dims(x, axes=back)


@primitive(promotes=range)
def vecdot(x1: Spec, x2: Spec, /, *, axis: int = -1) -> Spec:
    """Sum of ``conj(x1) * x2`` over ``axis``, which counts from the end."""
    accept("vecdot", NUMERIC, x1, x2)
    _, shape = _aligned("vecdot", x1, x2, axis)
    return Spec(shape[: len(shape) + axis] + shape[len(shape) + axis + 1 :], x1.dtype)


def _aligned(name: str, x1: Spec, x2: Spec, axis: int) -> tuple[Size, Shape]:
    """Return the size of the vectors and the broadcast shape of two stacks of them along a negative ``axis``."""
    lowest = -min(x1.ndim, x2.ndim)
    if not lowest <= axis < 0:
        raise ArgumentError(
            f"The axis of {name} counts from the end of both shapes {x1.shape} and {x2.shape}, so it must be negative "
            f"and at least {lowest}; it is {axis}."
        )
    size = merge_sizes(x1.shape[axis], x2.shape[axis], f"{name} of {x1.shape} and {x2.shape} along {axis}")
    return size, broadcast(x1.shape, x2.shape)


@vecdot.derive
def _(g: Tensor, y: Tensor, a: Tensor, b: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    g = xp.expand_dims(g, axis=axis)
    return conj(g) * b, g * a


@primitive("linalg.cross", promotes=range)
def cross(x1: Spec, x2: Spec, /, *, axis: int = -1) -> Spec:
    """Cross product of vectors of three elements along ``axis``, which counts from the end."""
    accept("linalg.cross", NUMERIC, x1, x2)
    size, shape = _aligned("linalg.cross", x1, x2, axis)
    if size not in (3, None):
        raise ShapeError(f"linalg.cross needs 3 elements along axis {axis}, not {size}.")
    return Spec(shape, x1.dtype)


@cross.derive
def _(g: Tensor, y: Tensor, a: Tensor, b: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    return xp.linalg.cross(conj(b), g, axis=axis), xp.linalg.cross(g, conj(a), axis=axis)


@primitive("linalg.outer", promotes=range)
def outer(x1: Spec, x2: Spec, /) -> Spec:
    """Every element of one vector times every element of another."""
    accept("linalg.outer", NUMERIC, x1, x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(f"linalg.outer needs two vectors, not arrays of shapes {x1.shape} and {x2.shape}.")
    return Spec(x1.shape + x2.shape, x1.dtype)


@outer.derive
def _(g: Tensor, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return xp.matmul(g, conj(b)), xp.matmul(conj(a), g)


@composite("linalg.matrix_power", traits=("nameless",))
def matrix_power(xp: Any, x: Any, /, n: int) -> Any:
    """A square matrix to an integer power, by repeated squaring; a negative one through the inverse."""
    if x.ndim < 2 or (x.shape[-2] != x.shape[-1] and None not in x.shape[-2:]):
        raise ShapeError(f"linalg.matrix_power needs square matrices, not an array of shape {x.shape}.")
    if n == 0:
        count = xp.cumulative_sum(xp.ones_like(x), axis=-1)
        return xp.astype(xp.equal(count, xp.matrix_transpose(count)), x.dtype)
    square = xp.linalg.inv(x) if n < 0 else x
    result, left = None, abs(n)
    while left:
        if left % 2:
            result = square if result is None else xp.matmul(result, square)
        left //= 2
        square = xp.matmul(square, square) if left else square
    return result


@primitive("linalg.diagonal", traits=("alias",))
def diagonal(x: Spec, /, *, offset: int = 0) -> Spec:
    """The diagonals of matrices; a positive ``offset`` lies above the main one."""
    batch, rows, columns = matrix("linalg.diagonal", x)
    length = smaller(_shortened(rows, max(-offset, 0)), _shortened(columns, max(offset, 0)))
    return Spec((*batch, length), x.dtype)


def _shortened(size: Size, by: int) -> Size:
    return None if size is None else max(size - by, 0)


@diagonal.derive
def _(g: Tensor, y: Tensor, x: Tensor, offset: int) -> tuple[Tensor]:
    """The k-th element stands in row k above the main diagonal, in column k below it."""
    down = offset >= 0
    longer = size_along(x, -2 if down else -1) - size_along(g, -1)
    filler = xp.zeros((*shape_of(g)[:-1], longer), dtype=g.dtype)
    spread = xp.expand_dims(xp.concat([g, filler], axis=-1), axis=-1 if down else -2)
    return (xp.where(on_diagonal(x, offset), spread, 0.0),)


@composite("linalg.trace")
def trace(xp: Any, x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """Sum of a diagonal; narrow integers are summed in 64 bits."""
    return xp.sum(xp.linalg.diagonal(x, offset=offset), axis=-1, dtype=dtype)


__all__ = ["cross", "diagonal", "matmul", "matrix_power", "outer", "tensordot", "trace", "vecdot"]
