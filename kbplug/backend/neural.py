"""Activations, normalisations and the other elementwise steps of neural networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kbplug.backend.arguments import Axis, TensorLike
from kbplug.backend.settings import normalize_data_format
from kbplug.backend.tensors import as_tensor, floating
from kbplug.errors import ShapeError
from kbplug.graph.spec import normalize_axes, normalize_axis
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import shape_of


def relu(x: TensorLike, alpha: Any = 0.0, max_value: Any = None, threshold: Any = 0.0) -> Tensor:
    """Return the rectifier.

    It is ``x`` where ``x >= threshold``, and ``alpha * (x - threshold)`` below; a ``max_value`` keeps the former
    between 0 and itself. The plain form, ``max(x, 0)``, has gradient 0 at 0.

    Parameters
    ----------
    x
        A real tensor.
    alpha, max_value, threshold
        Numbers or 0-d arrays; ``max_value=None`` is no upper bound.

    Examples
    --------
    >>> K.eval(K.relu([-2.0, 0.5, 3.0], alpha=0.5, max_value=1.0)).tolist()
    [-1.0, 0.5, 1.0]
    """
    x = as_tensor(x)
    alpha, max_value, threshold = _number(alpha), _number(max_value), _number(threshold)
    if _is_zero(alpha) and _is_zero(threshold):
        return xp.relu(x) if max_value is None else xp.clip(xp.relu(x), None, max_value)
    lower = 0.0 if _is_zero(alpha) else alpha * (x - threshold)
    below = x <= threshold if _is_zero(threshold) else x < threshold  # a leaky rectifier has slope alpha at 0
    return xp.where(below, lower, x if max_value is None else xp.clip(x, 0.0, max_value))


def _number(value: Any) -> Any:
    """Return a 0-d array as a Python number, which does not widen the dtype of what it meets."""
    return value.item() if hasattr(value, "item") and not isinstance(value, Tensor) else value


def _is_zero(value: Any) -> bool:
    return not isinstance(value, Tensor) and value == 0


def elu(x: TensorLike, alpha: Any = 1.0) -> Tensor:
    """Return ``x`` where it is positive, else ``alpha * (exp(x) - 1)``.

    Examples
    --------
    >>> K.eval(K.elu([0.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    x, alpha = floating(x), _number(alpha)
    if isinstance(alpha, Tensor):
        return xp.where(x > 0, x, alpha * xp.elu(x))
    return xp.elu(x, alpha=float(alpha))


def softmax(x: TensorLike, axis: int = -1) -> Tensor:
    """Return exponentials normalised over ``axis``.

    Examples
    --------
    >>> K.eval(K.softmax([[1.0, 1.0]])).tolist()
    [[0.5, 0.5]]
    """
    return xp.softmax(floating(x), axis=axis)


def softplus(x: TensorLike) -> Tensor:
    """Return ``log(1 + exp(x))`` without overflow.

    Examples
    --------
    >>> float(K.softplus(1000.0))
    1000.0
    """
    return xp.softplus(floating(x))


def softsign(x: TensorLike) -> Tensor:
    """Return ``x / (1 + abs(x))``.

    Examples
    --------
    >>> K.eval(K.softsign([-1.0, 3.0])).tolist()
    [-0.5, 0.75]
    """
    return xp.softsign(floating(x))


def sigmoid(x: TensorLike) -> Tensor:
    """Return the logistic function ``1 / (1 + exp(-x))`` without overflow.

    Examples
    --------
    >>> float(K.sigmoid(0.0))
    0.5
    """
    return xp.special.expit(floating(x))


def hard_sigmoid(x: TensorLike) -> Tensor:
    """Return ``0.2 * x + 0.5`` kept between 0 and 1.

    Examples
    --------
    >>> K.eval(K.hard_sigmoid([-3.0, 0.0, 3.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return xp.hard_sigmoid(floating(x))


def tanh(x: TensorLike) -> Tensor:
    """Return the hyperbolic tangent.

    Examples
    --------
    >>> float(K.tanh(0.0))
    0.0
    """
    return xp.tanh(floating(x))


_TINY = {"float16": 6e-8}


def l2_normalize(x: TensorLike, axis: Axis = None) -> Tensor:
    """Return ``x`` divided by its Euclidean norm over ``axis``; zeros stay zeros.

    Examples
    --------
    >>> K.eval(K.l2_normalize([3.0, 4.0], axis=0))
    array([0.6, 0.8], dtype=float32)
    """
    x = floating(x)
    total = xp.sum(xp.square(x), axis=axis, keepdims=True)
    return x / xp.sqrt(xp.maximum(total, _TINY.get(x.dtype, 1e-12)))


def in_top_k(predictions: TensorLike, targets: TensorLike, k: int) -> Tensor:
    """Return whether each target class is among the ``k`` with the largest predictions.

    Parameters
    ----------
    predictions
        Scores of shape ``(samples, classes)``.
    targets
        Integer classes of shape ``(samples,)``; one that does not exist is never among them.
    k
        How many classes count; all that tie with the last of them do.

    Examples
    --------
    >>> K.eval(K.in_top_k([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1]], [1, 2], k=2)).tolist()
    [True, False]
    """
    scores, wanted = floating(predictions), xp.expand_dims(xp.astype(as_tensor(targets), "int64"), axis=-1)
    classes = xp.arange(shape_of(scores)[-1])
    chosen = wanted == classes
    score = xp.max(xp.where(chosen, scores, -xp.inf), axis=-1, keepdims=True)
    ahead = xp.sum(xp.astype(scores > score, "int64"), axis=-1)
    return (ahead < k) & xp.any(chosen & xp.isfinite(scores), axis=-1)


def batch_normalization(
    x: TensorLike,
    mean: TensorLike,
    var: TensorLike,
    beta: TensorLike | None,
    gamma: TensorLike | None,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> Tensor:
    """Return ``gamma * (x - mean) / sqrt(var + epsilon) + beta``.

    Parameters
    ----------
    x
        A floating-point tensor.
    mean, var, beta, gamma
        Vectors along ``axis``, or tensors that broadcast to ``x``; without ``beta`` nothing is added, without
        ``gamma`` nothing multiplied.
    axis
        The dimension that the vectors belong to.
    epsilon
        Added to the variance.

    Examples
    --------
    >>> K.eval(K.batch_normalization([[1.0, 3.0]], [1.0, 1.0], [1.0, 4.0], None, None, epsilon=0.0)).tolist()
    [[0.0, 1.0]]
    """
    x = floating(x)
    shift, scale = (None if p is None else _along(p, x, axis) for p in (beta, gamma))
    return _scaled(x - _along(mean, x, axis), _along(var, x, axis), shift, scale, epsilon)


def _scaled(centred: Tensor, var: Tensor, beta: Tensor | None, gamma: Tensor | None, epsilon: float) -> Tensor:
    factor = 1.0 / xp.sqrt(var + epsilon)
    normed = centred * (factor if gamma is None else factor * gamma)
    return normed if beta is None else normed + beta


def _along(parameter: TensorLike, x: Tensor, axis: int) -> Tensor:
    """Return a parameter, if a vector, shaped to broadcast along one dimension of ``x``."""
    vector = as_tensor(parameter)
    after = x.ndim - 1 - normalize_axis(axis, x.ndim)
    if vector.ndim != 1 or not after:
        return vector
    return xp.reshape(vector, (*shape_of(vector), *(1,) * after))


def normalize_batch_in_training(
    x: TensorLike,
    gamma: TensorLike | None,
    beta: TensorLike | None,
    reduction_axes: Sequence[int],
    epsilon: float = 1e-3,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return ``x`` normalised by its own mean and variance over ``reduction_axes``, and these two.

    Parameters
    ----------
    x
        A floating-point tensor.
    gamma, beta
        What multiplies and is added afterwards: tensors with as many elements as the mean; or None.
    reduction_axes
        The dimensions that mean and variance are taken over.
    epsilon
        Added to the variance.

    Returns
    -------
    tuple of Tensor
        The normalised tensor, the mean and the variance, which lack ``reduction_axes``.

    Examples
    --------
    >>> normed, mean, var = K.normalize_batch_in_training([[1.0], [3.0]], None, None, [0], epsilon=0.0)
    >>> K.eval(normed).tolist(), K.eval(mean).tolist(), K.eval(var).tolist()
    ([[-1.0], [1.0]], [2.0], [1.0])
    """
    x = floating(x)
    axes = normalize_axes(reduction_axes, x.ndim)
    mean = xp.mean(x, axis=axes, keepdims=True)
    centred = x - mean
    var = xp.mean(xp.square(centred), axis=axes, keepdims=True)
    shift, scale = (None if p is None else xp.reshape(as_tensor(p), shape_of(mean)) for p in (beta, gamma))
    normed = _scaled(centred, var, shift, scale, epsilon)
    return normed, xp.squeeze(mean, axis=axes), xp.squeeze(var, axis=axes)


def bias_add(x: TensorLike, bias: TensorLike, data_format: str | None = None) -> Tensor:
    """Return ``x`` plus a bias for each channel, or for each channel and place.

    Parameters
    ----------
    x
        A tensor whose first dimension counts samples.
    bias
        A vector of one number per channel; or a tensor of one dimension less than ``x``, whose channels are its
        last dimension and which is laid out anew, in row-major order, for ``channels_first``.
    data_format
        Where ``x`` has its channels; that of the settings by default.

    Raises
    ------
    ShapeError
        If the bias has another number of dimensions.

    Examples
    --------
    >>> K.eval(K.bias_add(K.zeros((1, 2, 2)), [1.0, 2.0])).tolist()
    [[[1.0, 2.0], [1.0, 2.0]]]
    """
    data_format = normalize_data_format(data_format)
    x, bias = as_tensor(x), as_tensor(bias)
    if bias.ndim not in (1, x.ndim - 1):
        raise ShapeError(f"bias_add to the shape {x.shape} needs 1 or {x.ndim - 1} dimensions, not {bias.ndim}.")
    if x.ndim < 3 or data_format == "channels_last":
        return x + bias
    *places, channels = shape_of(bias)
    return x + xp.reshape(bias, (channels, *(places or (1,) * (x.ndim - 2))))
