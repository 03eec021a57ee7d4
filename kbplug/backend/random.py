"""Random tensors: each call opens a stream of its own, and every run of the result draws anew from it."""

from __future__ import annotations

from typing import Any

from kbplug.backend.arguments import DTypeLike, Sizes, TensorLike
from kbplug.backend.settings import floatx
from kbplug.backend.tensors import as_tensor
from kbplug.dtypes import INTEGER, REAL_FLOATING, check_dtype
from kbplug.errors import ArgumentError
from kbplug.graph.op import lookup
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.namespace import size_operands
from kbplug.ops.sizes import shape_of, size_along
from kbplug.runtime.streams import stream


def draw(distribution: str, shape: Sizes, dtype: str, seed: int | None, **params: Any) -> Tensor:
    """Return numbers of a distribution of ``kbplug.ops.random`` from a new stream."""
    operands, static = size_operands(shape)
    return lookup(f"random.{distribution}")(stream(seed), *operands, shape=static, dtype=dtype, **params)


def random_normal(
    shape: Sizes, mean: Any = 0.0, stddev: Any = 1.0, dtype: DTypeLike = None, seed: int | None = None
) -> Tensor:
    """Return normally distributed numbers.

    Parameters
    ----------
    shape
        Sizes, also such as the graph computes.
    mean, stddev
        Numbers, or tensors that broadcast to ``shape``.
    dtype
        A real floating-point one; ``floatx()`` by default.
    seed
        Makes the draws reproducible; None takes one from NumPy's global generator.

    Examples
    --------
    >>> K.random_normal((2, 3), seed=1).shape
    (2, 3)
    """
    return _located("normal", shape, mean, stddev, dtype, seed)


def truncated_normal(
    shape: Sizes, mean: Any = 0.0, stddev: Any = 1.0, dtype: DTypeLike = None, seed: int | None = None
) -> Tensor:
    """Return normally distributed numbers, given that they lie within two standard deviations of the mean.

    Parameters are those of ``random_normal``.

    Examples
    --------
    >>> bool(K.all(K.abs(K.truncated_normal((100,), seed=1)) <= 2))
    True
    """
    return _located("truncated_normal", shape, mean, stddev, dtype, seed)


def _located(distribution: str, shape: Sizes, mean: Any, stddev: Any, dtype: DTypeLike, seed: int | None) -> Tensor:
    target = floatx() if dtype is None else check_dtype(dtype)
    standard = draw(distribution, shape, target, seed)
    return standard * _as(stddev, target) + _as(mean, target)


def _as(value: Any, dtype: str) -> Tensor:
    """Return a location or scale in the dtype of the draw, so that an array of another one does not widen it."""
    return xp.astype(as_tensor(value), dtype)


def random_uniform(
    shape: Sizes, minval: Any = 0.0, maxval: Any = 1.0, dtype: DTypeLike = None, seed: int | None = None
) -> Tensor:
    """Return uniformly distributed numbers from ``minval`` up to but without ``maxval``.

    Parameters
    ----------
    shape
        Sizes, also such as the graph computes.
    minval, maxval
        Numbers, or for a floating-point dtype tensors that broadcast to ``shape``.
    dtype
        An integer or a real floating-point one; ``floatx()`` by default.
    seed
        Makes the draws reproducible; None takes one from NumPy's global generator.

    Examples
    --------
    >>> x = K.random_uniform((100,), 2, 5, dtype="int32", seed=1)
    >>> bool(K.all((x >= 2) & (x < 5)))
    True
    """
    target = floatx() if dtype is None else check_dtype(dtype)
    if target in INTEGER:
        return draw("integers", shape, target, seed, low=int(minval), high=int(maxval))
    low, high = _as(minval, target), _as(maxval, target)
    return draw("uniform", shape, target, seed) * (high - low) + low


def random_binomial(shape: Sizes, p: Any = 0.0, dtype: DTypeLike = None, seed: int | None = None) -> Tensor:
    """Return ones with probability ``p``, and zeros.

    Parameters
    ----------
    shape
        Sizes, also such as the graph computes.
    p
        A number, or a tensor that broadcasts to ``shape``.
    dtype
        ``floatx()`` by default.
    seed
        Makes the draws reproducible; None takes one from NumPy's global generator.

    Examples
    --------
    >>> float(K.sum(K.random_binomial((10,), p=1.0)))
    10.0
    """
    target = floatx() if dtype is None else check_dtype(dtype)
    return xp.astype(draw("uniform", shape, "float32", seed) < _as(p, "float32"), target)


def random_bernoulli(shape: Sizes, p: Any = 0.0, dtype: DTypeLike = None, seed: int | None = None) -> Tensor:
    """Return ones with probability ``p``, and zeros: the newer name of ``random_binomial``.

    Examples
    --------
    >>> float(K.sum(K.random_bernoulli((10,), p=0.0)))
    0.0
    """
    return random_binomial(shape, p, dtype, seed)


def dropout(x: TensorLike, level: float, noise_shape: Any = None, seed: int | None = None) -> Tensor:
    """Set a fraction of ``x`` to zero at random and scale the rest up, so that the expected sum stays.

    Parameters
    ----------
    x
        A floating-point tensor.
    level
        The fraction to drop, from 0 up to but without 1.
    noise_shape
        The shape in which to decide, broadcast to that of ``x``; the shape of ``x`` by default. None among its
        sizes stands for the size of ``x`` there.
    seed
        Makes the draws reproducible; None takes one from NumPy's global generator.

    Raises
    ------
    ArgumentError
        If the level is out of range.

    Examples
    --------
    >>> sorted(set(K.eval(K.dropout(K.ones((100,)), 0.5, seed=1)).tolist()))
    [0.0, 2.0]
    """
    if not 0 <= level < 1:
        raise ArgumentError(f"The level of dropout is {level}, but it must be from 0 up to but without 1.")
    x = as_tensor(x)
    if x.dtype not in REAL_FLOATING:
        raise ArgumentError(f"dropout needs real floating-point numbers, not {x.dtype}; cast first.")
    if level == 0:
        return x
    noise = draw("uniform", _noise_sizes(x, noise_shape), "float32", seed)
    return xp.where(noise >= level, x / (1.0 - level), 0.0)


def _noise_sizes(x: Tensor, noise_shape: Any) -> Any:
    if noise_shape is None:
        return shape_of(x)
    if isinstance(noise_shape, Tensor):
        return noise_shape
    return [size_along(x, i) if n is None else n for i, n in enumerate(noise_shape)]
