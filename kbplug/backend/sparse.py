"""Sparse matrices: the places and values that are not zero, and a dense tensor for whatever does not know better.

SciPy's matrices are read through their own ``tocoo``; SciPy itself is not imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeGuard

from kbplug.errors import FeedError, ShapeError
from kbplug.graph import node as nodes
from kbplug.graph.op import lookup
from kbplug.graph.spec import Shape, Spec, merge_sizes
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import shape_of
from kbplug.runtime import values


class SparseTensor(Tensor):
    """A matrix as the values at some places; elsewhere it is 0. As a tensor it is dense, computed only if used so.

    Attributes
    ----------
    rows, columns, values
        One-dimensional tensors: where each value stands, and the value. Values for one place add up.
    inputs
        The placeholders of the three and of the number of rows, if the matrix is fed; else empty.
    """

    def __init__(self, rows: Tensor, columns: Tensor, values: Tensor, sizes: Sequence[Any]) -> None:
        zeros = xp.zeros(tuple(sizes), dtype=values.dtype)
        super().__init__(lookup("scatter_add")(zeros, values, rows, columns, index=("array", "array")).node)
        self.rows, self.columns, self.values = rows, columns, values
        self.inputs: tuple[Tensor, ...] = ()

    def __repr__(self) -> str:
        return f"<sparse tensor {self.spec}>"


def is_sparse(tensor: Any) -> TypeGuard[SparseTensor]:
    """Say whether a tensor is a sparse matrix.

    Examples
    --------
    >>> K.is_sparse(K.placeholder((None, 3), sparse=True)), K.is_sparse(K.zeros((2, 3)))
    (True, False)
    """
    return isinstance(tensor, SparseTensor)


def to_dense(tensor: Tensor) -> Tensor:
    """Return a sparse matrix as an ordinary tensor; any other tensor is returned as it is.

    Examples
    --------
    >>> K.is_sparse(K.to_dense(K.placeholder((None, 3), sparse=True)))
    False
    """
    return Tensor(tensor.node) if is_sparse(tensor) else tensor


def sparse_constant(matrix: Any, dtype: str) -> SparseTensor:
    """Return a matrix of SciPy as a sparse tensor that never changes."""
    rows, columns, data, _ = coordinates(matrix)
    parts = (values.constant(rows, "int64"), values.constant(columns, "int64"), values.constant(data, dtype))
    places = [Tensor(p) for p in parts]
    return SparseTensor(places[0], places[1], places[2], matrix.shape)


def sparse_placeholder(shape: Shape, dtype: str, name: str) -> SparseTensor:
    """Return a matrix that each call feeds; only the number of rows may be unknown.

    Raises
    ------
    ShapeError
        If it has not two dimensions, or its number of columns is unknown.
    """
    if len(shape) != 2 or shape[1] is None:
        raise ShapeError(f"A sparse placeholder needs the shape (rows or None, columns), not {shape}.")
    specs = (Spec((None,), "int64"), Spec((None,), "int64"), Spec((None,), dtype), Spec((), "int64"))
    labels = ("rows", "columns", "values", "number of rows")
    parts = [Tensor(nodes.placeholder(s, f"{name}: {label}")) for s, label in zip(specs, labels, strict=True)]
    rows, columns, data, height = parts
    made = SparseTensor(rows, columns, data, (height if shape[0] is None else shape[0], shape[1]))
    made.inputs = (rows, columns, data, height)
    made.name = name
    return made


def coordinates(matrix: Any) -> tuple[Any, Any, Any, int]:
    """Return rows, columns, values and the number of rows of a matrix of SciPy."""
    found = matrix.tocoo()
    return found.row, found.col, found.data, found.shape[0]


def feed_sparse(given: SparseTensor, value: Any, what: str) -> list[Any]:
    """Return what to feed the placeholders of a sparse matrix for a matrix.

    Raises
    ------
    FeedError
        If it is no matrix of SciPy, or its shape does not fit.
    """
    if not hasattr(value, "tocoo"):
        raise FeedError(f"{what} is sparse and takes a matrix of scipy.sparse, not a {type(value).__name__}.")
    shape = tuple(value.shape)
    fits = len(shape) == 2 and all(expected in (None, n) for expected, n in zip(given.shape, shape, strict=True))
    if not fits:
        raise FeedError(f"{what} expects the shape {given.shape}, but was given {shape}.")
    return list(coordinates(value))


def dot_sparse(x: SparseTensor, y: Tensor) -> Tensor:
    """Return the product of a sparse matrix with a dense one: rows of ``y``, weighted and summed."""
    if y.ndim != 2:
        raise ShapeError(f"A sparse matrix multiplies matrices, not a tensor of shape {y.shape}.")
    merge_sizes(x.shape[1], y.shape[0], f"dot of {x.shape} and {y.shape}")
    terms = xp.expand_dims(x.values, axis=1) * xp.take(y, x.columns, axis=0)
    return xp.segment_sum(terms, x.rows, shape_of(x)[0])


def concatenate_sparse(matrices: Iterable[SparseTensor], axis: int) -> SparseTensor:
    """Return sparse matrices joined: 0 puts them below each other, 1 side by side."""
    placed: list[tuple[Tensor, Tensor, Tensor]] = []
    offset: Any = 0
    for m in matrices:
        shift = (offset, 0) if axis == 0 else (0, offset)
        placed.append((m.rows + shift[0], m.columns + shift[1], m.values))
        offset = offset + shape_of(m)[axis]
        other = shape_of(m)[1 - axis]
    rows, columns, data = (xp.concat(list(parts), axis=0) for parts in zip(*placed, strict=True))
    return SparseTensor(rows, columns, data, (offset, other) if axis == 0 else (other, offset))
