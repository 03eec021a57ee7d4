"""What every chapter of linear algebra asks of a matrix: its checks, its adjoint, its diagonal. Declares no op."""

from __future__ import annotations

from kbplug.errors import ShapeError
from kbplug.graph.spec import Shape, Size, Spec, merge_sizes
from kbplug.graph.tensor import Tensor
from kbplug.ops.elementwise import conj
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import size_along


def matrix(name: str, x: Spec) -> tuple[Shape, Size, Size]:
    """Return the batch shape, the rows and the columns of a stack of matrices.

    Raises
    ------
    ShapeError
        If ``x`` has fewer than two dimensions.
    """
    if x.ndim < 2:
        raise ShapeError(f"{name} needs a matrix or a stack of matrices, not an array of shape {x.shape}.")
    return x.shape[:-2], x.shape[-2], x.shape[-1]


def square(name: str, x: Spec) -> tuple[Shape, Size]:
    """Return the batch shape and the order of a stack of square matrices.

    Raises
    ------
    ShapeError
        If the matrices are not square.
    """
    batch, rows, columns = matrix(name, x)
    if rows is not None and columns is not None and rows != columns:
        raise ShapeError(f"{name} needs square matrices, not matrices of {rows} by {columns}.")
    return batch, merge_sizes(rows, columns, name)


def smaller(a: Size, b: Size) -> Size:
    """Return the smaller of two sizes, None while that is unknown."""
    if a == 0 or b == 0:
        return 0
    return None if a is None or b is None else min(a, b)


def adjoint(x: Tensor) -> Tensor:
    """Return the conjugate transpose."""
    return conj(xp.matrix_transpose(x))


def on_diagonal(x: Tensor, offset: int = 0) -> Tensor:
    """Return a boolean matrix, true where ``column - row == offset``, of the size of the matrices ``x``."""
    rows, columns = xp.arange(size_along(x, -2)), xp.arange(size_along(x, -1))
    return xp.expand_dims(rows + offset, axis=1) == columns


__all__ = ["adjoint", "matrix", "on_diagonal", "smaller", "square"]
