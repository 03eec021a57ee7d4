"""Elementwise functions and comparisons."""

from __future__ import annotations

from kbplug.backend.arguments import TensorLike
from kbplug.backend.tensors import as_tensor, floating, operand
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp


def abs(x: TensorLike) -> Tensor:
    """Return the absolute value; its gradient at 0 is 0.

    Examples
    --------
    >>> K.eval(K.abs([-1.0, 2.0])).tolist()
    [1.0, 2.0]
    """
    return xp.abs(as_tensor(x))


def square(x: TensorLike) -> Tensor:
    """Return ``x * x``.

    Examples
    --------
    >>> K.eval(K.square([-1.0, 2.0])).tolist()
    [1.0, 4.0]
    """
    return xp.square(as_tensor(x))


def sqrt(x: TensorLike) -> Tensor:
    """Return the square root, and 0 for negative numbers, as Keras has it.

    Examples
    --------
    >>> K.eval(K.sqrt([4.0, -1.0])).tolist()
    [2.0, 0.0]
    """
    return xp.sqrt(xp.clip(floating(x), 0.0, None))


def exp(x: TensorLike) -> Tensor:
    """Return the exponential.

    Examples
    --------
    >>> float(K.exp(0.0))
    1.0
    """
    return xp.exp(floating(x))


def log(x: TensorLike) -> Tensor:
    """Return the natural logarithm.

    Examples
    --------
    >>> float(K.log(1.0))
    0.0
    """
    return xp.log(floating(x))


def sin(x: TensorLike) -> Tensor:
    """Return the sine of radians.

    Examples
    --------
    >>> float(K.sin(0.0))
    0.0
    """
    return xp.sin(floating(x))


def cos(x: TensorLike) -> Tensor:
    """Return the cosine of radians.

    Examples
    --------
    >>> float(K.cos(0.0))
    1.0
    """
    return xp.cos(floating(x))


def round(x: TensorLike) -> Tensor:
    """Return the nearest integers in the dtype of ``x``, ties to even; its gradient is 0.

    Examples
    --------
    >>> K.eval(K.round([0.5, 1.5, 1.6])).tolist()
    [0.0, 2.0, 2.0]
    """
    return xp.round(as_tensor(x))


def sign(x: TensorLike) -> Tensor:
    """Return -1, 0 or 1; its gradient is 0.

    Examples
    --------
    >>> K.eval(K.sign([-3.0, 0.0, 2.0])).tolist()
    [-1.0, 0.0, 1.0]
    """
    return xp.sign(as_tensor(x))


def pow(x: TensorLike, a: TensorLike) -> Tensor:
    """Return ``x`` to the power ``a``.

    Examples
    --------
    >>> K.eval(K.pow([2.0, 3.0], 2)).tolist()
    [4.0, 9.0]
    """
    return xp.pow(operand(x), operand(a))


def clip(x: TensorLike, min_value: TensorLike | None, max_value: TensorLike | None) -> Tensor:
    """Return ``x`` kept between two bounds; its gradient at a bound is 1.

    Parameters
    ----------
    x
        A real tensor.
    min_value, max_value
        Numbers or tensors; None is no bound. A number below the number ``min_value`` counts as ``min_value``.

    Examples
    --------
    >>> K.eval(K.clip([-1.0, 0.5, 2.0], 0, 1)).tolist()
    [0.0, 0.5, 1.0]
    """
    if isinstance(min_value, int | float) and isinstance(max_value, int | float):
        max_value = max(min_value, max_value)
    return xp.clip(as_tensor(x), min_value, max_value)


def maximum(x: TensorLike, y: TensorLike) -> Tensor:
    """Return the larger of two; ties share the gradient evenly.

    Examples
    --------
    >>> K.eval(K.maximum([1.0, 4.0], 2.0)).tolist()
    [2.0, 4.0]
    """
    return xp.maximum(operand(x), operand(y))


def minimum(x: TensorLike, y: TensorLike) -> Tensor:
    """Return the smaller of two; ties share the gradient evenly.

    Examples
    --------
    >>> K.eval(K.minimum([1.0, 4.0], 2.0)).tolist()
    [1.0, 2.0]
    """
    return xp.minimum(operand(x), operand(y))


def equal(x: TensorLike, y: TensorLike) -> Tensor:
    """Return whether ``x == y``, elementwise.

    Examples
    --------
    >>> K.eval(K.equal([1.0, 2.0], 2.0)).tolist()
    [False, True]
    """
    return xp.equal(operand(x), operand(y))


def not_equal(x: TensorLike, y: TensorLike) -> Tensor:
    """Return whether ``x != y``, elementwise.

    Examples
    --------
    >>> K.eval(K.not_equal([1.0, 2.0], 2.0)).tolist()
    [True, False]
    """
    return xp.not_equal(operand(x), operand(y))


def greater(x: TensorLike, y: TensorLike) -> Tensor:
    """Return whether ``x > y``, elementwise.

    Examples
    --------
    >>> K.eval(K.greater([1.0, 2.0], 1.0)).tolist()
    [False, True]
    """
    return xp.greater(operand(x), operand(y))


def greater_equal(x: TensorLike, y: TensorLike) -> Tensor:
    """Return whether ``x >= y``, elementwise.

    Examples
    --------
    >>> K.eval(K.greater_equal([1.0, 2.0], 2.0)).tolist()
    [False, True]
    """
    return xp.greater_equal(operand(x), operand(y))


def less(x: TensorLike, y: TensorLike) -> Tensor:
    """Return whether ``x < y``, elementwise.

    Examples
    --------
    >>> K.eval(K.less([1.0, 2.0], 2.0)).tolist()
    [True, False]
    """
    return xp.less(operand(x), operand(y))


def less_equal(x: TensorLike, y: TensorLike) -> Tensor:
    """Return whether ``x <= y``, elementwise.

    Examples
    --------
    >>> K.eval(K.less_equal([1.0, 2.0], 1.0)).tolist()
    [True, False]
    """
    return xp.less_equal(operand(x), operand(y))
