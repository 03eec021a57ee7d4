"""Reductions and running sums over one dimension, several or all."""

from __future__ import annotations

from kbplug.backend.arguments import Axis, TensorLike
from kbplug.backend.tensors import as_tensor, floating
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp


def _counting(x: TensorLike) -> Tensor:
    """Return ``x`` as numbers: booleans as integers."""
    made = as_tensor(x)
    return xp.astype(made, "int64") if made.dtype == "bool" else made


def max(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the largest element over ``axis``; ties share the gradient evenly.

    Examples
    --------
    >>> K.eval(K.max([[1.0, 4.0], [3.0, 2.0]], axis=1)).tolist()
    [4.0, 3.0]
    """
    return xp.max(as_tensor(x), axis=axis, keepdims=keepdims)


def min(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the smallest element over ``axis``; ties share the gradient evenly.

    Examples
    --------
    >>> K.eval(K.min([[1.0, 4.0], [3.0, 2.0]], axis=1)).tolist()
    [1.0, 2.0]
    """
    return xp.min(as_tensor(x), axis=axis, keepdims=keepdims)


def sum(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the sum over ``axis``; narrow integers are summed in 64 bits.

    Examples
    --------
    >>> K.eval(K.sum([[1.0, 4.0], [3.0, 2.0]], axis=0)).tolist()
    [4.0, 6.0]
    """
    return xp.sum(_counting(x), axis=axis, keepdims=keepdims)


def prod(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the product over ``axis``; its gradient is exact where elements are 0.

    Examples
    --------
    >>> K.eval(K.prod([[1.0, 4.0], [3.0, 2.0]], axis=0)).tolist()
    [3.0, 8.0]
    """
    return xp.prod(_counting(x), axis=axis, keepdims=keepdims)


def mean(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the mean over ``axis``; integers and booleans are taken as ``floatx()``.

    Examples
    --------
    >>> K.eval(K.mean([[1.0, 4.0], [3.0, 2.0]], axis=0)).tolist()
    [2.0, 3.0]
    """
    return xp.mean(floating(x), axis=axis, keepdims=keepdims)


def var(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the variance over ``axis``: the mean squared deviation.

    Examples
    --------
    >>> K.eval(K.var([[1.0, 4.0], [3.0, 2.0]], axis=0)).tolist()
    [1.0, 1.0]
    """
    return xp.var(floating(x), axis=axis, keepdims=keepdims)


def std(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the standard deviation over ``axis``; its gradient is 0 where the deviation is.

    Examples
    --------
    >>> K.eval(K.std([[1.0, 4.0], [3.0, 2.0]], axis=0)).tolist()
    [1.0, 1.0]
    """
    return xp.std(floating(x), axis=axis, keepdims=keepdims)


def logsumexp(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return ``log(sum(exp(x)))`` over ``axis`` without overflow.

    Examples
    --------
    >>> float(K.logsumexp([1000.0, -1000.0]))
    1000.0
    """
    return xp.logsumexp(floating(x), axis=axis, keepdims=keepdims)


def any(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return whether any element over ``axis`` is true, or not zero.

    Examples
    --------
    >>> K.eval(K.any([[True, False], [False, False]], axis=1)).tolist()
    [True, False]
    """
    return xp.any(as_tensor(x), axis=axis, keepdims=keepdims)


def all(x: TensorLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return whether all elements over ``axis`` are true, or not zero.

    Examples
    --------
    >>> K.eval(K.all([[True, False], [True, True]], axis=1)).tolist()
    [False, True]
    """
    return xp.all(as_tensor(x), axis=axis, keepdims=keepdims)


def argmax(x: TensorLike, axis: int | None = -1) -> Tensor:
    """Return where along ``axis`` the largest element stands first, as int64.

    Examples
    --------
    >>> K.eval(K.argmax([[1.0, 4.0], [3.0, 2.0]])).tolist()
    [1, 0]
    """
    return xp.argmax(as_tensor(x), axis=axis)


def argmin(x: TensorLike, axis: int | None = -1) -> Tensor:
    """Return where along ``axis`` the smallest element stands first, as int64.

    Examples
    --------
    >>> K.eval(K.argmin([[1.0, 4.0], [3.0, 2.0]])).tolist()
    [0, 1]
    """
    return xp.argmin(as_tensor(x), axis=axis)


def cumsum(x: TensorLike, axis: int = 0) -> Tensor:
    """Return running sums along ``axis``.

    Examples
    --------
    >>> K.eval(K.cumsum([1.0, 2.0, 3.0])).tolist()
    [1.0, 3.0, 6.0]
    """
    return xp.cumulative_sum(_counting(x), axis=axis)


def cumprod(x: TensorLike, axis: int = 0) -> Tensor:
    """Return running products along ``axis``; the gradient is exact where elements are 0.

    Examples
    --------
    >>> K.eval(K.cumprod([1.0, 2.0, 3.0])).tolist()
    [1.0, 2.0, 6.0]
    """
    return xp.cumulative_prod(_counting(x), axis=axis)
