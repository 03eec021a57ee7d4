"""Variables: how they are made, read and set. Their updates stand in ``functions``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kbplug.backend.arguments import DTypeLike, HostArray, Sizes, TensorLike
from kbplug.backend.names import full_name
from kbplug.backend.random import random_normal, random_uniform
from kbplug.backend.settings import floatx
from kbplug.backend.sparse import sparse_constant
from kbplug.backend.tensors import eval, int_shape, marked, to_host
from kbplug.dtypes import check_dtype
from kbplug.errors import ArgumentError
from kbplug.graph.spec import Shape, size_of
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.namespace import size_operands
from kbplug.runtime.cells import Cell, Variable


def variable(
    value: TensorLike,
    dtype: DTypeLike = None,
    name: str | None = None,
    constraint: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Return a tensor whose value functions may update.

    Parameters
    ----------
    value
        Its first value; a tensor is computed. A matrix of ``scipy.sparse`` becomes a sparse tensor, which stays
        as it is.
    dtype
        ``floatx()`` by default.
    name
        Scopes are put before it; ``variable_1``, ``variable_2``, ... by default.
    constraint
        What an optimizer applies after each of its updates; kept as an attribute, as is ``trainable``, True.

    Raises
    ------
    DTypeError
        If the dtype is unknown.
    SymbolicError
        If ``value`` is a tensor with a placeholder below it.

    Examples
    --------
    >>> w = K.variable([[1, 2], [3, 4]])
    >>> w.dtype, K.get_value(w).tolist()
    ('float32', [[1.0, 2.0], [3.0, 4.0]])
    """
    if hasattr(value, "tocoo"):
        return marked(sparse_constant(value, floatx() if dtype is None else check_dtype(dtype)))
    first = eval(value) if isinstance(value, Tensor) else value
    made = Variable(Cell(to_host(first, dtype), full_name(name, "variable")))
    vars(made).update(constraint=constraint, trainable=True)  # layers that hold it ask for both
    return marked(made)


def zeros(shape: Sizes, dtype: DTypeLike = None, name: str | None = None) -> Tensor:
    """Return a variable of zeros; a tensor where a size is computed by the graph.

    Examples
    --------
    >>> K.eval(K.zeros((2, 2))).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    return _filled(shape, 0, dtype, name)


def ones(shape: Sizes, dtype: DTypeLike = None, name: str | None = None) -> Tensor:
    """Return a variable of ones; a tensor where a size is computed by the graph.

    Examples
    --------
    >>> K.eval(K.ones((2, 2))).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    return _filled(shape, 1, dtype, name)


def _filled(shape: Sizes, value: int, dtype: DTypeLike, name: str | None) -> Tensor:
    made = xp.full(shape, value, dtype=floatx() if dtype is None else check_dtype(dtype))
    return made if size_operands(shape)[0] else variable(made, made.dtype, name)


def eye(size: int | tuple[int, int] | list[int], dtype: DTypeLike = None, name: str | None = None) -> Tensor:
    """Return a variable with ones on the diagonal.

    Parameters
    ----------
    size
        The number of rows and columns, one for both or each its own.
    dtype
        ``floatx()`` by default.
    name
        A label.

    Examples
    --------
    >>> K.eval(K.eye(2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    rows, columns = size if isinstance(size, tuple | list) else (size, size)
    return variable(xp.eye(rows, columns, dtype=floatx() if dtype is None else check_dtype(dtype)), dtype, name)


def random_uniform_variable(
    shape: Sizes,
    low: float,
    high: float,
    dtype: DTypeLike = None,
    name: str | None = None,
    seed: int | None = None,
) -> Tensor:
    """Return a variable drawn uniformly from ``low`` up to ``high``.

    Examples
    --------
    >>> K.random_uniform_variable((2, 3), 0, 1).shape
    (2, 3)
    """
    return variable(random_uniform(shape, low, high, dtype, seed), dtype, name)


def random_normal_variable(
    shape: Sizes,
    mean: float,
    scale: float,
    dtype: DTypeLike = None,
    name: str | None = None,
    seed: int | None = None,
) -> Tensor:
    """Return a variable drawn from the normal distribution of that mean and standard deviation.

    Examples
    --------
    >>> K.random_normal_variable((2, 3), 0, 1).shape
    (2, 3)
    """
    return variable(random_normal(shape, mean, scale, dtype, seed), dtype, name)


def get_value(x: TensorLike) -> HostArray:
    """Return the value of a variable as a NumPy array that shares memory with nothing.

    Examples
    --------
    >>> K.get_value(K.variable([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """
    return x.cell.get() if isinstance(x, Variable) else eval(x)


def batch_get_value(tensors: Iterable[TensorLike]) -> list[HostArray]:
    """Return the values of several variables.

    Examples
    --------
    >>> [v.tolist() for v in K.batch_get_value([K.variable(1.0), K.variable([2.0])])]
    [1.0, [2.0]]
    """
    return [get_value(x) for x in tensors]


def set_value(x: Variable, value: Any) -> None:
    """Replace the value of a variable.

    Raises
    ------
    FeedError
        If the value has another shape, or does not fit the dtype.
    ArgumentError
        If ``x`` is no variable.

    Examples
    --------
    >>> v = K.variable([1.0, 2.0])
    >>> K.set_value(v, [3.0, 4.0])
    >>> K.get_value(v).tolist()
    [3.0, 4.0]
    """
    if not isinstance(x, Variable):
        raise ArgumentError(f"set_value needs a variable, but was given a {type(x).__name__}.")
    x.cell.set(eval(value) if isinstance(value, Tensor) else value)


def batch_set_value(tuples: Iterable[tuple[Variable, Any]]) -> None:
    """Replace the values of several variables, given as ``(variable, value)`` pairs.

    Examples
    --------
    >>> v, w = K.variable(1.0), K.variable([2.0])
    >>> K.batch_set_value([(v, 3.0), (w, [4.0])])
    >>> K.get_value(v).tolist(), K.get_value(w).tolist()
    (3.0, [4.0])
    """
    for x, value in tuples:
        set_value(x, value)


def get_variable_shape(x: TensorLike) -> Shape:
    """Return the shape of a variable.

    Examples
    --------
    >>> K.get_variable_shape(K.zeros((2, 3)))
    (2, 3)
    """
    return int_shape(x)


def count_params(x: TensorLike) -> int:
    """Return the number of elements of a variable or tensor.

    Raises
    ------
    ArgumentError
        If a size is known only when run.

    Examples
    --------
    >>> K.count_params(K.zeros((2, 3)))
    6
    """
    known = size_of(int_shape(x))
    if known is None:
        raise ArgumentError(
            f"count_params needs a known shape, not {int_shape(x)}; use size for a tensor that tells it."
        )
    return known
