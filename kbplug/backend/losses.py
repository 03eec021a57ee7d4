"""Crossentropies. Probabilities that a graph made by ``softmax`` or ``sigmoid`` are scored by their logits instead."""

from __future__ import annotations

from kbplug.backend.arguments import TensorLike
from kbplug.backend.settings import epsilon
from kbplug.backend.tensors import as_tensor, floating
from kbplug.errors import ArgumentError
from kbplug.graph.spec import normalize_axis
from kbplug.graph.tensor import Tensor
from kbplug.ops.namespace import namespace as xp
from kbplug.ops.sizes import shape_of


def _class_axis(output: Tensor, axis: int) -> int:
    if not -output.ndim <= axis < output.ndim:
        raise ArgumentError(
            f"The class axis is {axis}, but the output has the {output.ndim} dimensions {output.shape}."
        )
    return normalize_axis(axis, output.ndim)


def _logits(output: Tensor, from_logits: bool, op: str, axis: int | None = None) -> Tensor | None:
    """Return ``output`` if it is logits, or what ``op`` made the probabilities of; None if something else made them."""
    if from_logits:
        return output
    node = output.node
    if node.op.name != op or (axis is not None and normalize_axis(node.params["axis"], output.ndim) != axis):
        return None
    return Tensor(node.inputs[0])


def _log_probabilities(output: Tensor, from_logits: bool, axis: int) -> Tensor:
    """Return logarithms of the probabilities over ``axis``, first scaled to add up to 1 and kept off 0 and 1."""
    logits = _logits(output, from_logits, "softmax", axis)
    if logits is not None:
        return xp.log_softmax(logits, axis=axis)
    return xp.log(_inside(output / xp.sum(output, axis=axis, keepdims=True)))


def _inside(p: Tensor) -> Tensor:
    return xp.clip(p, epsilon(), 1.0 - epsilon())


def categorical_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """Return ``-sum(target * log(output))`` over the classes.

    Parameters
    ----------
    target
        Probabilities, in the shape of ``output``.
    output
        Predicted probabilities, scaled to add up to 1 and kept ``epsilon()`` off 0 and 1; or logits. What
        ``softmax`` made is scored by its logits, which stays exact where probabilities round to 0 or 1.
    from_logits
        Whether ``output`` are logits.
    axis
        The dimension of the classes.

    Raises
    ------
    ArgumentError
        If there is no such axis.

    Examples
    --------
    >>> K.eval(K.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]))
    array([0.6931472], dtype=float32)
    """
    output = floating(output)
    axis = _class_axis(output, axis)
    logits = _logits(output, from_logits, "softmax", axis)
    if logits is not None:
        return xp.softmax_cross_entropy(logits, target, axis=axis)
    return -xp.sum(as_tensor(target) * _log_probabilities(output, from_logits, axis), axis=axis)


def sparse_categorical_crossentropy(
    target: TensorLike,
    output: TensorLike,
    from_logits: bool = False,
    axis: int = -1,
    ignore_class: int | None = None,
) -> Tensor:
    """Return ``-log(output)`` at the class that ``target`` names.

    Parameters
    ----------
    target
        Classes as whole numbers of any dtype, in the shape of ``output`` without ``axis``, or with size 1 there.
    output
        Predicted probabilities or logits, as in ``categorical_crossentropy``.
    from_logits
        Whether ``output`` are logits.
    axis
        The dimension of the classes.
    ignore_class
        A class for which the result is 0, even if it does not exist.

    Returns
    -------
    Tensor
        In the shape of ``output`` without ``axis``; NaN for a class that does not exist.

    Raises
    ------
    ArgumentError
        If there is no such axis.

    Examples
    --------
    >>> K.eval(K.sparse_categorical_crossentropy([1], [[0.5, 0.5]]))
    array([0.6931472], dtype=float32)
    """
    output = floating(output)
    axis = _class_axis(output, axis)
    logs = xp.moveaxis(_log_probabilities(output, from_logits, axis), axis, -1)
    *rest, classes = shape_of(logs)
    named = xp.reshape(xp.astype(as_tensor(target), "int64"), tuple(rest))
    exists = (named >= 0) & (named < classes)
    places = xp.expand_dims(xp.where(exists, named, 0), axis=-1)
    loss = xp.where(exists, -xp.squeeze(xp.take_along_axis(logs, places, axis=-1), axis=-1), xp.nan)
    return loss if ignore_class is None else xp.where(named == ignore_class, 0.0, loss)


def binary_crossentropy(target: TensorLike, output: TensorLike, from_logits: bool = False) -> Tensor:
    """Return ``-target * log(output) - (1 - target) * log(1 - output)``, elementwise.

    Parameters
    ----------
    target
        Probabilities, in the shape of ``output``.
    output
        Predicted probabilities, kept ``epsilon()`` off 0 and 1; or logits. What ``sigmoid`` made is scored by its
        logits.
    from_logits
        Whether ``output`` are logits.

    Examples
    --------
    >>> K.eval(K.binary_crossentropy([0.0, 1.0], [0.5, 0.5]))
    array([0.6931472, 0.6931472], dtype=float32)
    """
    target, output = floating(target), floating(output)
    logits = _logits(output, from_logits, "special.expit")
    if logits is not None:
        return xp.sigmoid_cross_entropy(logits, target)
    return -(target * xp.log(_inside(output)) + (1.0 - target) * xp.log(_inside(1.0 - output)))


def binary_focal_crossentropy(
    target: TensorLike,
    output: TensorLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
) -> Tensor:
    """Return ``binary_crossentropy`` weighted by the power ``gamma`` of how far the prediction is off.

    Lin et al., "Focal loss for dense object detection", 2017, equation 5.

    Parameters
    ----------
    target, output, from_logits
        As in ``binary_crossentropy``.
    apply_class_balancing
        Whether to weigh the class 1 by ``alpha`` and the class 0 by ``1 - alpha``.
    alpha
        Weight of the class 1.
    gamma
        0 gives ``binary_crossentropy``.

    Examples
    --------
    >>> K.eval(K.binary_focal_crossentropy([0.0, 1.0], [0.5, 0.5]))
    array([0.1732868, 0.1732868], dtype=float32)
    """
    target, output = floating(target), floating(output)
    p = xp.special.expit(output) if from_logits else output
    right = target * p + (1.0 - target) * (1.0 - p)
    loss = (1.0 - right) ** gamma * binary_crossentropy(target, output, from_logits)
    return (target * alpha + (1.0 - target) * (1.0 - alpha)) * loss if apply_class_balancing else loss


def categorical_focal_crossentropy(
    target: TensorLike,
    output: TensorLike,
    alpha: TensorLike = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    axis: int = -1,
) -> Tensor:
    """Return ``categorical_crossentropy`` with each class weighted by ``alpha * (1 - output) ** gamma``.

    Lin et al., "Focal loss for dense object detection", 2017, equation 5, for several classes.

    Parameters
    ----------
    target, output, from_logits, axis
        As in ``categorical_crossentropy``.
    alpha
        A weight, or one per class.
    gamma
        How quickly right predictions lose their weight.

    Examples
    --------
    >>> K.eval(K.categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]))
    array([0.0433217], dtype=float32)
    """
    output = floating(output)
    axis = _class_axis(output, axis)
    logs = _log_probabilities(output, from_logits, axis)
    return -xp.sum(alpha * (1.0 - xp.exp(logs)) ** gamma * as_tensor(target) * logs, axis=axis)
